import { stringEnd } from "../../core/json.ts";
import type { Id } from "../../core/message.ts";

/**
 * Ids are echoed and compared as they were written, and JSON.parse forgets how. Almost all ids can be written in one way
 * only, so that a cheap search over the text tells whether anything needs a second look; only then is the text walked,
 * at its top level alone. Every function here takes any text at all, is linear in it and does not recurse.
 */

const TAB = 0x09;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Longer source text of a key is no spelling of a key that we look for. */
const MAX_KEY_TEXT = 256;

/** No integer of so few digits is rounded. */
const SURE_DIGITS = 15;

/**
 * Makes a test for text in which an id under one of the keys might be lost on JSON.parse: one with a sign, a fraction,
 * an exponent, too many digits or an escape, or a key that is itself spelled with escapes. It may find too much, never
 * too little. For valid JSON only.
 */
export function oddIds(keys: readonly string[]): (text: string) => boolean {
  const odd = oddPattern(keys);
  const ends = keys.map((key) => `${key}"`);
  return (text) => {
    // Most text has no escapes at all, and then a string ends at the next quote.
    const escapes = text.includes("\\");
    if (escapes && text.includes("\\u00")) return odd.test(text);
    for (const end of ends) if (!arePlain(text, end, escapes)) return odd.test(text);
    return false;
  };
}

/**
 * Whether each of these keys stands right before an id that can only be written so. The keys are found by their ends,
 * which are rarer than quotes: the engine's search jumps from one first character to the next.
 */
function arePlain(text: string, keyEnd: string, escapes: boolean): boolean {
  for (let at = text.indexOf(keyEnd); at >= 0; at = text.indexOf(keyEnd, at)) {
    at += keyEnd.length;
    if (text.charCodeAt(at) !== COLON) return false;
    at = plainIdEnd(text, at + 1, escapes);
    if (at < 0) return false;
  }
  return true;
}

/** The index after an id that can only be written so, or -1. */
function plainIdEnd(text: string, start: number, escapes: boolean): number {
  let at = start;
  let unit = text.charCodeAt(at);
  if (unit === QUOTE) {
    const end = text.indexOf('"', at + 1);
    return escapes && text.slice(at, end).includes("\\") ? -1 : end;
  }
  while (unit >= DIGIT_0 && unit <= DIGIT_9) unit = text.charCodeAt(++at);
  const digits = at - start;
  return digits > 0 && digits <= SURE_DIGITS && (unit === COMMA || unit === CLOSE_OBJECT) ? at : -1;
}

