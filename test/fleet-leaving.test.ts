import { expect, test } from "vitest";
import type { Channel, Pipe } from "../src/core/channel.ts";
import { Fleet, RpcError } from "../src/index.ts";
import { connect, serve } from "../src/node.ts";
import type { MemoryEnd } from "../src/transports/memory.ts";
import { jsonrpc } from "../src/wires/jsonrpc.ts";
import { native } from "../src/wires/native.ts";
import { codeOf, never } from "./suites/engine.ts";
import { fleetWorld } from "./suites/fleet-world.ts";
import { deferred, turn, until } from "./suites/support.ts";

test("an agent that will say no more is no member from then on, though its link lives on for what it asked", async () => {
  const it = await fleetWorld({ server: { handlers: { wait: never } } });
  const hand = await it.hand({ name: "one" });
  const events = it.fleet.watch();
  hand.say({ kind: "call", id: 1, method: "wait" });
  await turn();
  const lost = codeOf(it.fleet.call("one", "echo"));
  await turn();
  hand.channel.end();
  await turn();
  expect(await lost).toBe("unavailable/unknown");
  expect([it.fleet.size, it.server.connections.length]).toEqual([0, 1]);
  expect((await events.next()).value).toMatchObject({ kind: "left", reason: "The other side has ended" });
  expect(await codeOf(it.fleet.call("one", "echo"))).toBe("not_found/no");
  await it.close();
});

test("so is one that will say no more and does not read either", async () => {
  const it = await fleetWorld();
  const hand = await it.hand({ name: "one" }, 1);
  hand.stall();
  for (let each = 0; each < 3; each++) {
    void it.fleet.notify("one", "echo");
    await turn();
  }
  hand.channel.end();
  await turn();
  expect([it.fleet.size, it.server.connections.length]).toEqual([0, 1]);
  await it.close();
});

test("one that goes before it was let in never comes, and takes nobody's name", async () => {
  const it = await fleetWorld();
  const keeper = await it.hand({ name: "one", session: "1.a.1" });
  const events = it.fleet.watch();
  for (const word of ["goodbye", "end"]) {
    const passing = it.hand({ name: "one", session: "2.a.1" });
    const channel = it.links.at(-1) as Channel & MemoryEnd;
    if (word === "goodbye") void channel.send([JSON.stringify({ kind: "goodbye", text: "bye" })]);
    else channel.end();
    await passing;
  }
  expect(it.fleet.get("one")?.address).toBe("test:1");
  expect(keeper.reason).toBeUndefined();
  void events.return();
  expect((await events.next()).done).toBe(true);
  await it.close();
});

test.each([
  ["native", native()],
  ["jsonrpc", jsonrpc()],
])("an agent on %s whose controller died in the middle of its work dials again in a moment", async (_, wire) => {
  const pipes: Pipe[] = [];
  const wrapPipe = (pipe: Pipe): Pipe => {
    pipes.push(pipe);
    return pipe;
  };
  const fleet = new Fleet();
  const server = await serve("tcp://127.0.0.1:0", { wire, fleet, wrapPipe, logger: false });
  const begun = deferred();
  const hang = (): Promise<never> => {
    begun.resolve();
    return never();
  };
  const redial = { baseMs: 1, maxMs: 10 };
  const agent = await connect(server.addresses[0] ?? "", {
    wire,
    name: "one",
    handlers: { hang },
    redial,
    logger: false,
  });
  await until(() => fleet.size === 1);
  const lost = codeOf(fleet.call("one", "hang"));
  await begun.promise;
  // What the system does for a process that was killed.
  const died = performance.now();
  pipes[0]?.close({ message: "killed", error: new RpcError("unavailable", "killed") });
  expect(await lost).toBe("unavailable/unknown");
  await until(() => fleet.size === 1);
  // A second until the socket is gone, and another until that shows; the heartbeat would take its 15 s.
  expect(performance.now() - died).toBeLessThan(5000);
  await agent.close({ graceMs: 0 });
  await server.close({ graceMs: 0 });
});
