import { type Executed, type Fault, isCode } from "../../core/errors.ts";
import type { Id } from "../../core/message.ts";
import type { FieldReader, FieldWriter } from "./body.ts";
import { ERROR, MORE } from "./kinds.ts";

/** What an error may say beside its code and message. */
type More = { -readonly [Name in Exclude<keyof Fault, "code" | "message">]?: Fault[Name] };

/** Writes an error message. Throws where its data or details cannot be carried. */
export function writeFault(body: FieldWriter, id: Id | null, fault: Fault): void {
  const more = moreOf(fault);
  body.put(more === undefined ? ERROR : ERROR | MORE);
  body.put(id);
  body.put(fault.code);
  // A text may have been cut in the middle of a character: that costs it a sign, and not the error its code.
  body.put(fault.message.toWellFormed());
  if (more !== undefined) body.put(more);
}

function moreOf({ data, details, trace, timestamp, executed, wireCode }: Fault): More | undefined {
  const more: More = {};
  if (data !== undefined) more.data = data;
  if (details !== undefined) more.details = details;
  if (trace !== undefined) more.trace = trace;
  if (timestamp !== undefined) more.timestamp = timestamp;
  if (executed !== undefined) more.executed = executed;
  if (wireCode !== undefined) more.wireCode = wireCode;
  return Object.keys(more).length === 0 ? undefined : more;
}

/** Reads an error from its code on. A code that is no name of ours is `unknown`; a field of another type counts as absent. */
export function readFault(body: FieldReader, isBare: boolean): Fault {
  const code = body.name();
  const message = body.next();
  const more = isBare ? undefined : body.next();
  const { data, details, trace, timestamp, executed, wireCode } = fieldsOf(more);
  return {
    code: isCode(code) ? code : "unknown",
    message: typeof message === "string" ? message : "",
    data,
    details: Array.isArray(details) ? details : undefined,
    trace: typeof trace === "string" ? trace : undefined,
    timestamp: typeof timestamp === "number" ? timestamp : undefined,
    executed: isExecuted(executed) ? executed : undefined,
    wireCode: typeof wireCode === "number" || typeof wireCode === "string" ? wireCode : undefined,
  };
}

function fieldsOf(value: unknown): { readonly [Name in keyof More]?: unknown } {
  return typeof value === "object" && value !== null ? value : {};
}

function isExecuted(value: unknown): value is Executed {
  return value === "no" || value === "unknown" || value === "yes";
}
