import { printable } from "./text.ts";

/**
 * Where an end says what happened. `message` is one safe line; `cause` is the thrown value behind it, as it is: whoever
 * prints it must escape it, because its text may come from a peer. `console` and most loggers fit.
 */
export interface Logger {
  debug(message: string, cause?: unknown): void;
  info(message: string, cause?: unknown): void;
  warn(message: string, cause?: unknown): void;
  error(message: string, cause?: unknown): void;
}

/** What a user gives: a logger, `false` for silence, nothing for warnings and errors on stderr. */
export type LoggerOption = Logger | false | undefined;

/**
 * The logger of an option. The default one writes through `console.warn` and `console.error`: stderr, never stdout. Throws
 * `TypeError` for what is none.
 */
export function loggerOf(option: LoggerOption): Logger {
  if (option === false) return { debug: silent, info: silent, warn: silent, error: silent };
  if (option !== undefined) {
    for (const level of ["debug", "info", "warn", "error"] as const) {
      if (typeof option?.[level] !== "function") throw new TypeError(`logger must be false, or have a method ${level}`);
    }
    return option;
  }
  return {
    debug: silent,
    info: silent,
    warn: (message, cause) => console.warn(line(message, cause)),
    error: (message, cause) => console.error(line(message, cause)),
  };
}

function silent(): void {}

function line(message: string, cause: unknown): string {
  return cause === undefined ? `convoke: ${message}` : `convoke: ${message}\n${describe(cause)}`;
}

/** A thrown value as text, its stack with it, line by line made safe to print. */
export function describe(thrown: unknown): string {
  let text: string;
  try {
    text = thrown instanceof Error ? (thrown.stack ?? `${thrown.name}: ${thrown.message}`) : String(thrown);
  } catch {
    text = "a value that cannot be printed";
  }
  return text
    .split("\n", 32)
    .map((each) => printable(each))
    .join("\n");
}
