// The commands of interop/go/hemi/table, and our handlers for them: they do what the Go server does.
import { type CallContext, RpcError } from "convoke";
import { type CommandHandlers, command, notification, request } from "convoke/command";

/** A value of every kind that the original's commands have. */
export interface Shapes {
  readonly text: string;
  readonly number: number;
  readonly amount: number;
  readonly ratio: number;
  readonly is: boolean;
  /** Hexadecimal digits. */
  readonly bytes: string;
  readonly list: readonly string[] | null;
  readonly table: Readonly<Record<string, number>> | null;
  readonly inner: Shapes | null;
}

/** Nothing in it. */
export const LEAF: Shapes = {
  text: "",
  number: 0,
  amount: 0,
  ratio: 0,
  is: false,
  bytes: "",
  list: null,
  table: null,
  inner: null,
};
/** Whatever could get lost in it. */
export const FULL: Shapes = {
  text: 'hällo "<&>" \u2028 \u{1f600}',
  number: -(2 ** 40),
  amount: Number.MAX_SAFE_INTEGER,
  ratio: 1.5e-7,
  is: true,
  bytes: "00ff10",
  list: ["", "x"],
  table: { a: -1, "": 2 },
  inner: LEAF,
};

interface Failure {
  /** `request`, `notFound`, `internal`, or no answer at all. */
  readonly how: "request" | "notFound" | "internal" | "nothing";
  readonly text: string;
}

/** Neither end of the tests answers `unserved`, and the Go programs do not know `missing`. */
export const METHODS = {
  add: request<{ a: number; b: number }, { sum: number }>(),
  echo: request<Shapes, Shapes>(),
  fail: request<Failure, object>(),
  who: request<object, { public_key: string }>(),
  wait: request<{ ms: number }, { ms: number }>(),
  blob: request<{ size: number; data?: string }, { data: string }>(),
  job: request<{ job: string }, { state: string }>({ reply: "t-job-update-notification" }),
  missing: request(),
  tx: notification<{ tx_id: string; n: number }>(),
  keystones: notification(),
  jobUpdate: notification<{ state: string }>(),
} as const;

const wire = command({ prefix: "t", methods: METHODS });

/** What our servers answer. `wait` tells when it begins, and the code with which it was ended. */
export function handlersOf(tell: (event: string) => void = () => {}): Omit<CommandHandlers<typeof wire>, "missing"> {
  return {
    add: ({ a, b }) => ({ sum: a + b }),
    echo: (shapes) => shapes,
    fail: ({ how, text }) => {
      if (how === "request") throw new RpcError("invalid_argument", text);
      if (how === "notFound") throw new RpcError("not_found", `not found: tx ${text}`);
      throw new Error(text);
    },
    who: (_, { identity }) => ({ public_key: String(identity) }),
    wait: async ({ ms }, { signal }) => {
      tell("waiting");
      await ended(ms, signal, tell);
      return { ms };
    },
    blob: ({ size }) => ({ data: "x".repeat(size) }),
    job: () => ({ state: "pending" }),
  };
}

function ended(ms: number, signal: AbortSignal, tell: (event: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      tell((signal.reason as RpcError).code);
      reject(signal.reason);
    });
  });
}

/** A push as a handler of ours got it. */
export interface Push {
  readonly method: string;
  readonly id: string | undefined;
  readonly params: unknown;
}

/** Listens to every notification. */
export function listenersOf(tell: (push: Push) => void) {
  const listen = (params: unknown, { method, meta }: CallContext): void => tell({ method, id: meta?.["id"], params });
  return { tx: listen, keystones: listen, jobUpdate: listen };
}
