/** No number of so many bits is beyond a `Number`, and none above is within; keeps powers of two small. */
const MOST_BITS = 1100;
const DECIMAL = /^[+-]?(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d[\d_]*)?$/;
const HEX = /^([+-]?)0[xX]([\da-fA-F_]*)(?:\.([\da-fA-F_]*))?[pP]([+-]?\d[\d_]*)$/;
const INFINITE = /^([+-]?)(?:inf|infinity)$/i;

/**
 * The number that a text is for Go, whose rules the typed query has: its decimal integers and its floats, hexadecimal
 * ones, underscores and infinities with them. `undefined` for what is none, or is too large. Integers above 2^53 are
 * rounded, as in any JSON text that is read here.
 */
export function goNumber(text: string): number | undefined {
  const infinite = INFINITE.exec(text);
  if (infinite !== null) return infinite[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (/^nan$/i.test(text)) return Number.NaN;
  const hex = HEX.exec(text);
  if (hex !== null) return finite(hexNumber(text, hex));
  if (!DECIMAL.test(text) || /(?:^|\D)_|_(?:\D|$)/.test(text)) return undefined;
  const number = Number(text.replaceAll("_", ""));
  // Go has no minus zero among its integers.
  return /^-0+$/.test(text) ? 0 : finite(number);
}

function hexNumber(text: string, [, sign = "", whole = "", fraction = "", power = ""]: RegExpExecArray): number {
  if (/(?:^|[^\da-fx])_|_(?:[^\da-f]|$)/i.test(text)) return Number.POSITIVE_INFINITY;
  const digits = `${whole}${fraction}`.replaceAll("_", "");
  if (digits === "") return Number.POSITIVE_INFINITY;
  const value = BigInt(`0x${digits}`);
  if (value === 0n) return sign === "-" ? -0 : 0;
  const exponent = Number(power.replaceAll("_", "")) - 4 * fraction.replaceAll("_", "").length;
  const bits = value.toString(2).length;
  if (bits + exponent > MOST_BITS) return Number.POSITIVE_INFINITY;
  const number = bits + exponent < -MOST_BITS ? 0 : scaled(value, bits, exponent);
  return sign === "-" ? -number : number;
}

/** `value` times two to the power of `exponent`, rounded once. */
function scaled(value: bigint, bits: number, exponent: number): number {
  if (exponent >= 0) return Number(value << BigInt(exponent));
  // Below 53 bits nothing is lost; beyond them the rest counts as something or nothing.
  const surplus = BigInt(Math.max(0, Math.min(bits - 60, -exponent)));
  const rest = value & ((1n << surplus) - 1n);
  const head = (value >> surplus) | (rest === 0n ? 0n : 1n);
  let number = Number(head);
  for (let left = exponent + Number(surplus); left < 0; left += 1000) number *= 2 ** Math.max(left, -1000);
  return number;
}

function finite(number: number): number | undefined {
  return Number.isFinite(number) ? number : undefined;
}
