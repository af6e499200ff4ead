import type { Fault } from "../../core/errors.ts";
import { faultOf } from "./faults.ts";

/** The top level of a message as it came: every member may be anything, or absent. */
export interface Envelope {
  readonly jsonrpc?: unknown;
  readonly id?: unknown;
  readonly method?: unknown;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: unknown;
}

const MEMBERS: ReadonlySet<string> = new Set(["jsonrpc", "id", "method", "params", "result", "error"]);

/** What a message without members looks like; it has the prototype of everything that JSON.parse makes. */
const NOTHING: Envelope = Object.freeze({});

/**
 * The value as an envelope whose members are its own; `undefined` for what is no object. `null` counts as an empty one
 * (jrpc2, case 18). Should somebody have put one of our names on `Object.prototype`, a copy without a prototype is read.
 */
export function envelopeOf(value: unknown): Envelope | undefined {
  if (value === null) return NOTHING;
  if (typeof value !== "object" || Array.isArray(value)) return undefined;
  return isPolluted(NOTHING) ? ownMembers(value) : value;
}

/** Cheaper than six questions per message: nothing can be inherited from a prototype that has nothing of the kind. */
function isPolluted(it: Envelope): boolean {
  return (
    it.id !== undefined ||
    it.method !== undefined ||
    it.result !== undefined ||
    it.error !== undefined ||
    it.params !== undefined ||
    it.jsonrpc !== undefined
  );
}

function ownMembers(value: object): Envelope {
  const own = Object.create(null) as Record<string, unknown>;
  for (const name of MEMBERS) {
    if (Object.hasOwn(value, name)) own[name] = (value as Readonly<Record<string, unknown>>)[name];
  }
  return own;
}

/** Whether the message names no method. */
function isNameless(it: Envelope): boolean {
  return it.method === undefined || it.method === null || it.method === "";
}

/** Whether it is read as a reply: without a method, or with an empty one beside an outcome. */
export function isReply(it: Envelope): boolean {
  return isNameless(it) && (it.method !== "" || hasOutcome(it));
}

/** Whether there is a result or an error. `"result": null` is one, `"error": null` is not. */
export function hasOutcome(it: Envelope): boolean {
  return it.result !== undefined || (it.error !== undefined && it.error !== null);
}

/** Whether the error member, if there is one, is an error object. */
export function hasSoundError({ error }: Envelope): boolean {
  return error === undefined || error === null || (typeof error === "object" && !Array.isArray(error));
}

/**
 * Whether an error object has the members that it should have: jrpc2 reads the error of a request before it refuses it.
 * The error of a reply is read as far as it can be.
 */
function hasSoundFields(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return true;
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  const isCode = code === undefined || code === null || (Number.isInteger(code) && (code as number) >> 0 === code);
  return isCode && (message === undefined || message === null || typeof message === "string");
}

/**
 * What is wrong with a request, in the order of jrpc2: what each member is, then the version, then what must not stand
 * together, then (`strict`) unknown members, then an empty name. The id was checked before, because the answer needs it.
 */
export function requestFault(it: Envelope, strict: boolean): Fault | undefined {
  const { jsonrpc, method, params } = it;
  if (jsonrpc !== undefined && jsonrpc !== null && typeof jsonrpc !== "string") {
    return faultOf(-32700, "invalid version key");
  }
  if (method !== undefined && method !== null && typeof method !== "string") {
    return faultOf(-32700, "invalid method name");
  }
  if (!isStructured(params)) return faultOf(-32600, "parameters must be array or object");
  if (!hasSoundError(it) || !hasSoundFields(it.error)) return faultOf(-32700, "invalid error value");
  if (jsonrpc !== "2.0") return faultOf(-32600, "invalid version marker");
  const nameless = isNameless(it);
  if (!nameless && hasOutcome(it)) return faultOf(-32600, "mixed request and reply fields");
  const extra = strict ? extraFault(it) : undefined;
  if (extra !== undefined) return extra;
  return nameless ? faultOf(-32600, "empty method name") : undefined;
}

/** What is wrong with a reply, beside its error object: the version, and (`strict`) unknown members. */
export function replyFault(it: Envelope, strict: boolean): Fault | undefined {
  if (it.jsonrpc !== "2.0") return faultOf(-32600, "invalid version marker");
  return strict ? extraFault(it) : undefined;
}

/** Params may be an array, an object, null or absent; null is the same as absent. */
function isStructured(params: unknown): boolean {
  return params === undefined || typeof params === "object";
}

function extraFault(it: Envelope): Fault | undefined {
  const extra = Object.keys(it).filter((name) => !MEMBERS.has(name));
  return extra.length === 0 ? undefined : faultOf(-32600, "extra fields in request", extra);
}
