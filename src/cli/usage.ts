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
