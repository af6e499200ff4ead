import { protocolError } from "../../core/errors.ts";
import type { Id, InvalidMessage, Message, Meta } from "../../core/message.ts";
import type { FieldReader, FieldWriter } from "./body.ts";
import { readFault, writeFault } from "./faults.ts";
import {
  CALL,
  CANCEL,
  ERROR,
  GOODBYE,
  HELLO,
  META,
  MORE,
  NOTIFY,
  PARAMS,
  PING,
  PONG,
  RESULT,
  TIMEOUT,
  VALUE,
  WELCOME,
} from "./kinds.ts";

/** Writes one message as fields; a batch as its members, one after the other. Throws for what the body cannot carry. */
export function writeMessage(body: FieldWriter, message: Message): void {
  switch (message.kind) {
    case "call": {
      const { id, method, params, timeoutMs, meta, forms } = message;
      let kind = CALL;
      if (params !== undefined) kind |= PARAMS;
      if (timeoutMs !== undefined) kind |= TIMEOUT;
      if (meta !== undefined) kind |= META;
      body.put(kind);
      body.put(id);
      body.put(method);
      if (params !== undefined) body.put(params, forms);
      if (timeoutMs !== undefined) body.put(Math.ceil(timeoutMs));
      if (meta !== undefined) body.put(meta);
      return;
    }
    case "notify": {
      const { method, params, meta } = message;
      body.put(NOTIFY | (params === undefined ? 0 : PARAMS) | (meta === undefined ? 0 : META));
      body.put(method);
      if (params !== undefined) body.put(params);
      if (meta !== undefined) body.put(meta);
      return;
    }
    case "result":
      body.put(message.value === undefined ? RESULT : RESULT | VALUE);
      body.put(message.id);
      if (message.value !== undefined) body.put(message.value);
      return;
    case "error":
      return writeFault(body, message.id, message.error);
    case "cancel":
      body.put(CANCEL);
      return body.put(message.id);
    case "ping":
    case "pong":
      body.put(message.kind === "ping" ? PING : PONG);
      return body.put(message.token ?? null);
    case "goodbye": {
      const { text, redialAfterMs } = message;
      body.put(GOODBYE);
      body.put(text);
      return body.put(redialAfterMs === Number.POSITIVE_INFINITY ? -1 : (redialAfterMs ?? null));
    }
    case "batch":
      for (const member of message.messages) writeMessage(body, member);
      return;
    case "hello":
    case "welcome":
    case "invalid":
      // The codec says the first two itself; the third never goes out.
      return;
    default:
      message satisfies never;
  }
}

/** Reads one message, but for hello and welcome, which give their fields. Throws where the link cannot go on. */
export function readMessage(body: FieldReader): Message | { readonly kind: "fields"; readonly is: number } {
  const kind = body.next();
  if (typeof kind !== "number") throw protocolError("A message must begin with its kind");
  if (kind >= CALL && kind < CALL + 8) return readCall(body, kind);
  switch (kind) {
    case RESULT:
    case RESULT | VALUE:
      return {
        kind: "result",
        id: idOf(body.next()),
        value: kind === RESULT ? undefined : body.next(),
        call: undefined,
      };
    case ERROR:
    case ERROR | MORE: {
      const id = body.next();
      return {
        kind: "error",
        id: id === null ? null : idOf(id),
        error: readFault(body, kind === ERROR),
        call: undefined,
      };
    }
    case NOTIFY:
    case NOTIFY | PARAMS:
    case NOTIFY | META:
    case NOTIFY | PARAMS | META:
      return readNotification(body, kind);
    case CANCEL:
      return { kind: "cancel", id: idOf(body.next()) };
    case PING:
      return { kind: "ping", token: body.next() };
    case PONG:
      return { kind: "pong", token: body.next() };
    case GOODBYE:
      return { kind: "goodbye", text: textOfField(body.next()), redialAfterMs: delayOf(body.next()) };
    case HELLO:
    case WELCOME:
      return { kind: "fields", is: kind };
    default:
      throw protocolError(`There is no message of kind ${kind}`);
  }
}

function readCall(body: FieldReader, kind: number): Message {
  const id = idOf(body.next());
  const method = body.name();
  const params = (kind & PARAMS) === 0 ? undefined : body.next();
  const timeoutMs = (kind & TIMEOUT) === 0 ? undefined : body.next();
  const meta = (kind & META) === 0 ? undefined : body.next();
  if (typeof method !== "string") return invalid(id, "A call needs a method");
  if (timeoutMs !== undefined && !isTime(timeoutMs)) return invalid(id, "The time of a call must be a number", method);
  if (meta !== undefined && !isMeta(meta)) return invalid(id, "Metadata must be texts", method);
  return { kind: "call", id, method, params, timeoutMs, meta };
}

function readNotification(body: FieldReader, kind: number): Message {
  const method = body.name();
  const params = (kind & PARAMS) === 0 ? undefined : body.next();
  const meta = (kind & META) === 0 ? undefined : body.next();
  if (typeof method !== "string") return invalid(null, "A notification needs a method");
  if (meta !== undefined && !isMeta(meta)) return invalid(null, "Metadata must be texts", method);
  return { kind: "notify", method, params, meta };
}

export function invalid(id: Id | null, message: string, method?: string): InvalidMessage {
  return { kind: "invalid", id, method, error: { code: "invalid_argument", message, executed: "no" } };
}

function idOf(value: unknown): Id {
  if (typeof value === "string" || (typeof value === "number" && Number.isSafeInteger(value))) return value;
  throw protocolError("An id must be an integer or a text");
}

function textOfField(value: unknown): string {
  if (typeof value === "string") return value;
  throw protocolError("A goodbye needs a text");
}

function delayOf(value: unknown): number | undefined {
  if (value === -1) return Number.POSITIVE_INFINITY;
  return isTime(value) ? value : undefined;
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value < Number.POSITIVE_INFINITY;
}

function isMeta(value: unknown): value is Meta {
  // A Map or bytes have members too, or none.
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) return false;
  return Object.values(value).every((each) => typeof each === "string");
}
