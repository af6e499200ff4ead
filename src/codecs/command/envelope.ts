import { RpcError } from "../../core/errors.ts";
import { parseJson } from "../../core/json.ts";
import { DEFAULT_LIMITS } from "../../core/limits.ts";
import { textOf } from "../../core/text.ts";

/** One command as it stands on the wire: `{"header":{"command":…,"id":…},"payload":{…}}`. */
export interface Command {
  /** Its whole name, prefix and suffix included. */
  readonly command: string;
  /** Empty where there is none: then the header has no member `id`. */
  readonly id: string;
  /** What was said; one that is missing or null is an empty object. */
  readonly payload: unknown;
}

/** How a frame is read. */
export interface DecodeCommandOptions {
  /** Nesting that is taken. Default 128. */
  readonly maxDepth?: number | undefined;
  /** Takes `header`, `command`, `id` and `payload` in capital letters too, as Go does. Default false. */
  readonly anyCase?: boolean | undefined;
}

/** A header at the beginning of a frame, of which only that is known. */
const HEADER = /^\s*\{\s*"header"\s*:\s*(\{[^{}]*\})/;

/**
 * Writes one command as the text of a frame, for those who use a channel without a link (`openChannel`). Throws `RpcError`
 * `invalid_argument` for a payload that is no object, and `TypeError` for one that has no JSON.
 */
export function encodeCommand({ command, id = "", payload }: Partial<Command> & Pick<Command, "command">): string {
  const header = id === "" ? { command } : { command, id };
  return `{"header":${JSON.stringify(header)},"payload":${payloadText(payload)}}`;
}

/**
 * Reads one frame. Throws `RpcError`: `invalid_argument` for what is no command, `resource_exhausted` for nesting above
 * `maxDepth`. Members that are not known are passed over.
 */
export function decodeCommand(frame: string | Uint8Array, options: DecodeCommandOptions = {}): Command {
  const { maxDepth = DEFAULT_LIMITS.maxDepth, anyCase = false } = options;
  const it = jsonOf(frame, maxDepth);
  const { command, id } = headerOf(memberOf(it, "header", anyCase), anyCase);
  return { command, id, payload: memberOf(it, "payload", anyCase) ?? {} };
}

/** The command and the id of a frame of which only the beginning is looked at; nothing where that does not show them. */
export function glimpse(frame: string | Uint8Array): Omit<Command, "payload"> | undefined {
  // It may be cut in the middle of a character.
  const text = typeof frame === "string" ? frame : new TextDecoder("utf-8", { ignoreBOM: true }).decode(frame);
  const [, header = ""] = HEADER.exec(text) ?? [];
  try {
    return headerOf(JSON.parse(header), false);
  } catch {
    return undefined;
  }
}

/** Whether a value of JSON is an object. */
export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The member of this name; where any case will do the last one counts, as with Go. Nothing has no members. */
export function memberOf(value: unknown, name: string, anyCase: boolean): unknown {
  if (!isObject(value)) return undefined;
  if (!anyCase) return Object.hasOwn(value, name) ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
  let found: unknown;
  for (const [key, each] of Object.entries(value)) if (key.toLowerCase() === name) found = each;
  return found;
}

function jsonOf(frame: string | Uint8Array, maxDepth: number): unknown {
  try {
    return parseJson(textOf(frame), maxDepth);
  } catch (cause) {
    if (RpcError.is(cause)) throw cause;
    throw invalid("it is no JSON", cause);
  }
}

function headerOf(header: unknown, anyCase: boolean): Omit<Command, "payload"> {
  const command = memberOf(header, "command", anyCase);
  const id = memberOf(header, "id", anyCase) ?? "";
  if (typeof command !== "string" || command === "") throw invalid("its header has no command");
  if (typeof id !== "string") throw invalid(`its id is a ${typeof id}, not a string`);
  return { command, id };
}

function payloadText(payload: unknown): string {
  const text = JSON.stringify(payload ?? {}) as string | undefined;
  if (text?.startsWith("{") === true) return text;
  throw new RpcError("invalid_argument", "What a command says must be an object");
}

function invalid(why: string, cause?: unknown): RpcError {
  return new RpcError("invalid_argument", `invalid command: ${why}`, { cause });
}
