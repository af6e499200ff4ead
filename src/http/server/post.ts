import type { Frame } from "../../core/channel.ts";
import { ACCEPTS, CLOSED, jsonAnswer, NO_CONTENT, NOT_JSON, refusal, textAnswer } from "./answers.ts";
import { arrange, joinReplies, lateAnswer, wantsAnswer } from "./batch.ts";
import { type Door, identified, reading, toldOf, type Visitor } from "./door.ts";
import { type Answer, type Asked, Refused, tooLarge } from "./exchange.ts";
import { answerRecord, answerWithEvents } from "./links.ts";
import { mediaTypeOf } from "./media-type.ts";

/** Answers a request whose body is a JSON-RPC message, or of which the user's hook makes one. */
export async function answerPost(door: Door, asked: Asked, isEvents: boolean): Promise<Answer> {
  const { rules, hooks, terms } = door;
  const { parseRequest } = hooks;
  const maxBytes = rules.maxBodyBytes ?? terms.limits.maxFrameBytes;
  if (parseRequest === undefined) checkPost(asked, maxBytes, rules.allow);
  const visitor = await identified(door, asked);
  const record = await reading(door, async (under) =>
    parseRequest === undefined
      ? asked.body(maxBytes, under)
      : parsed(door, async () => parseRequest(asked.request({ maxBytes, reading: under }))),
  );
  const answer = record === undefined ? NO_CONTENT : await answerOf(door, visitor, record, isEvents);
  if (parseRequest === undefined) return answer;
  // The hook alone knows what may be posted.
  const { "accept-post": _, ...headers } = answer.headers;
  return { ...answer, headers };
}

/** What must be so before a body is read. */
function checkPost(asked: Asked, maxBytes: number, allow: string): void {
  if (asked.method !== "POST") throw new Refused(405, "", { ...ACCEPTS, allow });
  const media = mediaTypeOf(asked.header("content-type"));
  if (media?.type !== "application/json") throw new Refused(415, "content-type must be application/json", ACCEPTS);
  if (media.charset !== undefined && media.charset !== "utf-8" && media.charset !== "utf8") {
    throw new Refused(415, "invalid content-type charset", ACCEPTS);
  }
  const encoding = asked.header("content-encoding");
  if (encoding !== undefined && encoding.toLowerCase() !== "identity") {
    // What unpacks to a thousand times its size is not unpacked.
    throw new Refused(415, "content-encoding must be identity", { ...ACCEPTS, "accept-encoding": "identity" });
  }
  // Whatever it says, the body is counted.
  if (Number(asked.header("content-length") ?? 0) > maxBytes) throw tooLarge(maxBytes);
}

/** What the user's hook makes of a request, as a record. */
async function parsed({ terms }: Door, parse: () => Promise<unknown>): Promise<Frame | undefined> {
  try {
    const value = await parse();
    return value === undefined || typeof value === "string" || value instanceof Uint8Array
      ? value
      : JSON.stringify(value);
  } catch (thrown) {
    if (thrown instanceof Refused) throw thrown;
    throw new Refused(500, toldOf(terms, thrown, "parseRequest failed").message);
  }
}

async function answerOf(door: Door, visitor: Visitor, given: Frame, isEvents: boolean): Promise<Answer> {
  const arranged = arrange(given);
  const { record } = arranged;
  if (arranged.isEmpty) return NO_CONTENT;
  if (isEvents && wantsAnswer(record)) return answerWithEvents(door, visitor, arranged);
  const { replies, reason, isLate } = await answerRecord(door, visitor, record);
  if (isLate) {
    const late = lateAnswer(given);
    return late === undefined ? NO_CONTENT : jsonAnswer(200, late, ACCEPTS);
  }
  if (reason.error !== undefined) return refusal(reason.error);
  if (replies.length === 0) return wantsAnswer(record) ? CLOSED : NO_CONTENT;
  const reply = joinReplies(replies);
  if (reply === NOT_JSON) return textAnswer(500, "[-32700] invalid request value", ACCEPTS);
  return jsonAnswer(200, arranged.restore(reply), ACCEPTS);
}
