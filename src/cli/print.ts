import type { RpcError } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import { describe } from "../core/logger.ts";
import { printable } from "../core/text.ts";

/** Prints one JSON value as a line of stdout; over several lines when `indent` is set. */
export function printValue(value: unknown, indent: boolean): void {
  process.stdout.write(`${JSON.stringify(value === undefined ? null : value, undefined, indent ? 2 : undefined)}\n`);
}

/** Prints an error as a line of stderr, `<code> (<wireCode>): <message>`; or as a JSON object on stdout. */
export function printError(error: RpcError, asObject: boolean, indent: boolean): void {
  const { code, wireCode, message, data, trace, executed } = error;
  if (asObject) return printValue({ error: { code, wireCode, message, data, trace, executed } }, indent);
  const number = wireCode === undefined ? "" : ` (${printable(String(wireCode))})`;
  const more = data === undefined || typeof data === "object" ? "" : ` [${printable(String(data))}]`;
  process.stderr.write(`${code}${number}: ${printable(message, 2000)}${more}\n`);
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
