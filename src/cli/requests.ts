import { UsageError } from "./usage.ts";

/** One request of the command line. */
export interface Request {
  readonly method: string;
  readonly params: unknown;
}

/**
 * Reads `<method> [params-json] <method> <params-json> …`, or with `sameMethod` one method and the params of each call.
 * Empty params mean none. Throws `UsageError` for text that is no JSON.
 */
export function requestsOf(words: readonly string[], sameMethod: boolean): Request[] {
  const [first] = words;
  if (first === undefined) throw new UsageError("Say which method to call");
  if (sameMethod) {
    if (words.length === 1) return [{ method: first, params: undefined }];
    return words.slice(1).map((text) => ({ method: first, params: paramsOf(first, text) }));
  }
  const requests: Request[] = [];
  for (let at = 0; at < words.length; at += 2) {
    const method = words[at] ?? "";
    requests.push({ method, params: paramsOf(method, words[at + 1] ?? "") });
  }
  return requests;
}

function paramsOf(method: string, text: string): unknown {
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text);
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new UsageError(
      `Cannot read the params of ${JSON.stringify(method)}: ${why}. Write them as JSON, in single quotes`,
    );
  }
}
