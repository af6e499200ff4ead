import { printable } from "../../core/text.ts";

/** What a backslash takes the meaning of between double quotes; elsewhere there it stands for itself. */
const ESCAPED_IN_DOUBLE = '"\\$`';

/** A word that needs no quotes: nothing in it means anything to `splitCommand` or to a shell. */
const PLAIN_WORD = /^[\w@%+=:,./-]+$/;

/**
 * Splits a command line into words as a shell does (POSIX, section 2.2): blanks separate, `'…'` keeps everything,
 * `"…"` keeps all but `\"`, `\\`, `\$` and `` \` ``, a backslash elsewhere keeps the next character. Nothing is
 * expanded: `$HOME`, `*` and `|` are ordinary text. Throws `TypeError` for a quote that is not closed.
 */
export function splitCommand(text: string): string[] {
  const words: string[] = [];
  // `undefined` between words, so that `''` is a word too.
  let word: string | undefined;
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (char === "'" || char === '"') {
      const quoted = readQuoted(text, at);
      word = (word ?? "") + quoted.text;
      at = quoted.end;
    } else if (char === "\\") {
      if (at + 1 === text.length) throw new TypeError(`The command ${quote(text)} ends in a backslash`);
      word = (word ?? "") + text.charAt(++at);
    } else {
      word = (word ?? "") + char;
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}

/** Joins words so that `splitCommand`, or a shell, gives them back. */
export function joinCommand(words: readonly string[]): string {
  return words.map((word) => (PLAIN_WORD.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(" ");
}

/** Reads what stands between the quote at `start` and its twin; `end` is where the twin is. */
function readQuoted(text: string, start: number): { readonly text: string; readonly end: number } {
  const mark = text.charAt(start);
  let quoted = "";
  for (let at = start + 1; at < text.length; at++) {
    let char = text.charAt(at);
    if (char === mark) return { text: quoted, end: at };
    const next = text.charAt(at + 1);
    if (char === "\\" && mark === '"' && next !== "" && ESCAPED_IN_DOUBLE.includes(next)) {
      char = next;
      at++;
    }
    quoted += char;
  }
  const kind = mark === '"' ? "double" : "single";
  throw new TypeError(`The command ${quote(text)} has a ${kind} quote at character ${start + 1} that is not closed`);
}

function quote(text: string): string {
  return `"${printable(text)}"`;
}
