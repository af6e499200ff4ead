import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Connection } from "../src/index.ts";
import { native, serve } from "../src/node.ts";
import { deferred } from "./suites/support.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Long enough for a process that nothing holds to have ended. */
const LONG_MS = 700;

describe("a process lives as long as its link of heartbeats, and no longer", () => {
  test.each([
    ["node", "{ intervalMs: 200 }"],
    ["node", "{ intervalMs: 200, fetch }"],
    ["web", "{ intervalMs: 200 }"],
  ])("convoke/%s, %s", async (entry, poll) => {
    const met = deferred<Connection>();
    const onConnect = (connection: Connection): void => met.resolve(connection);
    const server = await serve("beat+http://127.0.0.1:0/", { wire: native(), logger: false, onConnect });
    onTestFinished(() => server.close({ graceMs: 0 }));
    const program = `import { connect } from "convoke/${entry}";
      import { native } from "convoke/native";
      const handlers = { up: () => "yes", end: () => setTimeout(() => client.close()) && "bye" };
      const address = ${JSON.stringify(server.addresses[0])};
      const client = await connect(address, { wire: native(), handlers, logger: false, poll: ${poll} });`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], { cwd: ROOT, stdio: "inherit" });
    onTestFinished(() => void child.kill("SIGKILL"));
    const ended = once(child, "close");
    const agent = await met.promise;
    await new Promise((resolve) => setTimeout(resolve, LONG_MS));
    expect(child.exitCode).toBe(null);
    expect(await agent.call("up")).toBe("yes");
    expect(await agent.call("end")).toBe("bye");
    expect(await ended).toEqual([0, null]);
  });
});
