import { RpcError } from "../../core/errors.ts";
import { goNumber } from "./go-number.ts";

/** What a GET asks for, as it stands in the URL. */
export interface GetTarget {
  /** The path below the bridge's own, nothing decoded. */
  readonly path: string;
  /** What follows the question mark. */
  readonly query: string;
  /** The whole request; made when somebody looks. */
  readonly request: Request;
}

/** The call that a GET stands for. */
export interface GetCall {
  readonly method: string;
  /** An object, an array or nothing. */
  readonly params?: unknown;
}

/** Makes a call of a GET; what it throws is answered with 400. */
export type ParseGet = (target: GetTarget) => GetCall | Promise<GetCall>;

/**
 * The path is the method, the query an object of texts, empty without one: `/echo?x=1&y=b` calls `echo` with
 * `{ x: "1", y: "b" }`. Of a name that is there twice the first counts. (jrpc2: `ParseBasic`.)
 */
export function basicQuery({ path, query }: GetTarget): GetCall {
  const fields = fieldsOf(query);
  return { method: methodOf(path, "empty method name"), params: Object.fromEntries(fields) };
}

/**
 * The path is the method, the query an object of values; no query, no params. `"text"` is a JSON string, `25`, `-3.5` and
 * `1e3` are numbers, `true`, `false` and `null` are what they say, `'aGk'` is base64 (it arrives padded); all else is text.
 * (jrpc2: `ParseQuery`.)
 */
export function typedQuery({ path, query }: GetTarget): GetCall {
  const fields = fieldsOf(query);
  const method = methodOf(path, "empty URL path");
  if (fields.size === 0) return { method };
  return { method, params: Object.fromEntries([...fields].map(([name, text]) => [name, typed(name, text)])) };
}

/** The JSON-RPC message of a call. Throws `RpcError` for params that have no JSON form, such as a number that is not finite. */
export function callRecord({ method, params }: GetCall): string {
  const head = `{"jsonrpc":"2.0","id":1,"method":${JSON.stringify(method)}`;
  if (params === undefined || params === null) return `${head}}`;
  if (typeof params !== "object") {
    throw new RpcError("invalid_argument", "invalid parameters: array or object required", { wireCode: -32600 });
  }
  const text = JSON.stringify(params, (_, value: unknown) => {
    if (typeof value !== "number" || Number.isFinite(value)) return value;
    throw new RpcError("unknown", `The number ${value} has no JSON form`);
  });
  return `${head},"params":${text}}`;
}

function methodOf(path: string, whenEmpty: string): string {
  const method = stripped(decoded(path, false), "/");
  if (method === "") throw badUrl(whenEmpty);
  return method;
}

/** The fields of a query (HTML's form encoding, read as strictly as Go reads it). */
function fieldsOf(query: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const part of query.split("&")) {
    if (part === "") continue;
    if (part.includes(";")) throw badUrl("invalid semicolon separator in query");
    const [, name = "", , text = ""] = /^([^=]*)(=(.*))?$/s.exec(part) ?? [];
    const key = decoded(name, true);
    const value = decoded(text, true);
    if (!fields.has(key)) fields.set(key, value);
  }
  return fields;
}

function decoded(text: string, isQuery: boolean): string {
  const spaced = isQuery ? text.replaceAll("+", " ") : text;
  if (!spaced.includes("%")) return spaced;
  const bad = /%(?![0-9a-f]{2})[\s\S]{0,2}/i.exec(spaced);
  if (bad !== null) throw badUrl(`invalid URL escape ${JSON.stringify(bad[0])}`);
  // Whoever encoded it meant UTF-8. What is none is shown as that.
  return spaced.replace(/(?:%[0-9a-f]{2})+/gi, (run) => {
    const bytes = Uint8Array.from(run.slice(1).split("%"), (hex) => Number.parseInt(hex, 16));
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  });
}

function typed(name: string, text: string): unknown {
  const quoted = quotedText(name, text);
  if (quoted !== undefined) return quoted;
  const number = goNumber(text);
  if (number !== undefined) return number;
  if (text === "true" || text === "false") return text === "true";
  if (text === "null") return null;
  return bytesText(name, text) ?? text;
}

function quotedText(name: string, text: string): string | undefined {
  if (!isQuoted(text, '"', () => badUrl(`decoding string ${JSON.stringify(name)}: missing string quote`))) return;
  try {
    return (JSON.parse(text) as string).toWellFormed();
  } catch {
    throw badUrl(`decoding string ${JSON.stringify(name)}: it is no JSON`);
  }
}

/** Base64, padded. */
function bytesText(name: string, text: string): string | undefined {
  if (!isQuoted(text, "'", () => badUrl(`decoding bytes ${JSON.stringify(name)}: missing bytes quote`))) return;
  const inside = text.slice(1, -1);
  const digits = inside.slice(0, endWithout(inside, "=")).replace(/[\r\n]/g, "");
  if (!/^[A-Za-z0-9+/]*$/.test(digits) || digits.length % 4 === 1) {
    throw badUrl(`decoding bytes ${JSON.stringify(name)}: it is no base64`);
  }
  return btoa(atob(digits));
}

/** The text without these characters at both ends. */
function stripped(text: string, edge: string): string {
  let start = 0;
  while (text[start] === edge) start++;
  return text.slice(start, Math.max(start, endWithout(text, edge)));
}

/** Where the text ends without these characters. Not found by a pattern, which begins anew at each of them that stands inside. */
function endWithout(text: string, edge: string): number {
  let end = text.length;
  while (end > 0 && text[end - 1] === edge) end--;
  return end;
}

/** Whether the text stands in quotes of this kind; with one of them it is an error. */
function isQuoted(text: string, quote: string, half: () => RpcError): boolean {
  if (text.length >= 2 && text.startsWith(quote) && text.endsWith(quote)) return true;
  if (text.startsWith(quote) || text.endsWith(quote)) throw half();
  return false;
}

function badUrl(why: string): RpcError {
  return new RpcError("invalid_argument", why, { wireCode: -32700 });
}
