import { membersOf } from "../../codecs/jsonrpc/id-text.ts";
import { CANCEL_REQUEST, CANCELLED_NOTIFICATION, type CancelMethod } from "../../codecs/jsonrpc/options.ts";
import type { Executed } from "../../core/errors.ts";

/** How the codec writes a call. */
const CALL = /^\{"jsonrpc":"2\.0","id":(\d+|"[^"\\]*"),"method":/;

/** How the codec says that it cannot read what came. */
const COMPLAINT = '{"jsonrpc":"2.0","id":null,"error":';

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

/** The id of the call that a frame gives up, as JSON text, and whether the server shall be told in words, too. */
export interface GivenUp {
  readonly id: string;
  /** MCP: a request that breaks off is none that was given up. */
  readonly isSaid: boolean;
}

/** What a frame gives up; nothing for a frame that is no cancel, or one by another name than LSP's and MCP's. */
export function givenUpBy(frame: string): GivenUp | undefined {
  for (const cancel of [CANCEL_REQUEST, CANCELLED_NOTIFICATION]) {
    const head = headOf(cancel);
    if (frame.startsWith(head)) return { id: frame.slice(head.length, -2), isSaid: cancel === CANCELLED_NOTIFICATION };
  }
  return undefined;
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

function headOf({ method, key }: CancelMethod): string {
  return `{"jsonrpc":"2.0","method":${JSON.stringify(method)},"params":{"${key}":`;
}
