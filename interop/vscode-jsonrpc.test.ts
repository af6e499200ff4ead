import { spawn } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import { fileURLToPath } from "node:url";
import { type CallContext, RpcError } from "convoke";
import { lsp } from "convoke/jsonrpc";
import { connect, serve } from "convoke/node";
import { afterEach, describe, expect, test } from "vitest";
import rpc, { type MessageConnection } from "vscode-jsonrpc/node";
import { handlers } from "./handlers.js";
import { vscodePeer } from "./partners/vscode-peer.js";

const PARTNER = fileURLToPath(new URL("./partners/vscode-peer.js", import.meta.url));
const HANDLERS = fileURLToPath(new URL("./handlers.js", import.meta.url));
const COMMAND = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));

/** LSP's code for a request that its caller gave up. */
const REQUEST_CANCELLED = -32800;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** An address where a vscode-jsonrpc peer answers. */
async function vscodeServer(): Promise<string> {
  const server = net.createServer((socket) => {
    const peer = vscodePeer(socket, socket);
    cleanups.push(
      () => peer.dispose(),
      () => socket.destroy(),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => server.close());
  return `tcp://127.0.0.1:${(server.address() as net.AddressInfo).port}`;
}

/** A vscode-jsonrpc peer that has dialled our server. */
async function vscodeClient(): Promise<MessageConnection> {
  const server = await serve("tcp://127.0.0.1:0", { wire: lsp(), handlers });
  cleanups.push(() => server.close({ graceMs: 0 }));
  const socket = net.connect(Number(new URL(server.addresses[0] ?? "").port), "127.0.0.1");
  await once(socket, "connect");
  const peer = vscodePeer(socket, socket);
  cleanups.push(
    () => socket.destroy(),
    () => peer.dispose(),
  );
  return peer;
}

/** A vscode-jsonrpc peer on the stdio of our command. */
function vscodeOverStdio(): MessageConnection {
  const child = spawn(process.execPath, [COMMAND, "serve", HANDLERS, "--listen", "stdio:", "--wire", "lsp"], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  const peer = vscodePeer(child.stdout, child.stdin);
  cleanups.push(async () => {
    peer.dispose();
    child.stdin.end();
    if (child.exitCode === null) await once(child, "exit");
    expect(child.exitCode).toBe(0);
  });
  return peer;
}

describe.each([
  ["over TCP", vscodeServer],
  ["over stdio", async () => `exec:${process.execPath} ${PARTNER}`],
])("our client and a vscode-jsonrpc server %s", (_, address) => {
  const dial = async (extra: object = {}) => {
    const client = await connect(await address(), {
      wire: lsp(),
      handlers: { answer: ({ question }: { question: string }) => `${question} yes`, ...extra },
    });
    cleanups.push(() => client.close());
    return client;
  };

  test("requests, by name and by position, and their errors", async () => {
    const client = await dial();
    expect(await client.call("add", { a: 2, b: 3 })).toBe(5);
    expect(await client.call("subtract", [7, 2])).toBe(5);
    const many = Array.from({ length: 200 }, (__, n) => client.call("add", { a: n, b: 1 }));
    expect(await Promise.all(many)).toEqual(Array.from({ length: 200 }, (__, n) => n + 1));
    const error = await client.call("fail", { code: -31999 }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ wireCode: -31999, message: "failed as asked", data: { code: -31999 }, remote: true });
    await expect(client.call("nope")).rejects.toMatchObject({ code: "unimplemented", wireCode: -32601 });
  });

  test("notifications both ways, in order", async () => {
    const echoed: unknown[] = [];
    const client = await dial({ echoed: (params: unknown) => void echoed.push(params) });
    for (const line of ["a", "b", "c"]) await client.notify("log", { line });
    await client.notify("echo", { n: 1 });
    expect(await client.call("takeLog")).toEqual(["a", "b", "c"]);
    expect(echoed).toEqual([{ n: 1 }]);
  });

  test("the server calls back while it serves", async () => {
    const client = await dial();
    expect(await client.call("ask", { question: "sure?" })).toBe("sure? yes");
  });

  test("our cancellation reaches the server, and the server's reaches us", async () => {
    const stopped: string[] = [];
    const slow = (__: unknown, { signal }: CallContext) =>
      new Promise((___, reject) => {
        signal.addEventListener("abort", () => {
          stopped.push("ours");
          reject(signal.reason);
        });
      });
    const client = await dial({ slow, add: ({ a, b }: { a: number; b: number }) => a + b });
    const controller = new AbortController();
    const waiting = client.call("slow", {}, { signal: controller.signal });
    await client.call("add", { a: 1, b: 1 });
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: "cancelled", executed: "unknown" });
    expect(await client.call("cancelMine")).toMatchObject({ code: REQUEST_CANCELLED });
    expect(stopped).toEqual(["ours"]);
  });
});

describe.each([
  ["over TCP", vscodeClient],
  ["over stdio", async () => vscodeOverStdio()],
])("a vscode-jsonrpc client and our server %s", (_, open) => {
  test("requests, by name and by position, and their errors", async () => {
    const peer = await open();
    expect(await peer.sendRequest("add", { a: 2, b: 3 })).toBe(5);
    expect(await peer.sendRequest("subtract", 7, 2)).toBe(5);
    const many = Array.from({ length: 200 }, (__, n) => peer.sendRequest("add", { a: n, b: 1 }));
    expect(await Promise.all(many)).toEqual(Array.from({ length: 200 }, (__, n) => n + 1));
    await expect(peer.sendRequest("fail", { code: -31999 })).rejects.toMatchObject({
      code: -31999,
      data: { code: -31999 },
    });
    await expect(peer.sendRequest("nope")).rejects.toMatchObject({ code: -32601 });
  });

  test("notifications both ways, in order", async () => {
    const peer = await open();
    const echoed = new Promise((resolve) => peer.onNotification("echoed", resolve));
    for (const line of ["a", "b", "c"]) await peer.sendNotification("log", { line });
    await peer.sendNotification("echo", { n: 1 });
    expect(await peer.sendRequest("takeLog")).toEqual(["a", "b", "c"]);
    expect(await echoed).toEqual({ n: 1 });
  });

  test("our server calls back while it serves", async () => {
    const peer = await open();
    peer.onRequest("answer", ({ question }: { question: string }) => `${question} yes`);
    expect(await peer.sendRequest("ask", { question: "sure?" })).toBe("sure? yes");
  });

  test("its cancellation reaches our handler", async () => {
    const peer = await open();
    const source = new rpc.CancellationTokenSource();
    const waiting = peer.sendRequest("slow", {}, source.token);
    await peer.sendRequest("add", { a: 1, b: 1 });
    source.cancel();
    expect(await waiting).toBe("stopped");
  });
});

test("an error of ours is an RpcError and an error of theirs keeps its number", async () => {
  const client = await connect(await vscodeServer(), { wire: lsp() });
  cleanups.push(() => client.close());
  const error = await client.call("fail", { code: 4711 }).catch((thrown: unknown) => thrown);
  expect(RpcError.is(error) && error.wireCode).toBe(4711);
});
