import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { WebSocket as WsSocket } from "ws";
import type { Dialer } from "../src/core/wire.ts";
import { native, serve } from "../src/node.ts";
import { webSocketDialer } from "../src/transports/web/ws-dialer.ts";
import { connect, type WebConnectOptions } from "../src/web.ts";
import { jsonMessages } from "../src/wires/json-messages.ts";

const cleanups: (() => Promise<void>)[] = [];

/** What a browser has; the class of `ws` ends the process at an error that nobody listens to. */
class PageSocket extends WsSocket {
  constructor(url: string, protocols: string[]) {
    super(url, protocols, { perMessageDeflate: false });
    this.on("error", () => {});
  }
}

beforeEach(() => {
  vi.stubGlobal("WebSocket", PageSocket);
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  vi.unstubAllGlobals();
});

async function serving(options: Parameters<typeof serve>[1] = {}): Promise<URL> {
  const handlers = { add: ({ a, b }: { a: number; b: number }) => a + b };
  const server = await serve("ws://127.0.0.1:0/rpc", { handlers, logger: false, ...options });
  cleanups.push(() => server.close({ graceMs: 0 }));
  return new URL(server.addresses[0] ?? "");
}

type Place = Parameters<typeof connect>[0];

async function sumAt(place: Place, options: WebConnectOptions = {}): Promise<unknown> {
  const client = await connect(place, { logger: false, ...options });
  cleanups.push(() => client.close({ graceMs: 0 }));
  return client.call("add", { a: 1, b: 2 });
}

describe("connect", () => {
  test("speaks JSON-RPC unless it is told another wire", async () => {
    const url = await serving();
    expect(await sumAt(url)).toBe(3);
    expect(await sumAt(url.href, { wire: jsonMessages() })).toBe(3);
    expect(await sumAt(await serving({ wire: native() }), { wire: native() })).toBe(3);
  });

  test("takes an address of the page's own server", async () => {
    const url = await serving();
    vi.stubGlobal("location", { href: `http://${url.host}/index.html` });
    expect(await sumAt("/rpc")).toBe(3);
    expect(await sumAt("rpc")).toBe(3);
  });

  test("takes a dialer", async () => {
    const dial: Dialer = webSocketDialer({ url: await serving() });
    expect(await sumAt(dial)).toBe(3);
  });

  test("takes several addresses, and names the one that worked without its query", async () => {
    const url = await serving();
    const client = await connect(["ws://127.0.0.1:1/", `${url.href}?x=1`], { logger: false });
    cleanups.push(() => client.close({ graceMs: 0 }));
    expect(client.address).toBe(url.href);
  });

  test("takes addresses of long-poll, and refuses their wrong options at once", async () => {
    await expect(connect("poll+http://127.0.0.1:1/", { logger: false })).rejects.toMatchObject({ code: "unavailable" });
    await expect(connect("beat+http://127.0.0.1:1/", { poll: { intervalMs: 0 } })).rejects.toThrow(RangeError);
    await expect(connect("poll+ws://127.0.0.1:1/")).rejects.toThrow(TypeError);
  });

  test("offers the subprotocols that it is given", async () => {
    const url = await serving({ ws: { protocols: ["v2"] } });
    expect(await sumAt(url, { ws: { protocols: ["v3", "v2"] } })).toBe(3);
    await expect(sumAt(url, { ws: { protocols: ["v3"] }, redial: false })).rejects.toMatchObject({
      code: "unavailable",
    });
  });

  test.each(["http://127.0.0.1:1/", "tcp://127.0.0.1:1", "/rpc", "ws://ann:pw@127.0.0.1:1/"])(
    "refuses %s",
    async (address) => {
      await expect(connect(address)).rejects.toThrow(TypeError);
    },
  );

  test("fails where nobody listens, and does not dial on", async () => {
    await expect(connect("ws://127.0.0.1:1/", { logger: false })).rejects.toMatchObject({
      code: "unavailable",
      executed: "no",
      message: expect.stringContaining("Cannot connect to ws://127.0.0.1:1/: nobody listens there"),
    });
  });
});
