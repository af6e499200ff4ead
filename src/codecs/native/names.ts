/** Pairs of places; a power of two. */
const PAIRS = 512;
/** Only short names are kept: long ones are rare, and a peer must not fill this end's memory with them. */
const LONGEST = 31;

/**
 * Remembers the texts of bytes that come again and again: keys and method names. The links of a wire share one. Names with the
 * same hash have two places: the newer one takes that of the older, so that it never grows, and two names of one message
 * do not drive each other out.
 */
export class NameCache {
  readonly #bytes: (Uint8Array | undefined)[] = new Array<Uint8Array | undefined>(PAIRS * 2).fill(undefined);
  readonly #texts: string[] = new Array<string>(PAIRS * 2).fill("");

  /** The text of ASCII bytes; `undefined` where they are none, or too many. */
  at(bytes: Uint8Array, start: number, length: number): string | undefined {
    if (length > LONGEST) return undefined;
    const end = start + length;
    let hash = length;
    for (let at = start; at < end; at++) hash = (hash * 31 + (bytes[at] as number)) | 0;
    const place = ((hash ^ (hash >>> 9)) & (PAIRS - 1)) * 2;
    if (isAt(this.#bytes[place], bytes, start, length)) return this.#texts[place];
    if (isAt(this.#bytes[place + 1], bytes, start, length)) return this.#texts[place + 1];
    // Not `slice`, which of Node's own byte arrays is only a view.
    return this.#remember(place, new Uint8Array(bytes.subarray(start, end)));
  }

  #remember(place: number, name: Uint8Array): string | undefined {
    let text = "";
    for (const byte of name) {
      if (byte > 0x7f) return undefined;
      text += String.fromCharCode(byte);
    }
    this.#bytes[place + 1] = this.#bytes[place];
    this.#texts[place + 1] = this.#texts[place] as string;
    this.#bytes[place] = name;
    this.#texts[place] = text;
    return text;
  }
}

function isAt(known: Uint8Array | undefined, bytes: Uint8Array, start: number, length: number): boolean {
  if (known === undefined || known.length !== length) return false;
  let at = 0;
  while (at < length && known[at] === bytes[start + at]) at++;
  return at === length;
}