/** Linear: what follows one key is looked at once, and ends before the next. */
function oddPattern(keys: readonly string[]): RegExp {
  const names = keys.map((key) => key.replace(/[$.-]/g, "\\$&")).join("|");
  const letters = [...new Set(keys.join(""))].map((letter) => letter.charCodeAt(0).toString(16).padStart(2, "0"));
  const escaped = letters.map((hex) => hex.replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`)).join("|");
  const value = '(?:-|\\d+[.eE]|\\d{16}|"[^"\\\\]*\\\\)';
  return new RegExp(`"(?:${names})"\\s*:\\s*${value}|\\\\u00(?:${escaped})`);
}

/**
 * The id that a value stands for: null for none, `undefined` for what cannot be one. `source` is the id's own text, or
 * `undefined` when the value is known to have one spelling. Plain decimal integers stay numbers; every other id is its JSON text.
 */
export function idOf(value: unknown, source: string | undefined): Id | null | undefined {
  if (value === undefined || value === null) return null;
  if (typeof value === "number") return source === undefined ? value : idOfText(source);
  // Without escapes the characters of a string are its source text.
  return typeof value === "string" ? (source ?? `"${value}"`) : undefined;
}

/** The source text of the last member `key` of an object, as JSON.parse picks it; `undefined` where there is none. */
export function memberText(text: string, key: string): string | undefined {
  let found: string | undefined;
  eachMember(text, (name, start, end) => {
    if (name === key && end >= 0) found = text.slice(start, end);
  });
  return found;
}

/** The source texts of a list's members. */
export interface MemberTexts {
  readonly texts: readonly string[];
  /** False when the text stopped in the middle: then the last one is all that there was of it. */
  readonly whole: boolean;
}

/** Cuts a list into the source texts of its members; gives nothing for text that does not begin a list. */
export function membersOf(text: string): MemberTexts {
  const texts: string[] = [];
  let at = skipSpace(text, 0);
  if (text.charCodeAt(at) !== OPEN_LIST) return { texts, whole: false };
  at = skipSpace(text, at + 1);
  if (text.charCodeAt(at) === CLOSE_LIST) return { texts, whole: isBlank(text, at + 1) };
  while (at < text.length) {
    const end = valueEnd(text, at);
    texts.push(text.slice(at, end < 0 ? text.length : end));
    if (end < 0) break;
    at = skipSpace(text, end);
    if (text.charCodeAt(at) === CLOSE_LIST) return { texts, whole: isBlank(text, at + 1) };
    if (text.charCodeAt(at) !== COMMA) break;
    at = skipSpace(text, at + 1);
  }
  return { texts, whole: false };
}

/** What the top level of a message says about it, as far as its text goes. */
export interface Glimpse {
  /** The id's source text, when it is whole and an id can look so. */
  readonly id: string | undefined;
  readonly isRequest: boolean;
  readonly isReply: boolean;
}

/** What an id may look like; a replacement character says that something was lost when bytes were turned into text. */
const ID_TEXT = /^(?:"[^\ufffd]*"|-?\d[\d.eE+-]*)$/;

/** Looks for a message's id and kind in text that may be no JSON, too deep to parse, or cut anywhere. */
export function glimpse(text: string): Glimpse {
  let id: string | undefined;
  let isRequest = false;
  let isReply = false;
  eachMember(text, (name, start, end) => {
    if (name === "id") id = end < 0 ? undefined : text.slice(start, end);
    else if (name === "method" || name === "params") isRequest = true;
    else if (name === "result" || name === "error") isReply = true;
  });
  return { id: id !== undefined && isIdText(id) ? id : undefined, isRequest, isReply };
}

/** Whether the text may be echoed as an id: the rest of the message need not be JSON, but the reply must. */
function isIdText(text: string): boolean {
  if (!ID_TEXT.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The `Id` of an id's source text. */
export function idOfText(text: string): Id {
  return /^(?:0|[1-9]\d{0,15})$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : text;
}

/** Tells of each member of an object where its value is; `end` is -1 for a value that the text stops in, which is the last. */
function eachMember(text: string, visit: (name: string, start: number, end: number) => void): void {
  let at = skipSpace(text, 0);
  if (text.charCodeAt(at) !== OPEN_OBJECT) return;
  at = skipSpace(text, at + 1);
  while (text.charCodeAt(at) === QUOTE) {
    const keyEnd = stringEnd(text, at);
    const name = keyOf(text.slice(at, keyEnd + 1));
    at = skipSpace(text, keyEnd + 1);
    if (text.charCodeAt(at) !== COLON) return;
    const start = skipSpace(text, at + 1);
    const end = valueEnd(text, start);
    visit(name, start, end);
    if (end < 0) return;
    at = skipSpace(text, end);
    if (text.charCodeAt(at) !== COMMA) return;
    at = skipSpace(text, at + 1);
  }
}

function keyOf(source: string): string {
  if (!source.includes("\\") || source.length > MAX_KEY_TEXT) return source.slice(1, -1);
  try {
    return String(JSON.parse(source));
  } catch {
    return source;
  }
}

/** The index after the value that begins at `start`, or -1 when the text stops in it. */
function valueEnd(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = stringEnd(text, at);
        if (at >= text.length) return -1;
        if (depth === 0) return at + 1;
        break;
      case OPEN_LIST:
      case OPEN_OBJECT:
        depth++;
        break;
      case CLOSE_LIST:
      case CLOSE_OBJECT:
        // Depth 0: it closes what the value is in, so the value ended before it.
        if (depth === 0) return at;
        if (--depth === 0) return at + 1;
        break;
      case COMMA:
      case SPACE:
      case TAB:
      case NEWLINE:
      case RETURN:
        if (depth === 0) return at;
        break;
    }
  }
  return -1;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  for (; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit !== SPACE && unit !== NEWLINE && unit !== RETURN && unit !== TAB) break;
  }
  return at;
}

function isBlank(text: string, from: number): boolean {
  return skipSpace(text, from) === text.length;
}
