import { bytesOf } from "../../core/text.ts";

/** Bytes of its own memory, as the platform's requests want them. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** Writes a field of protobuf that is a number; `tag` is that of the field, of one byte, with the kind 0. */
export function numberField(tag: number, value: number): Bytes {
  // Bounds may be infinite, or broken.
  const whole = Math.min(Math.floor(value), Number.MAX_SAFE_INTEGER);
  const bytes = new Uint8Array(1 + varintSize(whole));
  bytes[0] = tag;
  putVarint(bytes, 1, whole);
  return bytes;
}

/** Writes a field that has a length; `tag` is that of the field, of one byte, with the kind 2. */
export function bytesField(tag: number, content: Uint8Array): Bytes {
  const bytes = new Uint8Array(1 + varintSize(content.length) + content.length);
  bytes[0] = tag;
  bytes.set(content, putVarint(bytes, 1, content.length));
  return bytes;
}

/** Writes a field that is a message with one field of bytes, in one go. */
export function nestedField(tag: number, innerTag: number, content: Uint8Array): Bytes {
  const length = 1 + varintSize(content.length) + content.length;
  const bytes = new Uint8Array(1 + varintSize(length) + length);
  bytes[0] = tag;
  const at = putVarint(bytes, 1, length);
  bytes[at] = innerTag;
  bytes.set(content, putVarint(bytes, at + 1, content.length));
  return bytes;
}

/** Writes a field of text. */
export function textField(tag: number, text: string): Bytes {
  return bytesField(tag, bytesOf(text));
}

/** Joins fields into a message. */
export function message(fields: readonly Bytes[]): Bytes {
  const joined = new Uint8Array(fields.reduce((length, field) => length + field.length, 0));
  let at = 0;
  for (const field of fields) {
    joined.set(field, at);
    at += field.length;
  }
  return joined;
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 128)) size++;
  return size;
}

/** Gives the place behind it. */
function putVarint(bytes: Uint8Array, at: number, value: number): number {
  let next = at;
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes[next++] = (rest % 128) | 0x80;
  bytes[next++] = rest;
  return next;
}
