import { Client } from "../../src/client/client.ts";
import type { CallContext } from "../../src/core/context.ts";
import { RpcError } from "../../src/core/errors.ts";
import { memoryChannels } from "../../src/transports/memory.ts";
import { jsonrpc } from "../../src/wires/jsonrpc.ts";
import { turn } from "../suites/support.ts";
import { client } from "./client-script.ts";
import type { Runs, Stage } from "./stage.ts";

const callbacks = (): object => ({
  ok: () => ({ a: 1 }),
  fails: () => {
    throw new Error("why not");
  },
  coded: () => {
    throw new RpcError("unknown", "as is", { wireCode: 5, data: [1] });
  },
  odd: () => () => undefined,
  panics: () => {
    throw new TypeError("x is undefined");
  },
});

const listening = (stage: Stage): object => ({
  cb: (params: unknown, { id }: CallContext) => {
    stage.log(`cb got ${JSON.stringify(params)}, ${id === undefined ? "a notification" : `call ${id}`}`);
  },
});

const script = client();

/** The end that dials: cases 142 and 161 to 176. */
export const CLIENT_RUNS: Runs = {
  142: script,
  161: script,
  162: script,
  163: script,
  164: script,
  165: script,
  166: script,
  167: script,
  168: client(callbacks),
  169: client(listening),
  170: script,
  171: script,
  172: script,
  173: script,
  174: script,
  175: hooks,
  176: client(() => ({ up: (_: unknown, { peer }: CallContext) => peer.call("up") })),
};

/** A signal's listener is what OnCancel is, `closed` what OnStop is. */
async function hooks(): Promise<string> {
  const lines: string[] = [];
  const [near, far] = memoryChannels();
  far.open({ frames: () => {}, skipped: () => {}, ended: () => {}, closed: () => {} });
  const cancel = new AbortController();
  const callback = (_: unknown, { signal }: CallContext): Promise<never> =>
    new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => {
        lines.push("the callback's context ended");
        reject(signal.reason);
      });
    });
  const dialled = await Client.open(async () => ({ channel: near }), jsonrpc({ cancel: false }), {
    redial: false,
    logger: false,
    handlers: { callback },
  });
  void dialled.closed.then(() => lines.push("OnStop"));
  const { signal } = cancel;
  const waiting = dialled.call("a", undefined, { signal }).catch((error: RpcError) => {
    if (signal.aborted) lines.push(`OnCancel: ${error.code}`);
  });
  await turn();
  cancel.abort();
  await waiting;
  void far.send(['{"jsonrpc":"2.0","id":1,"method":"callback"}']);
  await turn();
  await dialled.close({ graceMs: 0 });
  await dialled.close({ graceMs: 0 });
  await turn();
  return lines.sort().join("\n");
}
