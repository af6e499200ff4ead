import { join } from "../core/text.ts";

/** Writes bytes as hexadecimal digits in lower case. */
export function hexOf(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

/** Reads hexadecimal digits in either case; `undefined` for what is none, or not of that many bytes. */
export function bytesOfHex(text: string, length: number = text.length / 2): Uint8Array | undefined {
  if (!Number.isInteger(length) || text.length !== length * 2 || !/^[0-9a-f]*$/i.test(text)) return undefined;
  return Uint8Array.from({ length }, (_, at) => Number.parseInt(text.slice(at * 2, at * 2 + 2), 16));
}

/** Whether two arrays hold the same bytes, in a time that depends on their lengths only. */
export function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  let differences = one.length ^ other.length;
  for (let at = 0; at < one.length; at++) differences |= (one[at] ?? 0) ^ (other[at] ?? 0);
  return differences === 0;
}

/** Joins bytes. */
export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return join(
    parts,
    parts.reduce((length, part) => length + part.length, 0),
  );
}

/** SHA-256, by the platform. */
export async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array(bytes)));
}

/** Bytes that nobody can foretell. */
export function randomBytes(length: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(length));
}
