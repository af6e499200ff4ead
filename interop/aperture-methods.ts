// What our ends of Aperture's wire speak: the types that the agents of the other languages answer, as methods.
import { create } from "@bufbuild/protobuf";
import {
  anyPack,
  BytesValueSchema,
  DurationSchema,
  durationMs,
  EmptySchema,
  FloatValueSchema,
  Int64ValueSchema,
  StringValueSchema,
  StructSchema,
  UInt32ValueSchema,
} from "@bufbuild/protobuf/wkt";
import { type Code, RpcError } from "convoke";
import type { CoordinatorHandlers, CoordinatorMethods } from "convoke/coordinator";

/** One for each type of the Go agent, and one that no agent has a function for. */
export const METHODS = {
  upper: [StringValueSchema, StringValueSchema],
  echo: [StructSchema, StructSchema],
  same: [BytesValueSchema, BytesValueSchema],
  bytes: [UInt32ValueSchema, BytesValueSchema],
  who: [EmptySchema, StringValueSchema],
  fail: [Int64ValueSchema, EmptySchema],
  sleep: [DurationSchema, StringValueSchema],
  nobodyHas: [FloatValueSchema, StringValueSchema],
} as const satisfies CoordinatorMethods;

/** The codes as Go's gRPC prints them, from 1 on. */
export const CODES: readonly (readonly [Code, string])[] = [
  ["cancelled", "Canceled"],
  ["unknown", "Unknown"],
  ["invalid_argument", "InvalidArgument"],
  ["deadline_exceeded", "DeadlineExceeded"],
  ["not_found", "NotFound"],
  ["already_exists", "AlreadyExists"],
  ["permission_denied", "PermissionDenied"],
  ["resource_exhausted", "ResourceExhausted"],
  ["failed_precondition", "FailedPrecondition"],
  ["aborted", "Aborted"],
  ["out_of_range", "OutOfRange"],
  ["unimplemented", "Unimplemented"],
  ["internal", "Internal"],
  ["unavailable", "Unavailable"],
  ["data_loss", "DataLoss"],
  ["unauthenticated", "Unauthenticated"],
];

/** Our agent: what the Go agent has. Whatever it says of its sleeps goes to `tell`. */
export function handlersOf(
  name: string,
  tell: (event: string) => void = () => {},
): Omit<CoordinatorHandlers<typeof METHODS>, "nobodyHas"> {
  return {
    upper: ({ value }) => ({ value: value.toUpperCase() }),
    echo: (value) => value,
    same: (value) => value,
    bytes: ({ value }) => ({ value: new Uint8Array(value) }),
    who: () => ({ value: name }),
    fail({ value }) {
      const [code] = CODES[Number(value) - 1] ?? [];
      if (code === undefined) throw new Error("failed without a code");
      const details = [anyPack(Int64ValueSchema, create(Int64ValueSchema, { value }))];
      throw new RpcError(code, `failed as asked: ${value}`, { details });
    },
    sleep: (duration, { signal }) =>
      new Promise((resolve, reject) => {
        tell("sleeping");
        const timer = setTimeout(() => {
          tell("done");
          resolve({ value: "slept" });
        }, durationMs(duration));
        signal.addEventListener("abort", () => {
          clearTimeout(timer);
          tell((signal.reason as RpcError).code);
          reject(signal.reason);
        });
      }),
  };
}
