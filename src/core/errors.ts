import { randomWord } from "./random-word.ts";

/** The 16 gRPC and Connect names, in the order of gRPC's numbers from 1 on. Every other wire has a two-way table of its own. */
const CODES = [
  "cancelled",
  "unknown",
  "invalid_argument",
  "deadline_exceeded",
  "not_found",
  "already_exists",
  "permission_denied",
  "resource_exhausted",
  "failed_precondition",
  "aborted",
  "out_of_range",
  "unimplemented",
  "internal",
  "unavailable",
  "data_loss",
  "unauthenticated",
] as const;
const KNOWN: ReadonlySet<unknown> = new Set(CODES);

export type Code = (typeof CODES)[number];

/** Whether a value from the wire is one of the 16 names. */
export function isCode(value: unknown): value is Code {
  return KNOWN.has(value);
}

/** gRPC's numbers of the codes, 1 to 16; 0 would be no error. */
export const GRPC_NUMBERS: ReadonlyMap<Code, number> = /* @__PURE__ */ new Map(CODES.map((code, at) => [code, at + 1]));

/** The code of a number of gRPC; `undefined` for 0 and for numbers that there are not. */
export function codeOfGrpc(number: number): Code | undefined {
  return CODES[number - 1];
}

/**
 * Whether a failed call may have run. `no`: it never left this process, or the other side refused it before it started.
 * `yes`: it ran, and its result was lost. `unknown`: it was sent, and nobody can tell.
 */
export type Executed = "no" | "unknown" | "yes";

/** What an error says. Codecs make and take plain ones; only whoever fails a call builds the `RpcError`, which is one too. */
export interface Fault {
  readonly code: Code;
  readonly message: string;
  /** What the other side may know beside the message; any value that the wire carries. */
  readonly data?: unknown;
  /** Typed details, as gRPC has them. */
  readonly details?: readonly unknown[] | undefined;
  /** Names the entry in the log of the end where it happened. */
  readonly trace?: string | undefined;
  /** When it happened at the other end, in milliseconds since 1970, where the wire says so. */
  readonly timestamp?: number | undefined;
  readonly executed?: Executed | undefined;
  /** The number or text that stands for `code` on the wire; kept as it came, so that a gateway loses nothing. */
  readonly wireCode?: number | string | undefined;
}

/** Everything about an `RpcError` but its code and message. */
export interface RpcErrorOptions extends Partial<Omit<Fault, "code" | "message">> {
  readonly cause?: unknown;
  /** It came over the wire. */
  readonly remote?: boolean;
}

/** Marks the class of every copy of this library, so that an error of another copy is known as one. */
const BRAND: unique symbol = Symbol.for("convoke.RpcError");

/** The only error that settles a call. */
export class RpcError extends Error implements Fault {
  readonly code: Code;
  // Declared, not defined: a printed error shows only what it has.
  declare readonly data?: unknown;
  declare readonly details?: readonly unknown[] | undefined;
  declare readonly trace?: string | undefined;
  declare readonly timestamp?: number | undefined;
  declare readonly executed?: Executed | undefined;
  declare readonly wireCode?: number | string | undefined;
  readonly remote: boolean;

  constructor(code: Code, message: string, options: RpcErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.remote = options.remote ?? false;
    if (options.data !== undefined) this.data = options.data;
    if (options.details !== undefined) this.details = options.details;
    if (options.trace !== undefined) this.trace = options.trace;
    if (options.timestamp !== undefined) this.timestamp = options.timestamp;
    if (options.executed !== undefined) this.executed = options.executed;
    if (options.wireCode !== undefined) this.wireCode = options.wireCode;
  }

  override get name(): string {
    return "RpcError";
  }

  static {
    Object.defineProperty(RpcError.prototype, BRAND, { value: true });
  }

  /** Whether `value` is an RpcError, of this copy of the library or of another. */
  static is(value: unknown): value is RpcError {
    try {
      return typeof value === "object" && value !== null && BRAND in value;
    } catch {
      return false; // A Proxy may throw, and what a handler throws may be one.
    }
  }

  /**
   * Makes an RpcError of whatever was thrown. One that is one already stays as it is; an `AbortError` is `cancelled`, a
   * `TimeoutError` is `deadline_exceeded`. Anything else is hidden behind `internal` and a trace id, and kept as `cause`.
   */
  static from(thrown: unknown): RpcError {
    if (RpcError.is(thrown)) return thrown;
    const name = nameOf(thrown);
    if (name === "AbortError") return new RpcError("cancelled", "The call was cancelled", { cause: thrown });
    if (name === "TimeoutError") {
      return new RpcError("deadline_exceeded", "The time of the call is over", { cause: thrown });
    }
    return new RpcError("internal", "Internal error", { cause: thrown, trace: randomWord() });
  }

  /**
   * The error of a call that the other side answered with `fault`. It has no stack: what stands on the stack here is
   * the reading of a frame, which helps nobody and costs more than the reading.
   */
  static remote(fault: Fault): RpcError {
    const host = Error as unknown as { stackTraceLimit: number };
    const { stackTraceLimit } = host;
    const options = { ...fault, remote: true };
    try {
      host.stackTraceLimit = 0;
    } catch {
      // Errors that are frozen, as `node --frozen-intrinsics` has them, have stacks.
      return new RpcError(fault.code, fault.message, options);
    }
    const error = new RpcError(fault.code, fault.message, options);
    host.stackTraceLimit = stackTraceLimit;
    return error;
  }
}

/**
 * The name of whatever was thrown, `""` for what has none. It need not be an `Error` of this realm: signals and errors of a
 * test runner or of `node:vm` are not.
 */
export function nameOf(thrown: unknown): string {
  try {
    return String((thrown as { readonly name: unknown }).name);
  } catch {
    return "";
  }
}

/** What there is to say of whatever was thrown. */
export function wordsOf(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message : thrown);
  } catch {
    return "something was thrown that cannot say what it is";
  }
}

/** What a framing or codec throws when the link cannot go on; the peer closes the link with it. */
export function protocolError(message: string, options: RpcErrorOptions = {}): RpcError {
  return new RpcError("data_loss", message, options);
}
