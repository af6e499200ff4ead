import { createReadStream } from "node:fs";
import { text as textOf } from "node:stream/consumers";
import { printable } from "../core/text.ts";
import { UsageError } from "./usage.ts";

/** One request of the command line. */
export interface Request {
  readonly method: string;
  readonly params: unknown;
}

/** How the words of a command line are read. */
export interface WordsOptions {
  /** The first word is the method, each further one the params of a call. */
  readonly sameMethod?: boolean | undefined;
  /** stdin is the link. */
  readonly isStdinTaken: boolean;
}

/** What help texts say about params. */
export const ABOUT_PARAMS = "Params are JSON, @file reads them from a file, and - from stdin; '' stands for no params.";

/**
 * Reads `<method> [params] <method> <params> …`, or with `sameMethod` one method and the params of each call. Params are JSON,
 * or `@file`, or `-` for stdin; empty ones mean none. Rejects with a `UsageError` for text that is no JSON, a file that cannot
 * be read, and a stdin that is taken or wanted twice.
 */
export async function requestsOf(
  words: readonly string[],
  { sameMethod = false, isStdinTaken }: WordsOptions,
): Promise<Request[]> {
  const [first] = words;
  if (first === undefined) throw new UsageError("Say which method to call");
  const pairs = sameMethod
    ? (words.length === 1 ? [""] : words.slice(1)).map((text) => [first, text] as const)
    : words.flatMap((method, at) => (at % 2 === 0 ? [[method, words[at + 1] ?? ""] as const] : []));
  const fromStdin = pairs.filter(([, text]) => text === "-").length;
  if (fromStdin > 0 && isStdinTaken) throw new UsageError("stdin is the link: give the params as JSON, or as @file");
  if (fromStdin > 1) throw new UsageError("stdin can be read once: give - for the params of one call");
  const requests: Request[] = [];
  for (const [method, text] of pairs) requests.push({ method, params: await paramsOf(method, text) });
  return requests;
}

async function paramsOf(method: string, word: string): Promise<unknown> {
  if (word.trim() === "") return undefined;
  const file = word.startsWith("@") ? word.slice(1) : undefined;
  try {
    if (file !== undefined) return JSON.parse(await textOf(createReadStream(file)));
    return JSON.parse(word === "-" ? await textOf(process.stdin) : word);
  } catch (thrown) {
    const why = printable(thrown instanceof Error ? thrown.message : String(thrown), 1000);
    const hint = file === undefined && word !== "-" ? ". Write them as JSON, in single quotes, or give @file" : "";
    throw new UsageError(`Cannot read the params of ${JSON.stringify(method)}: ${why}${hint}`);
  }
}
