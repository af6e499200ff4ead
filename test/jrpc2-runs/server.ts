import type { CallContext } from "../../src/core/context.ts";
import { RpcError } from "../../src/core/errors.ts";
import { line } from "../../src/framings/line.ts";
import { rawJson } from "../../src/framings/raw-json.ts";
import { server } from "./server-script.ts";
import type { Runs, Stage } from "./stage.ts";

/** Handlers that write down that they ran, wait to be cancelled, or end others. */
const marked = (stage: Stage): object => ({
  Mark: async ([mark, ms = 0]: [number, number?]) => {
    if (ms > 0) await stage.sleep(ms);
    stage.log(`${mark} ran`);
    return mark;
  },
  // Ends as a handler in Go does that returns its context's error.
  Wait: (_: unknown, { signal }: CallContext) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => {
        stage.log("its context ended");
        reject(new RpcError("cancelled", "context canceled"));
      });
    }),
  Stop: ([id]: [unknown], { connection }: CallContext) => connection.cancelIncoming(JSON.stringify(id)),
});

const thrower = (): object => ({
  Panic: () => {
    throw new TypeError("nobody expected this");
  },
  Odd: () => {
    throw { code: -32099, message: "no error" };
  },
});

/** What a handler pushes, and what becomes of it. */
const pushing = (): object => ({
  Tell: (params: unknown, { peer }: CallContext) => peer.notify("note", (params as unknown[])[0]),
  Ask: (_: unknown, { peer }: CallContext) =>
    peer.call("cb", undefined, { timeoutMs: 100 }).catch((error: RpcError) => error.code),
});

const codes = (outcome: string): string =>
  outcome
    .split("\n")
    .map((record) => (JSON.parse(record) as { error?: { code: number } }).error?.code ?? -32099)
    .join("\n");

const script = server();

/** Records, batches, order and concurrency, push: cases 105 to 136, 140, 151 to 160. */
export const SERVER_RUNS: Runs = {
  105: script,
  106: script,
  107: script,
  108: script,
  109: script,
  110: script,
  111: script,
  112: script,
  113: script,
  114: script,
  115: async (row) => {
    const raw = server({ framing: rawJson(), tail: " " });
    return `${await script(row)}\n${await raw(row)}`;
  },
  116: script,
  117: script,
  118: script,
  119: async (row) => codes(await server({ handlers: thrower })(row)),
  120: script,
  121: script,
  122: script,
  123: script,
  124: script,
  125: script,
  126: script,
  127: script,
  128: script,
  129: server({ handlers: marked }),
  130: server({ concurrency: 1 }),
  131: server({ concurrency: 1, ordered: false }),
  132: script,
  133: script,
  134: server({ handlers: marked }),
  135: server({ handlers: marked }),
  136: server({ handlers: marked }),
  140: server({ handlers: thrower }),
  147: script,
  151: script,
  152: script,
  153: script,
  154: script,
  155: script,
  156: script,
  157: server({ handlers: pushing }),
  158: server({ handlers: pushing }),
  159: script,
  160: script,
  179: server({ framing: line(), tail: "\n" }),
  227: async (row) => codes(await server({ handlers: coded })(row)),
  230: script,
};

/** Errors as values: one that has a number, and one around it. */
function coded(): object {
  const inner = new RpcError("unknown", "inner", { wireCode: 7 });
  return {
    Coded: () => {
      throw inner;
    },
    Wrapped: () => {
      throw new RpcError(inner.code, `wrap: ${inner.message}`, { wireCode: 7, cause: inner });
    },
  };
}
