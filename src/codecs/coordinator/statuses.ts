import { fromBinary, fromJson, type JsonValue, toBinary, toJson } from "@bufbuild/protobuf";
import { type Any, ValueSchema } from "@bufbuild/protobuf/wkt";
import { type Code, codeOfGrpc, type Executed, type Fault, GRPC_NUMBERS } from "../../core/errors.ts";
import type { ErrorMessage } from "../../core/message.ts";
import { printable } from "../../core/text.ts";
import type { Status } from "./generated/google/rpc/status_pb.ts";
import { typeNameOf, typeUrlOf } from "./types.ts";

/** What Go says of a context that has ended. Aperture's agents send it as it is, with the code of any other error. */
const GO_CONTEXT: ReadonlyMap<string, Code> = new Map([
  ["context deadline exceeded", "deadline_exceeded"],
  ["context canceled", "cancelled"],
]);
const UNKNOWN = 2;

/**
 * The status of an error. Details that are `google.protobuf.Any` messages go along, others have no form here. Data is one
 * more detail, a `google.protobuf.Value`; where there is none, `trace` and `executed` are. Throws for data that is no JSON.
 */
export function statusOf(fault: Fault, call?: ErrorMessage["call"]): Status {
  const details = (fault.details ?? []).filter(isAny);
  const data = dataOf(fault);
  if (data !== undefined) details.push(jsonDetail(data));
  return { $typeName: "google.rpc.Status", code: numberOf(fault), message: textOf(fault, call), details };
}

/** The error of a status; its data is the last detail, where that is a `google.protobuf.Value`. */
export function faultOf({ code, message, details }: Status, maxDepth: number): Fault {
  const data = jsonOf(details.at(-1), maxDepth);
  const rest = data === undefined ? details : details.slice(0, -1);
  const { trace, executed } = extrasOf(data);
  const ended = code === UNKNOWN ? GO_CONTEXT.get(message) : undefined;
  return {
    code: ended ?? codeOfGrpc(code) ?? "unknown",
    message,
    data,
    details: rest.length === 0 ? undefined : rest,
    trace,
    timestamp: undefined,
    executed: ended === undefined ? executed : "unknown",
    wireCode: code,
  };
}

/** A number that is none of gRPC's goes back as it came. */
function numberOf({ code, wireCode }: Fault): number {
  const isForeign =
    code === "unknown" &&
    typeof wireCode === "number" &&
    (wireCode | 0) === wireCode &&
    GRPC_NUMBERS.size < wireCode >>> 0;
  return isForeign ? wireCode : (GRPC_NUMBERS.get(code) ?? UNKNOWN);
}

/** Whoever prints an error prints its text: it says which method there is not, and the trace by which the log of this end has it. */
function textOf({ code, message, trace, executed }: Fault, call: ErrorMessage["call"]): string {
  if (code === "unimplemented" && executed === "no" && call?.method !== undefined) {
    return `There is no handler for "${printable(call.method)}"`;
  }
  return trace === undefined || message.includes(trace) ? message : `${message}, trace ${trace}`;
}

function dataOf({ data, trace, executed }: Fault): unknown {
  if (data !== undefined) return data;
  return trace === undefined && executed === undefined ? undefined : { trace, executed };
}

function isAny(detail: unknown): detail is Any {
  return (detail as Partial<Any> | null | undefined)?.$typeName === "google.protobuf.Any";
}

function jsonDetail(data: unknown): Any {
  const text = JSON.stringify(data) as string | undefined;
  if (text === undefined) throw new TypeError(`The data of an error must be JSON, not a ${typeof data}`);
  const value = toBinary(ValueSchema, fromJson(ValueSchema, JSON.parse(text) as JsonValue));
  return { $typeName: "google.protobuf.Any", typeUrl: typeUrlOf(ValueSchema.typeName), value };
}

/** What is no such value is a detail like any other. */
function jsonOf(detail: Any | undefined, maxDepth: number): unknown {
  if (detail === undefined || typeNameOf(detail.typeUrl) !== ValueSchema.typeName) return undefined;
  try {
    return toJson(ValueSchema, fromBinary(ValueSchema, detail.value, { recursionLimit: maxDepth }));
  } catch {
    return undefined;
  }
}

interface Extras {
  readonly trace: string | undefined;
  readonly executed: Executed | undefined;
}

/** What stands in the place of data that there was none of: these members and no other. */
function extrasOf(data: unknown): Extras {
  const extras: { -readonly [Name in keyof Extras]: Extras[Name] } = { trace: undefined, executed: undefined };
  if (typeof data !== "object" || data === null || Array.isArray(data)) return extras;
  for (const [key, value] of Object.entries(data)) {
    if (key === "trace" && typeof value === "string") extras.trace = value;
    else if (key === "executed" && (value === "no" || value === "yes" || value === "unknown")) extras.executed = value;
    else return { trace: undefined, executed: undefined };
  }
  return extras;
}
