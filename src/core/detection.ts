/**
 * Whether a dialler that began with these bytes speaks this: yes, no, or not known before more has come (`undefined`). It
 * is asked with all that has come so far, at least a byte and at most `MAX_HEAD`.
 */
export type Beginning = (head: Uint8Array) => boolean | undefined;

/** What is not known after so many bytes is nobody's. */
export const MAX_HEAD = 64;

/** Which of the candidates a dialler speaks that began with these bytes; `more` when it takes more to know, else `none`. */
export function detect<Candidate extends { readonly begins?: Beginning | undefined }>(
  head: Uint8Array,
  candidates: readonly Candidate[],
): Candidate | "more" | "none" {
  const seen = head.length > MAX_HEAD ? head.subarray(0, MAX_HEAD) : head;
  let isOpen = false;
  for (const candidate of candidates) {
    const answer = candidate.begins?.(seen);
    if (answer === true) return candidate;
    if (answer === undefined && candidate.begins !== undefined) isOpen = true;
  }
  return isOpen && head.length < MAX_HEAD ? "more" : "none";
}

/** Begins with these bytes. */
export function beginsWith(bytes: readonly number[]): Beginning {
  return (head) => {
    for (const [at, byte] of bytes.entries()) {
      if (at === head.length) return undefined;
      if (head[at] !== byte) return false;
    }
    return true;
  };
}

/** Begins with this ASCII text, in upper or lower case. */
export function beginsWithText(text: string): Beginning {
  return (head) => {
    for (let at = 0; at < text.length; at++) {
      if (at === head.length) return undefined;
      if (lower(head[at] ?? 0) !== lower(text.charCodeAt(at))) return false;
    }
    return true;
  };
}

/** Begins with one of these bytes, after any blanks of JSON. */
export function beginsWithOneOf(
  bytes: readonly number[],
  { afterBlanks }: { readonly afterBlanks: boolean },
): Beginning {
  return (head) => {
    for (const byte of head) {
      if (bytes.includes(byte)) return true;
      if (!afterBlanks || !(byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d)) return false;
    }
    return undefined;
  };
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}
