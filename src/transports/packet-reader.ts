import { protocolError } from "../core/errors.ts";
import { textOf } from "../core/text.ts";

/**
 * Reads the fields of a message of protobuf, one after the other. `end` is always where the message ends that is being
 * read. Every method throws `data_loss` for bytes that are no message, and believes no length before it has checked it.
 */
export class PacketReader {
  readonly bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** The number of the next field times 8, and its kind. */
  tag(end: number): number {
    const tag = this.number(end);
    if (tag >= 8 && tag <= 0xffff_ffff) return tag;
    throw protocolError("A message has a field without a number");
  }

  /** A number of at most ten bytes; above 2 ** 53 it is not exact, and too large for whatever it is. */
  number(end: number): number {
    let value = 0;
    let scale = 1;
    for (let each = 0; each < 10; each++) {
      if (this.at >= end) throw protocolError("A message ends inside a number");
      const byte = this.bytes[this.at++] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw protocolError("A message has a number of more than ten bytes");
  }

  /** A length that fits in what is left. */
  length(end: number): number {
    const length = this.number(end);
    if (length > end - this.at) throw protocolError("A field is longer than its message");
    return length;
  }

  /** Passes over the value of a field that is not known. */
  skip(tag: number, end: number): void {
    switch (tag & 7) {
      case 0:
        this.number(end);
        return;
      case 1:
        return this.#pass(8, end);
      case 2:
        return this.#pass(this.length(end), end);
      case 5:
        return this.#pass(4, end);
      default:
        throw protocolError(`A message has a field of the kind ${tag & 7}, which is not spoken here`);
    }
  }

  #pass(bytes: number, end: number): void {
    if (bytes > end - this.at) throw protocolError("A message ends inside a field");
    this.at += bytes;
  }
}

/** The text of a field. Throws `data_loss` where it is not UTF-8. */
export function textIn(bytes: Uint8Array): string {
  try {
    return textOf(bytes);
  } catch (cause) {
    throw protocolError("A field of text is not UTF-8", { cause });
  }
}
