import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import { Fleet } from "../src/index.ts";
import { connect, native, serve } from "../src/node.ts";
import { until } from "./suites/support.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Program {
  readonly isRunning: () => boolean;
  /** Its exit status and what it printed. */
  readonly ended: Promise<readonly [status: number | null, printed: string]>;
}

/** A program of a user of this build, which nothing but this library keeps alive. */
function program(code: string): Program {
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const printed = text(child.stdout);
  return {
    isRunning: () => child.exitCode === null,
    ended: once(child, "close").then(async ([status]) => [status as number | null, await printed]),
  };
}

describe("a process lives", () => {
  test.each(["tcp://127.0.0.1:0", "ws://127.0.0.1:0/", "poll+http://127.0.0.1:0/"])(
    "while its agent waits to dial again: %s",
    async (place) => {
      const serving = async (at: string): Promise<[Fleet, string, () => Promise<void>]> => {
        const fleet = new Fleet();
        const server = await serve(at, { wire: native(), fleet, logger: false });
        cleanups.push(() => server.close({ graceMs: 0 }));
        return [fleet, server.addresses[0] ?? "", () => server.close({ graceMs: 0 })];
      };
      const [before, address, close] = await serving(place);
      const agent = program(`import { connect, native } from "convoke/node";
        await connect(${JSON.stringify(address)}, { wire: native(), name: "ann", logger: false, handlers: { up: () => "yes" } });`);
      await until(() => before.size === 1);
      await close();
      // Long enough for a process that nothing holds to have ended.
      await new Promise((resolve) => setTimeout(resolve, 300));
      const [after] = await serving(address);
      await until(() => after.size === 1);
      expect([agent.isRunning(), await after.call("ann", "up")]).toEqual([true, "yes"]);
    },
  );

  test.each([
    ["a link", `await connect("tcp://127.0.0.1:1", { lazy: true, logger: false })`],
    ["an answer where there is no socket", `await net.connect("memory:nobody", { redial: false })`],
  ])("until a call that waits for %s has had its time", async (_, client) => {
    const { ended } = program(`import { connect } from "convoke/node";
      import { testNetwork } from "convoke/testing";
      const net = testNetwork();
      await net.serve("memory:nobody", { handlers: { pay: () => new Promise(() => {}) } });
      const client = ${client};
      client.call("pay", {}, { timeoutMs: 300 }).catch(({ code }) => { console.log(code); void client.close(); });`);
    expect(await ended).toEqual([0, "deadline_exceeded\n"]);
  });

  test("no longer than somebody waits: a lazy client, one that has closed, and one that has stopped", async () => {
    const server = await serve("tcp://127.0.0.1:0", { handlers: { up: () => "yes" }, logger: false });
    cleanups.push(() => server.close({ graceMs: 0 }));
    const address = JSON.stringify(server.addresses[0]);
    const { ended } = program(`import { connect, serve } from "convoke/node";
      await connect("tcp://127.0.0.1:1", { lazy: true });
      const client = await connect(${address});
      console.log(await client.call("up"));
      await client.close();
      const once = await connect(${address}, { redial: false, logger: false });
      const [link] = once.connections;
      await link.close();
      console.log(once.state);
      const server = await serve("tcp://127.0.0.1:0", {});
      await server.close();`);
    expect(await ended).toEqual([0, "yes\nstopped\n"]);
    await connect(server.addresses[0] ?? "").then((client) => client.close());
  });
});
