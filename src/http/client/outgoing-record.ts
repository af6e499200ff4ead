import { membersOf } from "../../codecs/jsonrpc/id-text.ts";
import { CANCEL_REQUEST } from "../../codecs/jsonrpc/options.ts";
import type { Executed } from "../../core/errors.ts";

/** How the codec writes a call. */
const CALL = /^\{"jsonrpc":"2\.0","id":(\d+|"[^"\\]*"),"method":/;

/** How the codec says that it cannot read what came. */
const COMPLAINT = '{"jsonrpc":"2.0","id":null,"error":';

/** How the codec gives a call up in LSP's way. */
const CANCEL = `{"jsonrpc":"2.0","method":${JSON.stringify(CANCEL_REQUEST.method)},"params":{"${CANCEL_REQUEST.key}":`;

/**
 * Whether a frame only says that a message could not be read. A server that sent such a thing does not wait for an answer, and
 * two ends that each send what the other cannot read would never come to an end.
 */
export function isComplaint(frame: string): boolean {
  return frame.startsWith(COMPLAINT) || (frame.startsWith(`[${COMPLAINT}`) && isListOf(frame, COMPLAINT));
}

/** The ids of the calls in a frame of this end, as JSON text; none for one that nobody answers. */
export function callsIn(frame: string): Set<string> {
  const ids = new Set<string>();
  for (const request of frame.startsWith("[") ? membersOf(frame).texts : [frame]) {
    const id = CALL.exec(request)?.[1];
    if (id !== undefined) ids.add(id);
  }
  return ids;
}

/**
 * Whether a frame gives a call up in LSP's way, which the end of its request says already. Any other is said in words, too:
 * for MCP a request that breaks off is none that was given up.
 */
export function isCancel(frame: string): boolean {
  return frame.startsWith(CANCEL);
}

/** Why a request over HTTP brought no replies. */
export interface Failure {
  /** The code of the JSON-RPC error. */
  readonly number: number;
  readonly message: string;
  readonly executed: Executed;
}

/** The replies in the place of those that did not come. */
export function failures(ids: Iterable<string>, { number, message, executed }: Failure): string[] {
  const error = JSON.stringify({ code: number, message, data: { executed } });
  return [...ids].map((id) => `{"jsonrpc":"2.0","id":${id},"error":${error}}`);
}

function isListOf(frame: string, head: string): boolean {
  return membersOf(frame).texts.every((text) => text.startsWith(head));
}
