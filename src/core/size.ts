import type { Message } from "./message.ts";

/** How many parts of a value are looked at: enough for an estimate, few enough for a message on its way out. */
const PARTS = 1000;
const GLANCE = 8;

/** Estimates the bytes of a message by walking its payload; asked only while the other side does not read. */
export function roughBytes(message: Message): number {
  let budget = PARTS;
  const measure = (part: unknown): number => {
    budget--;
    if (typeof part === "string") return part.length + 8;
    if (typeof part === "bigint") return part.toString(16).length / 2 + 8;
    if (typeof part !== "object" || part === null) return 8;
    if (ArrayBuffer.isView(part)) return part.byteLength + 8;
    const parts = partsOf(part);
    let bytes = 0;
    let looked = 0;
    for (const each of parts) {
      if (budget <= 0) break;
      bytes += measure(each);
      looked++;
    }
    // What was not looked at is like what was.
    return 16 + (looked === 0 ? parts.length * 8 : bytes * (parts.length / looked));
  };
  try {
    if (message.kind !== "batch") return 64 + measure(payloadOf(message));
    let bytes = 64;
    for (const member of message.messages) bytes += 64 + measure(payloadOf(member));
    return bytes;
  } catch {
    return 64; // A getter of the user's threw: the codec will meet it too, and has a way to say so.
  }
}

/** Sees big strings and byte arrays at the top of a payload, at the price of a glance: it is asked for every message. */
export function glanceBytes(message: Message): number {
  const payload = payloadOf(message);
  if (typeof payload === "string") return payload.length;
  if (typeof payload !== "object" || payload === null) return 8;
  if (ArrayBuffer.isView(payload)) return payload.byteLength;
  let bytes = 16;
  let looked = 0;
  try {
    for (const key in payload) {
      const part = (payload as Readonly<Record<string, unknown>>)[key];
      if (typeof part === "string") bytes += part.length;
      else if (ArrayBuffer.isView(part)) bytes += part.byteLength;
      if (++looked === GLANCE) break;
    }
  } catch {
    return bytes;
  }
  return bytes;
}

function partsOf(value: object): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return value instanceof Map ? [...value].flat() : Object.values(value);
}

function payloadOf(message: Message): unknown {
  switch (message.kind) {
    case "call":
    case "notify":
      return message.params;
    case "result":
      return message.value;
    case "error":
      return message.error.data;
    default:
      return undefined;
  }
}
