import { memberText } from "../../codecs/jsonrpc/id-text.ts";
import type { Code, RpcError } from "../../core/errors.ts";
import type { Answer } from "./exchange.ts";

type Headers = Answer["headers"];

/** Says what may be posted. */
export const ACCEPTS: Headers = { "accept-post": "application/json" };
/** How the codec answers what is no JSON. */
export const NOT_JSON = '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"invalid request value"}}';
/** Of a stream of events: nobody on the way keeps or gathers them. */
export const EVENTS: Headers = {
  "content-type": "text/event-stream",
  "cache-control": "no-store",
  "x-accel-buffering": "no",
  "x-content-type-options": "nosniff",
};
export const NO_CONTENT: Answer = { status: 204, headers: ACCEPTS };
/** The link was closed before its calls were answered. */
export const CLOSED: Answer = textAnswer(503, "The server closed before it answered", ACCEPTS);

/** What the error of a link that did not come about, or broke, is over HTTP. */
const STATUS: ReadonlyMap<Code, number> = new Map([
  ["unauthenticated", 401],
  ["permission_denied", 403],
  ["not_found", 404],
  ["resource_exhausted", 429],
  ["unavailable", 503],
  ["cancelled", 503],
  ["deadline_exceeded", 503],
]);

/** Never shown as a page, whatever of the request it repeats. */
export function textAnswer(status: number, text: string, headers: Headers = {}): Answer {
  if (text === "") return { status, headers: { ...headers } };
  const type = { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff" };
  return { status, headers: { ...headers, ...type }, body: `${text}\n` };
}

export function jsonAnswer(status: number, json: string, headers: Headers = {}): Answer {
  const type = { "content-type": "application/json", "x-content-type-options": "nosniff" };
  return { status, headers: { ...headers, ...type }, body: json };
}

/** The answer for an error that is not the call's own. */
export function refusal({ code, message, trace }: RpcError): Answer {
  return textAnswer(STATUS.get(code) ?? 500, trace === undefined ? message : `${message}, trace ${trace}`);
}

/** The bare result of a call, or its bare error with a status that says which kind. */
export function getAnswer(reply: string): Answer {
  const error = memberText(reply, "error");
  if (error === undefined) return jsonAnswer(200, memberText(reply, "result") ?? "null");
  const { code } = JSON.parse(error) as { readonly code?: unknown };
  return jsonAnswer(code === -32601 ? 404 : 500, error);
}

/** A GET that is no call. */
export function getRefused(status: number, code: number, { message }: { readonly message: string }): Answer {
  return jsonAnswer(status, JSON.stringify({ code, message }));
}
