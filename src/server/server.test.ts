import { describe, expect, test } from "vitest";
import { codeOf, Log, never } from "../../test/suites/engine.ts";
import { plainWire } from "../../test/suites/plain-wire.ts";
import { deferred, turn } from "../../test/suites/support.ts";
import { world } from "../../test/suites/world.ts";
import type { Listen } from "../core/wire.ts";
import { memoryNetwork } from "../transports/memory.ts";
import { Server } from "./server.ts";

describe("listening", () => {
  test("at several places at once, whose real addresses it tells in their order", async () => {
    const network = memoryNetwork();
    const server = await Server.open([network.listen("b"), network.listen("a")], plainWire(), {});
    expect(server.addresses).toEqual(["memory:b", "memory:a"]);
    await server.close();
  });

  test("when one place cannot be had, none is, and the failure says which", async () => {
    const network = memoryNetwork();
    const first = await Server.open([network.listen("taken")], plainWire(), {});
    await expect(Server.open([network.listen("free"), network.listen("taken")], plainWire(), {})).rejects.toMatchObject(
      { code: "already_exists" },
    );
    const second = await Server.open([network.listen("free")], plainWire(), {});
    await Promise.all([first.close(), second.close()]);
  });

  test("a connection that comes in while the listeners are still being opened is not forgotten", async () => {
    const network = memoryNetwork();
    const gate = deferred();
    const slow: Listen = async () => {
      await gate.promise;
      return { address: "slow:", close: async () => {} };
    };
    const opening = Server.open([network.listen("fast"), slow], plainWire(), { logger: false });
    await turn();
    await network.dial("fast")(new AbortController().signal);
    gate.resolve();
    const server = await opening;
    await turn();
    expect(server.connections).toHaveLength(1);
    await server.close();
  });
});

describe("connections", () => {
  test("are known while they live, and logged", async () => {
    const log = new Log();
    const it = await world({ server: { logger: log } });
    const other = await it.connect();
    expect(it.server.connections.map((each) => each.remoteAddress)).toEqual(["test:0", "test:1"]);
    await other.close();
    await turn();
    expect(it.server.connections).toHaveLength(1);
    expect(log.of("info")).toEqual([
      "Connected: test:0",
      "Connected: test:1",
      expect.stringMatching(/^Disconnected: test:1: /),
    ]);
  });

  test("what a hook throws is logged with its cause, and the other side learns a trace at most", async () => {
    const boom = (): never => {
      throw new Error("the database is down");
    };
    const authenticator = { client: async () => undefined, server: async () => boom() };
    for (const hooks of [{ onConnect: boom }, { handlers: boom }, { authenticator }]) {
      const log = new Log();
      const it = await world({
        server: { logger: log, ...hooks } as never,
        client: { redial: false, ...("authenticator" in hooks && { authenticator }) },
      });
      await it.client.closed;
      expect(log.of("error")).toEqual([expect.stringMatching(/^Refused test:0: Internal error, trace \w+$/)]);
      expect(log.lines.find(({ level }) => level === "error")?.cause).toMatchObject({
        message: "the database is down",
      });
      await it.server.close();
    }
  });

  test("can be called one by one", async () => {
    const it = await world({ client: { handlers: { name: () => "one" } } });
    await it.connect({ handlers: { name: () => "two" } } as never);
    expect(await Promise.all(it.server.connections.map((each) => each.call("name")))).toEqual(["one", "two"]);
  });

  test("a closing server refuses those that are still coming about", async () => {
    const gate = deferred();
    const it = await world({ server: { onConnect: () => gate.promise }, client: { redial: false } });
    const waits = codeOf(it.client.call("x"));
    await turn();
    const closing = it.server.close();
    expect(await waits).toBe("unavailable/unknown");
    await closing;
    gate.resolve();
    await it.server.closed;
  });
});

describe("closing", () => {
  test("waits for running handlers at most graceMs, on every connection", async () => {
    const it = await world({ handlers: { never } });
    const other = await it.connect({ redial: false } as never);
    const lost = [codeOf(it.client.call("never")), codeOf(other.call("never"))];
    await turn();
    const closing = it.server.close({ graceMs: 100 });
    await turn();
    it.clock.advance(99);
    await turn();
    expect(it.server.connections).toHaveLength(2);
    it.clock.advance(2);
    await closing;
    expect(await Promise.all(lost)).toEqual(["unavailable/unknown", "unavailable/unknown"]);
    await Promise.all([it.client.close(), other.close()]);
    expect(it.clock.listeners).toBe(0);
  });
});
