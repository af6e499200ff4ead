/** What a Content-Type header says. */
export interface MediaType {
  /** In small letters: `application/json`. */
  readonly type: string;
  /** As it was written, without quotes. */
  readonly charset: string | undefined;
}

const TOKEN = "[!#$%&'*+\\-.^_`|~\\w]+";
const TYPE = new RegExp(`^\\s*(${TOKEN}/${TOKEN})\\s*(?:;|$)`);
const PARAMETER = new RegExp(`;\\s*(?:(${TOKEN})=(?:(${TOKEN})|"((?:[^"\\\\]|\\\\.)*)")\\s*)?(?=;|$)`, "gy");

/**
 * Reads a Content-Type header; `undefined` for one that says nothing, or says its charset twice. Parameters that cannot be
 * read are as good as none (RFC 9110, section 8.3; what Go's `mime` makes of the same).
 */
export function mediaTypeOf(header: string | undefined): MediaType | undefined {
  const found = TYPE.exec(header ?? "");
  if (header === undefined || found === null) return undefined;
  const type = (found[1] ?? "").toLowerCase();
  const semicolon = header.indexOf(";");
  if (semicolon < 0) return { type, charset: undefined };
  const charsets: string[] = [];
  PARAMETER.lastIndex = semicolon;
  let end = semicolon;
  for (let each = PARAMETER.exec(header); each !== null; each = PARAMETER.exec(header)) {
    end = PARAMETER.lastIndex;
    const [, name, token, quoted = ""] = each;
    if (name?.toLowerCase() === "charset") charsets.push(token ?? quoted.replace(/\\(.)/g, "$1"));
    if (end === header.length) break;
  }
  PARAMETER.lastIndex = 0;
  if (end < header.length) return { type, charset: undefined };
  return charsets.length > 1 ? undefined : { type, charset: charsets[0] };
}

/** Whether an Accept header asks for server-sent events: it names them, and not JSON before them. */
export function wantsEvents(accept: string | undefined): boolean {
  if (accept === undefined) return false;
  const types = accept.split(",").map((each) => each.replace(/;.*$/s, "").trim().toLowerCase());
  const events = types.indexOf("text/event-stream");
  const json = types.indexOf("application/json");
  return events >= 0 && (json < 0 || events < json);
}
