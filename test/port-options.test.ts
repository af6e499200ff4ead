/* What a port with several wires cannot do with an option, it says at once. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { token } from "../src/auth.ts";
import { command } from "../src/command.ts";
import { jsonrpc } from "../src/jsonrpc.ts";
import { connect, grpc, http, native, type PortService, poll, serve, webSocket } from "../src/node.ts";
import { coordinatorJson } from "./codecs/coordinator-json.ts";
import { gorpcJson } from "./codecs/gorpc-json.ts";
import { makeCertificates } from "./suites/certificates.ts";

const TCP = "tcp://127.0.0.1:0";
const folder = mkdtempSync(join(tmpdir(), "convoke-port-"));
const made = makeCertificates();

afterAll(() => rmSync(folder, { recursive: true }));

test("tls where all ports are Unix sockets is refused: they have none", async () => {
  const unix = `unix:${join(folder, "a.sock")}`;
  const tls = { cert: "no certificate", key: "no key", ca: "no ca" };
  const attempt = serve(unix, { wires: [native()], tls });
  await expect(attempt).rejects.toThrow(TypeError);
  await expect(attempt).rejects.toThrow(
    "The option tls belongs to a port tcp:// or tls://: a Unix socket has no TLS, and lets in whom its file lets in",
  );
});

test.skipIf(made === undefined)(
  "tls is for the ports that have it, and a Unix socket may stand beside them",
  async () => {
    const unix = `unix:${join(folder, "b.sock")}`;
    const server = await serve([TCP, unix], { wires: [native()], tls: made?.server, handlers: {}, logger: false });
    await server.close();
  },
);

test.each<[string, PortService, string]>([
  [
    "http()",
    http({ path: "/rpc" }),
    "HTTP at /rpc has no room for an authenticator: use http({ identify }) or webSocket()",
  ],
  ["webSocket()", webSocket({ wire: gorpcJson() }), "WebSocket at / has no room for an authenticator: use "],
  ["poll()", poll({ wire: gorpcJson() }), "long-poll at / has no room for an authenticator: use "],
  ["grpc()", grpc({ wire: coordinatorJson(["m"]) }), "gRPC has no room for an authenticator: use "],
])("an authenticator beside a %s that has no room for it is refused", async (_, service, message) => {
  const attempt = serve(TCP, { wires: [jsonrpc(), service], authenticator: token({ authorize: { t: "ann" } }) });
  await expect(attempt).rejects.toThrow(TypeError);
  await expect(attempt).rejects.toThrow(message);
});

test("an authenticator stands before all that has room for it", async () => {
  const authenticator = token({ token: "t", authorize: { t: "ann" } });
  const services = [webSocket(), poll({ path: "/poll" }), webSocket({ path: "/c", wire: command({ prefix: "p" }) })];
  const server = await serve(TCP, { wires: [jsonrpc(), ...services], authenticator, handlers: {}, logger: false });
  const url = (server.addresses[0] ?? "").replace("tcp", "ws");
  const client = await connect(url, { authenticator });
  await client.close();
  await expect(connect(url, { authenticator: token({ token: "x" }), redial: false })).rejects.toMatchObject({
    code: "unauthenticated",
  });
  await server.close();
});
