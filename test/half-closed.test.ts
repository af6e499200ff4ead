import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { CallContext, ClientState } from "../src/index.ts";
import { connect, serve } from "../src/node.ts";
import { until } from "./suites/support.ts";

describe("an end whose other side says no more", () => {
  test("dials again at once, also while a handler of its own still runs for that side", async () => {
    let links = 0;
    const server = net.createServer({ allowHalfOpen: true }, (socket) => {
      const link = ++links;
      if (link === 1) socket.end('{"jsonrpc":"2.0","id":1,"method":"confirm"}\n');
      socket.on("error", () => {});
      socket.on("data", (bytes) => {
        const { id } = JSON.parse(String(bytes)) as { readonly id: number };
        socket.write(`{"jsonrpc":"2.0","id":${id},"result":"on link ${link}"}\n`);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as net.AddressInfo;
    const client = await connect(`tcp://127.0.0.1:${port}`, {
      redial: { baseMs: 10 },
      logger: false,
      handlers: { confirm: () => new Promise(() => {}) },
    });
    onTestFinished(async () => {
      await client.close({ graceMs: 0 });
      server.close();
    });
    await until(() => links === 2);
    expect(await client.call("hi")).toBe("on link 2");
  });

  test("learns that it has gone for good: the handlers that run for it are told", async () => {
    const folder = await mkdtemp(join(tmpdir(), "convoke-half-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    let running = 0;
    const codes: unknown[] = [];
    const server = await serve(`unix:${join(folder, "app.sock")}`, {
      logger: false,
      handlers: {
        watch: (_: unknown, { signal }: CallContext) => {
          running++;
          return new Promise((resolve) => {
            signal.addEventListener("abort", () => {
              codes.push((signal.reason as { readonly code: string }).code);
              resolve(null);
            });
          });
        },
      },
    });
    onTestFinished(() => server.close({ graceMs: 0 }));
    const socket = join(folder, "app.sock");
    const call = '{"jsonrpc":"2.0","id":1,"method":"watch"}\n';
    const code = `const socket = require("net").connect(${JSON.stringify(socket)}); socket.write(${JSON.stringify(call)}); socket.resume()`;
    const caller = spawn(process.execPath, ["-e", code]);
    await until(() => running === 1);
    caller.kill("SIGKILL");
    await until(() => codes.length === 1);
    expect(codes).toEqual(["unavailable"]);
    await until(() => server.connections.length === 0);
  });
});

describe("a program that was started", () => {
  test.each([
    ["ends its output", "process.stdout.end()"],
    ["breaks the rules of its wire", 'process.stdout.write("Content-Length: x\\r\\n\\r\\n")'],
    ["exits", "process.exit(1)"],
  ])("is never started again when it %s", async (_, action) => {
    const { lsp } = await import("../src/jsonrpc.ts");
    const states: ClientState[] = [];
    const client = await connect(
      `exec:"${process.execPath}" -e 'setTimeout(() => {${action}}, 200); process.stdin.resume()'`,
      {
        wire: lsp(),
        redial: { baseMs: 1 },
        logger: false,
        onState: (state) => states.push(state),
      },
    );
    onTestFinished(() => client.close({ graceMs: 0 }));
    expect((await client.closed).redialAfterMs).toBe(Number.POSITIVE_INFINITY);
    expect(states).toEqual(["open", "stopped"]);
    await expect(client.call("hi")).rejects.toMatchObject({ code: "unavailable" });
  });
});
