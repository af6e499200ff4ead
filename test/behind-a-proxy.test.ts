import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import type { CallContext } from "../src/index.ts";
import { connect, serve } from "../src/node.ts";
import type { Server } from "../src/server/server.ts";
import { deferred, until } from "./suites/support.ts";

/** A proxy that keeps connections to its server, takes bodies up to a size, and waits for an answer only so long. */
async function proxyTo(
  server: Server,
  { maxBytes = Number.POSITIVE_INFINITY, maxMs = 30_000 }: { maxBytes?: number; maxMs?: number },
): Promise<string> {
  const agent = new http.Agent({ keepAlive: true });
  const { port } = new URL(server.addresses[0]?.replace(/^poll\+/, "") ?? "");
  const proxy = http.createServer((request, response) => {
    const refuse = (status: number): void =>
      void response.writeHead(status, { "content-type": "text/html" }).end("<p>");
    if (Number(request.headers["content-length"]) > maxBytes) {
      request.resume();
      return refuse(413);
    }
    const { method, url: path, headers } = request;
    const passed = http.request({ agent, host: "127.0.0.1", port, method, path, headers, timeout: maxMs }, (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(response);
    });
    passed.on("timeout", () => {
      refuse(504);
      passed.destroy();
    });
    passed.on("error", () => response.headersSent || refuse(502));
    response.on("close", () => passed.destroy());
    request.pipe(passed);
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  onTestFinished(() => {
    agent.destroy();
    proxy.closeAllConnections();
    proxy.close();
  });
  return `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
}

async function serving(address: string, handlers: object): Promise<Server> {
  const kind = address.startsWith("poll") ? "poll" : "http";
  const server = await serve(address, { handlers, logger: false, [kind]: { hosts: ["*"] } });
  onTestFinished(() => server.close({ graceMs: 0 }));
  return server;
}

test.each([false, true])(
  "poll+http: a message that is too large costs its call alone, idempotent %s",
  async (idempotent) => {
    const server = await serving("poll+http://127.0.0.1:0/rpc", { size: ([text]: [string]) => text.length });
    const host = await proxyTo(server, { maxBytes: 100_000 });
    let lost = 0;
    const onDisconnect = (): void => void lost++;
    const client = await connect(`poll+http://${host}/rpc`, { logger: false, onDisconnect });
    onTestFinished(() => client.close({ graceMs: 0 }));
    const sizes = [10, 150_000, 60_000, 60_000, 20];
    const calls = sizes.map((size) => client.call("size", ["x".repeat(size)], { idempotent }));
    const outcomes = await Promise.allSettled(calls);
    expect(
      outcomes.map((each) => (each.status === "fulfilled" ? "ok" : (each.reason as { executed: string }).executed)),
    ).toEqual(["ok", "no", "ok", "ok", "ok"]);
    expect(lost).toBe(0);
  },
);

test("http: a call that takes too long for a proxy costs nobody else's", async () => {
  const [begun, gate] = [deferred(), deferred()];
  const aborted: string[] = [];
  const server = await serving("http://127.0.0.1:0/rpc", {
    work: async ([name]: [string], { signal }: CallContext) => {
      signal.addEventListener("abort", () => aborted.push(name));
      begun.resolve();
      await (name === "slow" ? new Promise(() => {}) : gate.promise);
      return name;
    },
  });
  const host = await proxyTo(server, { maxMs: 500 });
  const client = await connect(`http://${host}/rpc`, { logger: false });
  onTestFinished(() => client.close({ graceMs: 0 }));
  const slow = client.call("work", ["slow"]).catch((thrown: unknown) => thrown);
  await begun.promise;
  await new Promise((resolve) => setTimeout(resolve, 300));
  const quick = client.call("work", ["quick"]);
  await until(() => aborted.length > 0);
  gate.resolve();
  expect(await quick).toBe("quick");
  expect(await slow).toMatchObject({ code: "unavailable", executed: "unknown" });
  expect(aborted).toEqual(["slow"]);
});
