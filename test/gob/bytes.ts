/** The bytes of hex, in which white space does not count. */
export function fromHex(hex: string): Uint8Array {
  const digits = hex.replace(/\s+/g, "");
  if (!/^(?:[0-9a-f]{2})*$/.test(digits)) throw new TypeError(`Not hex: ${hex}`);
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** gob's unsigned number, hex (rule 5). */
export function unsigned(value: number | bigint): string {
  if (value < 128) return value.toString(16).padStart(2, "0");
  const digits = value.toString(16);
  const bytes = digits.padStart(digits.length + (digits.length % 2), "0");
  return (256 - bytes.length / 2).toString(16) + bytes;
}

/** gob's signed number, hex (rule 6). */
export function signed(value: number | bigint): string {
  const whole = BigInt(value);
  return unsigned(whole >= 0n ? whole * 2n : (-whole - 1n) * 2n + 1n);
}

/** gob's string, hex (rule 8). */
export function text(value: string): string {
  const bytes = new TextEncoder().encode(value);
  return unsigned(bytes.length) + toHex(bytes);
}

/** Hex with its count of bytes in front: a message (rule 13). */
export function counted(hex: string): string {
  const digits = hex.replace(/\s+/g, "");
  return unsigned(digits.length / 2) + digits;
}

/** The messages in these bytes, each with its count. They must end with the last one. */
export function messagesIn(bytes: Uint8Array): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at] ?? 0;
    const more = first < 128 ? 0 : 256 - first;
    let count = more === 0 ? first : 0;
    for (let each = 1; each <= more; each++) count = count * 256 + (bytes[at + each] ?? 0);
    const end = at + 1 + more + count;
    if (end > bytes.length) throw new RangeError(`A message of ${count} bytes is cut: ${toHex(bytes.subarray(at))}`);
    messages.push(bytes.slice(at, end));
    at = end;
  }
  return messages;
}
