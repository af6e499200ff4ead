import type { Carries } from "../../core/codec.ts";
import type { Code } from "../../core/errors.ts";
import { ERROR_NAMES, ERROR_NUMBERS } from "./errors.ts";

/** How a caller says that it gave up: a notification of this method, whose params hold the call's id under this key. */
export interface CancelMethod {
  readonly method: string;
  readonly key: string;
  /** Whether the cancelled call is answered all the same. Default true. */
  readonly answers?: boolean | undefined;
}

/** Cancellation as in the Language Server Protocol. */
export const CANCEL_REQUEST: CancelMethod = { method: "$/cancelRequest", key: "id" };

/** Cancellation as in the Model Context Protocol, where a cancelled call gets no answer. */
export const CANCELLED_NOTIFICATION: CancelMethod = {
  method: "notifications/cancelled",
  key: "requestId",
  answers: false,
};

/** What may differ between two users of JSON-RPC 2.0. */
export interface JsonRpcOptions {
  /** How a cancel travels, both ways; `false`: not at all. Default `$/cancelRequest`. */
  readonly cancel?: CancelMethod | false | undefined;
  /** Whether the end that accepted the link may call and notify the one that dialled. Default true. */
  readonly push?: boolean | undefined;
  /** Refuses messages with members that the specification does not know. Default: they are ignored. */
  readonly strict?: boolean | undefined;
  /**
   * `verbatim`: as jrpc2 does it. The accepting end answers a reply to nothing, may push scalar params, and adds nothing
   * to the `data` of errors; the dialling end serves what is pushed without checking its version, params and members.
   * Default `plain`.
   */
  readonly errors?: "plain" | "verbatim" | undefined;
  /**
   * Whether an end that has a name, or a fleet, says so: the dialler calls `convoke.hello`, and once it is answered both
   * ends know `convoke.ping` and `convoke.goodbye`. All other ends never say or answer these. Default true.
   */
  readonly hello?: boolean | undefined;
  /** Numbers for error names, in place of those in `ERROR_NUMBERS`; they are understood as well. */
  readonly numbers?: Readonly<Partial<Record<Code, number>>> | undefined;
}

/** The options of one wire, checked and filled in; made once and shared by the codecs of all its links. */
export interface Dialect {
  readonly cancel: CancelMethod | undefined;
  readonly push: boolean;
  readonly strict: boolean;
  readonly verbatim: boolean;
  /** What a link can say; the same objects for all links. */
  readonly carries: {
    /** One that never meets the other side. */
    readonly bare: Carries;
    /** One that may. */
    readonly plain: Carries;
    readonly asked: Carries;
    readonly met: Carries;
  };
  readonly meets: boolean;
  readonly numbers: Readonly<Record<Code, number>>;
  readonly names: ReadonlyMap<number, Code>;
}

/** Checks the options and fills in the defaults. Throws `TypeError` or `RangeError` for a wrong value. */
export function dialectOf(options: JsonRpcOptions = {}): Dialect {
  const {
    cancel = CANCEL_REQUEST,
    push = true,
    strict = false,
    errors = "plain",
    hello = true,
    numbers = {},
  } = options;
  if (cancel !== false) checkCancel(cancel);
  if (errors !== "plain" && errors !== "verbatim") {
    throw new TypeError(`errors must be "plain" or "verbatim", not ${JSON.stringify(errors)}`);
  }
  const names = new Map(ERROR_NAMES);
  const sent = { ...ERROR_NUMBERS };
  for (const code of Object.keys(numbers) as Code[]) {
    const number = numbers[code];
    if (number === undefined) continue;
    if (!Number.isSafeInteger(number))
      throw new RangeError(`numbers.${code} must be an integer, not ${String(number)}`);
    names.set(number, code);
    sent[code] = number;
  }
  return {
    cancel: cancel === false ? undefined : cancel,
    push,
    strict,
    verbatim: errors === "verbatim",
    carries: carriesOf(cancel),
    meets: hello,
    numbers: sent,
    names,
  };
}

function carriesOf(method: CancelMethod | false): Dialect["carries"] {
  const [cancel, answersCancelled] = method === false ? [false, true] : [true, method.answers !== false];
  const bare: Carries = { hello: "never", welcome: false, ping: false, cancel, goodbye: false, answersCancelled };
  const plain: Carries = { ...bare, hello: "may", welcome: true };
  const asked: Carries = { ...plain, goodbye: true };
  return { bare, plain, asked, met: { ...asked, ping: true } };
}

function checkCancel({ method, key, answers }: CancelMethod): void {
  if (answers !== undefined && typeof answers !== "boolean")
    throw new TypeError("cancel.answers must be true or false");
  if (typeof method !== "string" || method === "") throw new TypeError("cancel.method must be the name of a method");
  if (typeof key !== "string" || !/^[\w$.-]+$/.test(key)) {
    throw new TypeError(
      `cancel.key must be a name of letters, digits, "_", "$", "." and "-", not ${JSON.stringify(key)}`,
    );
  }
}
