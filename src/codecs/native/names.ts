/** Places of the cache; a power of two. */
const PLACES = 512;
/** Only short names are kept: long ones are rare, and a peer must not fill this end's memory with them. */
const LONGEST = 31;

/**
 * Remembers the texts of bytes that come again and again: keys and method names. The links of a wire share one; a name that falls on a
 * place that is taken replaces what was there, so that it never grows.
 */
export class NameCache {
  readonly #bytes: (Uint8Array | undefined)[] = new Array<Uint8Array | undefined>(PLACES).fill(undefined);
  readonly #texts: string[] = new Array<string>(PLACES).fill("");

  /** The text of ASCII bytes; `undefined` where they are none, or too many. */
  at(bytes: Uint8Array, start: number, length: number): string | undefined {
    if (length > LONGEST) return undefined;
    const end = start + length;
    let hash = length;
    for (let at = start; at < end; at++) hash = (hash * 31 + (bytes[at] as number)) | 0;
    const place = (hash ^ (hash >>> 9)) & (PLACES - 1);
    const known = this.#bytes[place];
    if (known !== undefined && known.length === length) {
      let at = 0;
      while (at < length && known[at] === bytes[start + at]) at++;
      if (at === length) return this.#texts[place];
    }
    // Not `slice`, which of Node's own byte arrays is only a view.
    return this.#remember(place, new Uint8Array(bytes.subarray(start, end)));
  }

  #remember(place: number, name: Uint8Array): string | undefined {
    let text = "";
    for (const byte of name) {
      if (byte > 0x7f) return undefined;
      text += String.fromCharCode(byte);
    }
    this.#bytes[place] = name;
    this.#texts[place] = text;
    return text;
  }
}
