import type { Fault } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import { describe } from "../core/logger.ts";
import { printable } from "../core/text.ts";

/** Prints one JSON value as a line of stdout; over several lines when `indent` is set. */
export function printValue(value: unknown, indent: boolean): void {
  process.stdout.write(`${jsonText(value, indent)}\n`);
}

/** What JSON lets stand in a text and nobody sees: control characters, those that turn the direction of writing, and those without width. */
const OBEYED = /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** A value as JSON that is safe to print. What JSON has no form for and a wire carries is written as what comes nearest to it. */
export function jsonText(value: unknown, indent = false): string {
  const text = JSON.stringify(value, plain, indent ? 2 : undefined) ?? "null";
  return text.replace(OBEYED, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** A value as JSON has it, by the same rule; `undefined` stays what it is. */
export function jsonOf(value: unknown): unknown {
  return value === undefined ? undefined : (JSON.parse(JSON.stringify(value, plain) ?? "null") as unknown);
}

/** Prints an error as a line of stderr, `<code> (<wireCode>): <message>`; or as a JSON object on stdout. */
export function printError(error: Fault, asObject: boolean, indent: boolean): void {
  const { code, wireCode, message, data, trace, executed } = error;
  if (asObject) return printValue({ error: { code, wireCode, message, data, trace, executed } }, indent);
  say(errorText(error));
}

/** An error as one line. */
export function errorText({ code, wireCode, message, data }: Fault): string {
  const number = wireCode === undefined ? "" : ` (${printable(String(wireCode))})`;
  const more = data === undefined || typeof data === "object" ? "" : ` [${printable(String(data))}]`;
  return `${code}${number}: ${printable(message, 2000)}${more}`;
}

/** A line of stderr. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** The log of a command: warnings and errors, and everything with `verbose`; stderr only. */
export function commandLogger(verbose: boolean): Logger {
  const write = (message: string, cause?: unknown): void =>
    say(cause === undefined ? message : `${message}\n${describe(cause)}`);
  const maybe = verbose ? write : (): void => {};
  return { debug: maybe, info: maybe, warn: write, error: write };
}

function plain(_: string, value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  if (value instanceof Map) return [...value];
  return value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value;
}
