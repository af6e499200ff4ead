import net from "node:net";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { http, serve } from "../src/node.ts";
import { until } from "./suites/support.ts";

const SIZE = 8 << 20;
const BODY = '{"jsonrpc":"2.0","id":1,"method":"big"}';
const OPTIONS = { handlers: { big: () => "x".repeat(SIZE) }, logger: false, maxFrameBytes: SIZE * 2 } as const;

/** Asks for much, and reads nothing of it before it is told to. */
function slowReader(port: number): net.Socket {
  const socket = net.connect(port, "127.0.0.1").pause();
  onTestFinished(() => void socket.destroy());
  const head = [
    "POST /rpc HTTP/1.1",
    `Host: 127.0.0.1:${port}`,
    "Content-Type: application/json",
    `Content-Length: ${BODY.length}`,
  ];
  socket.write(`${head.join("\r\n")}\r\n\r\n${BODY}`);
  return socket;
}

test.each([
  ["http://127.0.0.1:0/rpc", {}],
  ["tcp://127.0.0.1:0", { wires: [http({ path: "/rpc" })] }],
])("a server that closes lets an answer leave that is read slowly: %s", async (place, spoken) => {
  const server = await serve(place, { ...OPTIONS, ...spoken });
  const port = Number(new URL(server.addresses[0] ?? "").port);
  // Nobody waits for a connection that asks for nothing.
  const idle = net.connect(port, "127.0.0.1");
  onTestFinished(() => void idle.destroy());
  const socket = slowReader(port);
  await until(() => server.stats().served === 1);
  let isClosed = false;
  const closing = server.close().then(() => {
    isClosed = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(isClosed).toBe(false);
  const answer = await text(socket);
  expect([answer.length > SIZE, answer.endsWith('"}')]).toEqual([true, true]);
  await closing;
});

test("an answer that nobody reads is waited for as long as the close may take", async () => {
  const server = await serve("http://127.0.0.1:0/rpc", OPTIONS);
  slowReader(Number(new URL(server.addresses[0] ?? "").port));
  await until(() => server.stats().served === 1);
  const began = performance.now();
  await server.close({ graceMs: 200 });
  expect(performance.now() - began).toBeGreaterThan(150);
});
