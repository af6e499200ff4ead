import { Option } from "commander";
import { UsageError } from "./usage.ts";

/** Labels as the command line has them. */
export type Labels = Readonly<Record<string, string>>;

/** `--where`, for the commands that choose among agents. */
export function whereOption(): Option {
  return labelsOption("--where <k=v>", "only agents that have this label; may be given again");
}

/** An option that is given once for each label, `--label zone=a`. */
export function labelsOption(flags: string, description: string): Option {
  const [name = flags] = flags.split(" ");
  return new Option(flags, description).argParser<Labels>((text, before) => {
    const at = text.indexOf("=");
    if (at < 1)
      throw new UsageError(`${name} must be a key and a value, as in ${name} zone=a, not ${JSON.stringify(text)}`);
    const key = text.slice(0, at);
    const labels = new Map(Object.entries(before ?? {}));
    if (labels.has(key)) throw new UsageError(`${name} has ${JSON.stringify(key)} twice: give each key once`);
    return Object.fromEntries(labels.set(key, text.slice(at + 1)));
  });
}
