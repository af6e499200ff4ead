import { afterEach, describe, expect, test } from "vitest";
import { token } from "../src/auth.ts";
import { connect, type NodeConnectOptions, type NodeServeOptions, native, serve } from "../src/node.ts";
import { type Certificates, makeCertificates } from "./suites/certificates.ts";

const made = makeCertificates();
const certificates = made as Certificates;

const handlers = {
  add: ({ a, b }: { a: number; b: number }) => a + b,
};

const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serving(addresses: string | string[], options: NodeServeOptions = {}): Promise<readonly string[]> {
  const server = await serve(addresses, { handlers, logger: false, ...options });
  cleanups.push(() => server.close({ graceMs: 0 }));
  return server.addresses;
}

async function sumAt(address: string, options: NodeConnectOptions = {}): Promise<unknown> {
  const client = await connect(address, options);
  cleanups.push(() => client.close());
  return client.call("add", { a: 1, b: 2 });
}

describe("addresses of the web", () => {
  test.each(["ws", "http"])("%s:// is served at its path and called there", async (scheme) => {
    const [address = ""] = await serving(`${scheme}://127.0.0.1:0/rpc`);
    expect(address).toMatch(new RegExp(`^${scheme}://127\\.0\\.0\\.1:\\d+/rpc$`));
    expect(await sumAt(address)).toBe(3);
    await expect(sumAt(address.replace("/rpc", "/other"), { redial: false })).rejects.toMatchObject({
      message: expect.stringMatching(/404|nothing at this path/),
    });
  });

  test.skipIf(made === undefined).each(["wss", "https"])(
    "%s:// is served with the certificate that tls has",
    async (scheme) => {
      const { ca, server } = certificates;
      const [address = ""] = await serving(`${scheme}://127.0.0.1:0/`, { tls: server });
      expect(await sumAt(address, { tls: { ca } })).toBe(3);
      await expect(sumAt(address, { redial: false })).rejects.toThrow(/certificate/);
    },
  );

  test("those with the same host and port share one server", async () => {
    const port = new URL((await serving("http://127.0.0.1:0/"))[0] ?? "").port;
    await cleanups.pop()?.();
    const addresses = await serving(
      ["a", "b"].map((path) => `ws://127.0.0.1:${port}/${path}`).concat(`http://127.0.0.1:${port}/rpc`),
    );
    expect(addresses).toEqual([`ws://127.0.0.1:${port}/a`, `ws://127.0.0.1:${port}/b`, `http://127.0.0.1:${port}/rpc`]);
    for (const address of addresses) expect(await sumAt(address)).toBe(3);
  });

  test("WebSocket carries the native wire, too, and HTTP does not", async () => {
    const [address = ""] = await serving("ws://127.0.0.1:0/", { wire: native() });
    expect(await sumAt(address, { wire: native() })).toBe(3);
    await expect(serving("http://127.0.0.1:0/", { wire: native() })).rejects.toThrow("carries JSON-RPC only");
    await expect(sumAt("http://127.0.0.1:1/", { wire: native() })).rejects.toThrow("carries JSON-RPC only");
  });

  test.each<[NodeServeOptions, string]>([
    [{ ws: {} }, "The option ws belongs to an address ws:// or wss://, not to one of the kind tcp"],
    [{ http: {} }, "The option http belongs to an address http:// or https://, not to one of the kind tcp"],
    [{ grpc: {} }, "The option grpc belongs to an address grpc:// or grpcs://, not to one of the kind tcp"],
  ])("an option that no address has is refused: %j", async (options, message) => {
    await expect(serving("tcp://127.0.0.1:0", options)).rejects.toThrow(message);
    await expect(connect("tcp://127.0.0.1:1", options as NodeConnectOptions)).rejects.toThrow(message);
  });

  test("HTTP has no room for an authenticator, and says what it has", async () => {
    const authenticator = token({ token: "x", authorize: { x: "ann" } });
    const message = /http:\/\/ has no room for an authenticator: .*http\.identify/;
    await expect(serving("http://127.0.0.1:0/", { authenticator })).rejects.toThrow(message);
    await expect(sumAt("http://127.0.0.1:1/", { authenticator })).rejects.toThrow(message);
  });

  test("the guard's options reach it", async () => {
    const [address = ""] = await serving("http://127.0.0.1:0/", { http: { origins: ["https://app.example.org"] } });
    const post = async (origin: string): Promise<number> => {
      const body = '{"jsonrpc":"2.0","id":1,"method":"add","params":{"a":1,"b":2}}';
      const headers = { origin, "content-type": "application/json" };
      return (await fetch(address, { method: "POST", body, headers })).status;
    };
    expect(await post("https://app.example.org")).toBe(200);
    expect(await post("https://other.example.org")).toBe(403);
  });
});
