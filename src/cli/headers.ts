import { Option } from "commander";
import { contentOf } from "./tls-flags.ts";
import { UsageError } from "./usage.ts";

/** Headers by their names in small letters. */
export type Headers = Readonly<Record<string, string>>;

/**
 * `--header`, once for each, or once for a file of them: what stands on a command line everybody on the machine can read. No
 * error repeats a value, which may be a secret.
 */
export function headerOption(): Option {
  const about = 'a header for ws://, http:// and gRPC, "Name: value", or @file with one a line; may be given again';
  return new Option("--header <header>", about).argParser<Headers>((text, before = {}) => {
    if (!text.startsWith("@")) return withHeader(before, text, "--header");
    const lines = contentOf(text.slice(1), "--header").toString("utf8").split(/\r?\n/);
    return lines.reduce(
      (headers, line, at) =>
        line.trim() === "" ? headers : withHeader(headers, line, `Line ${at + 1} of the file of --header`),
      before,
    );
  });
}

function withHeader(before: Headers, text: string, where: string): Headers {
  const [, name = "", value = ""] = /^([!#$%&'*+\-.^`|~\w]+)[ \t]*:(.*)$/.exec(text) ?? [];
  if (name === "") {
    throw new UsageError(`${where} must be a name, a colon and a value, as in --header "X-Tenant: blue"`);
  }
  const key = name.toLowerCase();
  const headers = new Map(Object.entries(before));
  if (headers.has(key)) throw new UsageError(`--header has "${name}" twice: give each name once`);
  return Object.fromEntries(headers.set(key, value.trim()));
}
