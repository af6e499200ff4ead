import { membersOf } from "../../codecs/jsonrpc/id-text.ts";

/** How the codec writes a request, alone or first in a batch. */
const REQUEST = /^\[?\{"jsonrpc":"2\.0",(?:"id":(\d+|"[^"\\]*"),)?"method":/;

/** Whether a frame of this end holds requests; replies otherwise. A frame never holds both. */
export function isPush(frame: string): boolean {
  return REQUEST.test(frame);
}

/**
 * The answer of a caller over HTTP to calls that are pushed to it: it has no way to answer them by itself, and nobody shall
 * wait for that. Gives nothing for a frame of notifications.
 */
export function refusePush(frame: string): string | undefined {
  const isBatch = frame.startsWith("[");
  const requests = isBatch ? membersOf(frame).texts : [frame];
  const answers: string[] = [];
  for (const request of requests) {
    const id = REQUEST.exec(request)?.[1];
    if (id !== undefined) answers.push(`{"jsonrpc":"2.0","id":${id},"error":${CANNOT_ANSWER}}`);
  }
  if (answers.length === 0) return undefined;
  return isBatch ? `[${answers.join(",")}]` : answers[0];
}

/** -32089 is `failed_precondition`. */
const CANNOT_ANSWER = JSON.stringify({
  code: -32089,
  message: "A caller over HTTP can be notified, but it cannot answer a call",
  data: { executed: "no" },
});
