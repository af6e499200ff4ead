import type { Hello } from "./message.ts";

/**
 * Reads what the other side says of itself, for a codec whose hello is an object. A field of another type is left out;
 * nothing is left of what is no object. `nextId` is read by the wires that have it.
 */
export function helloOf(value: unknown): Omit<Hello, "nextId"> {
  if (typeof value !== "object" || value === null) return {};
  const given = value as { readonly [Name in keyof Hello]?: unknown };
  const { name, labels, session, moves, maxFrameBytes, heartbeatMs } = given;
  return {
    ...(typeof name === "string" && { name }),
    ...(isLabels(labels) && { labels }),
    ...(typeof session === "string" && { session }),
    ...(moves === true && { moves }),
    ...(isCount(maxFrameBytes) && { maxFrameBytes }),
    ...(isCount(heartbeatMs) && { heartbeatMs }),
  };
}

/** Whether a value from the wire is a whole number above 0 that is exact. */
export function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0;
}

/** Whether a value from the wire is an object whose members are texts. */
export function isLabels(value: unknown): value is Readonly<Record<string, string>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((each) => typeof each === "string");
}
