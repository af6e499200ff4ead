import { Client } from "../../src/client/client.ts";
import { JsonRpcCodec } from "../../src/codecs/jsonrpc/codec.ts";
import { dialectOf } from "../../src/codecs/jsonrpc/options.ts";
import type { Connection } from "../../src/core/context.ts";
import { RpcError } from "../../src/core/errors.ts";
import type { Listener } from "../../src/core/wire.ts";
import { rawJson } from "../../src/framings/raw-json.ts";
import { type ServeOptions, Server } from "../../src/server/server.ts";
import { type MemoryNetwork, memoryNetwork } from "../../src/transports/memory.ts";
import { guessKind, parseAddress } from "../../src/transports/node/address.ts";
import { jsonrpc } from "../../src/wires/jsonrpc.ts";
import { End } from "../codecs/ends.ts";
import { codeOf } from "../suites/engine.ts";
import { type Deferred, deferred, turn } from "../suites/support.ts";
import { server } from "./server-script.ts";
import { type Run, type Runs, statusOf } from "./stage.ts";

/** A server on a network in memory, its clients, and what happens to them. */
class Loop {
  readonly lines: string[] = [];
  readonly network: MemoryNetwork = memoryNetwork();
  readonly gate: Deferred<string> = deferred<string>();
  listener: Listener | undefined;
  #made = 0;

  async serve(options: ServeOptions<number> = {}): Promise<Server> {
    const listen = this.network.listen("loop");
    return Server.open([async (accept) => (this.listener = await listen(accept))], jsonrpc(), {
      logger: false,
      handlers: (connection: Connection<number>) => {
        const service = ++this.#made;
        connection.data = service;
        return { which: () => service, slow: () => this.gate.promise };
      },
      onDisconnect: ({ data }, reason) => void this.lines.push(`service ${data} finished: ${statusOf(reason)}`),
      ...options,
    });
  }

  dial(): Promise<Client> {
    return Client.open(this.network.dial("loop"), jsonrpc(), { redial: false, logger: false });
  }

  async told(name: string, call: Promise<unknown>): Promise<void> {
    this.lines.push(`${name}: ${(await codeOf(call)).replace(/\/.*/, "")}`);
  }
}

const eachClient: Run = async () => {
  const loop = new Loop();
  const running = await loop.serve();
  for (const name of ["first", "second"]) {
    const dialled = await loop.dial();
    loop.lines.push(`${name}: ${String(await dialled.call("which"))}`);
    await dialled.close();
    await turn();
  }
  const both = await Promise.all([loop.dial(), loop.dial()]);
  loop.lines.push(`both: ${(await Promise.all(both.map((each) => each.call("which")))).sort().join(" ")}`);
  for (const each of both) await each.close();
  await turn();
  await running.close();
  return loop.lines.join("\n");
};

const loopEnds: Run = async () => {
  const loop = new Loop();
  const running = await loop.serve();
  const dialled = await loop.dial();
  const calling = loop.told("the call", dialled.call("slow"));
  await turn();
  await running.close({ graceMs: 0 });
  await calling;
  await loop.told("a new client", loop.dial());
  await running.closed;
  return [...loop.lines, "the loop ended"].join("\n");
};

/** The listener alone is closed; the server is told to end when its last client has left. */
const listenerCloses: Run = async () => {
  const loop = new Loop();
  const running = await loop.serve();
  const dialled = await loop.dial();
  const calling = loop.told("the call", dialled.call("slow"));
  await turn();
  await loop.listener?.close();
  await loop.told("a new client", loop.dial());
  await loop.told("the first again", dialled.call("which"));
  loop.gate.resolve("done");
  await calling;
  await dialled.close();
  await turn();
  await running.close();
  return [...loop.lines, "the loop ended"].join("\n");
};

/** `data` of an error, from the handler that threw it to the caller. */
const dataTravels: Run = async ({ input }) => {
  const loop = new Loop();
  const fails = (): never => {
    throw new RpcError("unknown", "with data", { data: JSON.parse(input) as unknown });
  };
  const running = await loop.serve({ handlers: { fails } });
  const dialled = await loop.dial();
  const data = await dialled.call("fails").catch((error: RpcError) => JSON.stringify(error.data));
  await dialled.close();
  await running.close();
  return String(data);
};

/** An error made of a number that has no text, over the wire and printed. */
const numberOnly: Run = async () => {
  const loop = new Loop();
  const fails = (): never => {
    throw new RpcError("unknown", "error code 12345", { wireCode: 12345 });
  };
  const running = await loop.serve({ handlers: { fails } });
  const dialled = await loop.dial();
  const error = (await dialled.call("fails").catch((thrown: unknown) => thrown)) as RpcError;
  await dialled.close();
  await running.close();
  return `${error.wireCode}, ${error.message}\n${String(error)}`;
};

/** Every reply has an id: that of its request, or null. */
const replyIds: Run = async () => {
  const end = new End((link) => new JsonRpcCodec(link, dialectOf()), "server");
  const [invalid] = end.decode(['{"jsonrpc":"2.0","method":"x","id":{}}']);
  if (invalid?.kind !== "invalid") return "not refused";
  const [reply] = end.encode([{ kind: "error", id: invalid.id, error: invalid.error, call: invalid }]);
  return String(reply);
};

/** What `Network` guesses; an address is read by the same guess, or refused. */
const guesses: Run = async ({ input }) =>
  input
    .split("\n")
    .map((each) => {
      const text = JSON.parse(each) as string;
      const guess = guessKind(text);
      let taken: string = guess;
      try {
        taken = parseAddress(text).kind;
      } catch {
        // The empty one, and ports with names that are not the same everywhere: nobody guesses them wrong.
      }
      return taken === guess ? guess : `${guess}, and taken for ${taken}`;
    })
    .join("\n");

/** Links that come, break and end, errors as values, addresses: cases 137 to 139, 224 to 226, 228, 229, 231 to 233. */
export const LINK_RUNS: Runs = {
  137: server({ framing: rawJson() }),
  138: server(),
  139: server({ alone: true, handlers: () => ({ X: () => null }) }),
  224: eachClient,
  225: loopEnds,
  226: listenerCloses,
  228: numberOnly,
  229: dataTravels,
  231: replyIds,
  232: guesses,
  233: guesses,
};
