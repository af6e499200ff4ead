/** The command line was wrong: printed as one line, exit status 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Parses an option that is a number of at least `least`. Throws `UsageError` naming the option. */
export function numberOption(option: string, least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== "" && value >= least) return value;
    throw new UsageError(`${option} must be a number of at least ${least}, not ${JSON.stringify(text)}`);
  };
}

/** Parses an option that is a whole number of at least 1. Throws `UsageError` naming the option. */
export function countOption(option: string): (text: string) => number {
  const parse = numberOption(option, 1);
  return (text) => {
    const value = parse(text);
    if (Number.isSafeInteger(value)) return value;
    throw new UsageError(`${option} must be a whole number, not ${JSON.stringify(text)}`);
  };
}

/** Parses an option that may be given again: all its values, in their order. */
export function collect(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}
