import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type CloseReason, type Connection, RpcError } from "convoke";
import { command } from "convoke/command";
import { jsonrpc } from "convoke/jsonrpc";
import { type GuardOptions, type NodeServeOptions, native, pollListen, serve, wsListen } from "convoke/node";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { relayTo } from "../test/suites/relay.ts";
import { CHROMIUM, type Convoke, Site } from "./browser-site.ts";
import { isInstalled } from "./partners/installed.ts";

/** What the pages of these tests have in their global scope. */
declare global {
  var convoke: Convoke;
  var client: Awaited<ReturnType<Convoke["connect"]>>;
  /** What the page saw. */
  var seen: unknown[];
}

const found = await isInstalled(CHROMIUM);
const where = test.skipIf(!found);
const cleanups: (() => unknown)[] = [];
let browser: Browser;

beforeAll(async () => {
  if (!found) return;
  const executablePath = await whereIs(CHROMIUM);
  // As root, which CI is, Chromium has no sandbox.
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
afterAll(async () => {
  await browser?.close();
});

async function whereIs(program: string): Promise<string> {
  const child = spawn("/bin/sh", ["-c", `command -v ${program}`], { stdio: ["ignore", "pipe", "inherit"] });
  for await (const line of createInterface(child.stdout)) return line;
  throw new Error(`${program} is missing`);
}

/** The server's end. */
interface Served {
  readonly site: Site;
  /** The links that came, in their order. */
  readonly connections: Connection[];
  readonly ended: { readonly connection: Connection; readonly status: CloseReason }[];
  readonly warnings: string[];
  /** Waits for the link with this number, from 1 on. */
  link(count: number): Promise<Connection>;
}

const handlers = {
  add: ({ a, b }: { a: number; b: number }) => a + b,
  echo: (value: unknown) => value,
  refuse: () => {
    throw new RpcError("failed_precondition", "Not today", { data: { until: "tomorrow" } });
  },
  fail: () => {
    throw new Error("secret");
  },
};

async function served(options: NodeServeOptions = {}, guard: GuardOptions = {}): Promise<Served> {
  const site = await new Site().listen();
  const connections: Connection[] = [];
  const ended: Served["ended"] = [];
  const warnings: string[] = [];
  const note = (message: string): void => void warnings.push(message);
  const logger = { debug: () => {}, info: () => {}, warn: note, error: note };
  const places = [
    wsListen({ server: site.server, path: "/rpc", ...guard }),
    pollListen({ server: site.server, path: "/poll", maxHoldMs: 1000, idleMs: 2500, ...guard }),
  ];
  const server = await serve(places, {
    handlers,
    logger,
    onConnect: (connection) => void connections.push(connection),
    onDisconnect: (connection, status) => void ended.push({ connection, status }),
    ...options,
  });
  cleanups.push(async () => {
    await server.close({ graceMs: 0 });
    await site.close();
  });
  const link = (count: number): Promise<Connection> =>
    vi.waitFor(
      () => {
        const connection = connections[count - 1];
        if (connection === undefined) throw new Error(`There are ${connections.length} links`);
        return connection;
      },
      { timeout: 30_000, interval: 20 },
    );
  return { site, connections, ended, warnings, link };
}

/** A page of this origin that has loaded these entries of the library. */
async function pageOf(origin: string, load = "web"): Promise<Page> {
  const page = await browser.newPage();
  cleanups.push(() => page.close());
  await page.goto(`${origin}/?load=${load}`);
  await page.waitForFunction(() => globalThis.convoke !== undefined);
  return page;
}

/** A page whose `client` is connected over JSON-RPC. */
async function connectedPage(it: Served, place = "/rpc"): Promise<Page> {
  const page = await pageOf(it.site.origin);
  await page.evaluate(async (address) => {
    globalThis.seen = [];
    globalThis.client = await convoke.connect(address, {
      redial: { baseMs: 50, maxMs: 200 },
      ...(address.startsWith("beat") && { poll: { intervalMs: 100 } }),
      handlers: {
        title: () => document.title,
        refuse: () => {
          throw Object.assign(new Error("secret"), {});
        },
        tell: (what: unknown) => void seen.push(what),
        // Ends when its caller gives up or goes away.
        wait: (_: unknown, { signal }: { signal: AbortSignal }) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener("abort", () => {
              seen.push("cancelled");
              reject(signal.reason);
            });
          }),
      },
    });
  }, place);
  return page;
}

describe.each([
  ["WebSocket", "/rpc"],
  ["long-poll", "poll:/poll"],
  ["heartbeat", "beat:/poll"],
])("over %s", (_, place) => {
  where("a page calls a server and is called by it", async () => {
    const it = await served();
    const page = await connectedPage(it, place);
    expect(await page.evaluate(() => client.call("add", { a: 1, b: 2 }))).toBe(3);
    const connection = await it.link(1);
    expect(await connection.call("title")).toBe("A page");
    const many = await page.evaluate(() =>
      Promise.all(Array.from({ length: 1000 }, (_, n) => client.call("add", { a: n, b: 1 }))),
    );
    expect(many).toEqual(Array.from({ length: 1000 }, (_, n) => n + 1));
    const batch = await page.evaluate(() => client.batch([["add", { a: 1, b: 1 }], ["nothing"]]));
    expect(batch).toMatchObject([{ ok: true, value: 2 }, { ok: false }]);
  });

  where("notifications are pushed to a page, in their order", async () => {
    const it = await served();
    const page = await connectedPage(it, place);
    const connection = await it.link(1);
    for (let n = 0; n < 100; n++) void connection.notify("tell", { n });
    expect(await connection.call("title")).toBe("A page");
    expect(await page.evaluate(() => seen)).toEqual(Array.from({ length: 100 }, (_, n) => ({ n })));
  });

  where("errors cross both ways, and tell no more than they should", async () => {
    const it = await served();
    const page = await connectedPage(it, place);
    const errorOf = (method: string): Promise<unknown> =>
      page.evaluate(
        (name) =>
          client.call(name, {}).catch(({ name: kind, code, message, data, remote, stack }) => ({
            kind,
            code,
            message,
            data,
            remote,
            stack,
          })),
        method,
      );
    expect(await errorOf("refuse")).toMatchObject({
      kind: "RpcError",
      code: "failed_precondition",
      message: "Not today",
      data: { until: "tomorrow" },
      remote: true,
    });
    expect(await errorOf("nothing")).toMatchObject({ code: "unimplemented" });
    const failed = await errorOf("fail");
    expect(failed).toMatchObject({ code: "internal" });
    expect(JSON.stringify(failed)).not.toContain("secret");
    const connection = await it.link(1);
    await expect(connection.call("refuse")).rejects.toMatchObject({ code: "internal", message: "Internal error" });
    await expect(connection.call("constructor")).rejects.toMatchObject({ code: "unimplemented" });
  });

  where("deadlines and signals end calls at both ends", async () => {
    let cancelled = 0;
    const it = await served({
      handlers: {
        wait: (_: unknown, { signal }: { signal: AbortSignal }) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener("abort", () => {
              cancelled++;
              reject(signal.reason);
            });
          }),
      },
    });
    const page = await connectedPage(it, place);
    const codes = await page.evaluate(async () => {
      const codeOf = (call: Promise<unknown>): Promise<unknown> => call.catch(({ code }) => code);
      const attempt = new AbortController();
      const aborted = codeOf(client.call("wait", undefined, { signal: attempt.signal }));
      const late = codeOf(client.call("wait", undefined, { timeoutMs: 100 }));
      await late;
      attempt.abort();
      return [await late, await aborted];
    });
    expect(codes).toEqual(["deadline_exceeded", "cancelled"]);
    await vi.waitFor(() => expect(cancelled).toBe(2));
    const connection = await it.link(1);
    const attempt = new AbortController();
    const called = connection.call("wait", undefined, { signal: attempt.signal });
    const isCancelled = expect(called).rejects.toMatchObject({ code: "cancelled" });
    await connection.call("title");
    attempt.abort();
    await isCancelled;
    await page.waitForFunction(() => seen.includes("cancelled"));
  });

  where("the native wire carries bytes both ways, and loads no other wire", async () => {
    const it = await served({ wire: native(), handlers: { ...handlers, sum: (bytes: Uint8Array) => bytes.length } });
    const page = await pageOf(it.site.origin, "web,native");
    const sent = await page.evaluate(async (address) => {
      globalThis.client = await convoke.connect(address, {
        wire: convoke.native(),
        // Much more than the browser sends at once: the calls wait for one another.
        maxQueuedBytes: 128 << 20,
        handlers: { bytes: (length: number) => new Uint8Array(length).fill(7) },
      });
      const bytes = (await client.call("echo", Uint8Array.of(1, 2, 255))) as Uint8Array;
      const lengths = await Promise.all(Array.from({ length: 24 }, () => client.call("sum", new Uint8Array(3 << 20))));
      return { isBytes: bytes instanceof Uint8Array, bytes: [...bytes], lengths };
    }, place);
    expect(sent).toEqual({ isBytes: true, bytes: [1, 2, 255], lengths: Array(24).fill(3 << 20) });
    const connection = await it.link(1);
    expect(await connection.call("bytes", 70_000)).toEqual(new Uint8Array(70_000).fill(7));
    expect(it.site.asked).toContain("/convoke/wires/native.js");
    expect(it.site.asked).not.toContain("/convoke/wires/json-messages.js");
  });

  where("the command wire is spoken both ways", async () => {
    const it = await served({ wire: command({ prefix: "demo" }) });
    const page = await pageOf(it.site.origin, "web,command");
    const sum = await page.evaluate(async (address) => {
      globalThis.client = await convoke.connect(address, {
        wire: convoke.command({ prefix: "demo" }),
        handlers: { greet: ({ name }: { name: string }) => ({ text: `Hello ${name}` }) },
      });
      return client.call("echo", { a: 1 });
    }, place);
    expect(sum).toEqual({ a: 1 });
    expect(await (await it.link(1)).call("greet", { name: "Ann" })).toEqual({ text: "Hello Ann" });
  });

  where("a message above the page's limit costs the call that it belongs to", async () => {
    const it = await served({ handlers: { ...handlers, much: () => "x".repeat(100_000) } });
    const page = await pageOf(it.site.origin);
    const outcomes = await page.evaluate(async (address) => {
      const own = await convoke.connect(address, { maxFrameBytes: 65_536 });
      const codeOf = (call: Promise<unknown>): Promise<unknown> => call.catch(({ code }) => code);
      return Promise.all([codeOf(own.call("much")), codeOf(own.call("add", { a: 1, b: 2 }))]);
    }, place);
    expect(outcomes).toEqual(["resource_exhausted", 3]);
  });
});

describe("a page that goes away", () => {
  where(
    "by a reload ends its link: the server's handlers are cancelled, and the new page has a link of its own",
    async () => {
      const signals: AbortSignal[] = [];
      const it = await served({
        handlers: {
          ...handlers,
          wait: (_: unknown, { signal }: { signal: AbortSignal }) => {
            signals.push(signal);
            return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
          },
        },
      });
      const page = await connectedPage(it);
      await page.evaluate(() => void client.call("wait").catch(() => {}));
      await vi.waitFor(() => expect(signals.length).toBe(1));
      const first = await it.link(1);
      // It fails while the page is being loaded again.
      const lost = expect(first.call("wait")).rejects.toMatchObject({ code: "unavailable", executed: "unknown" });
      await first.call("title");
      await page.reload();
      await lost;
      expect(signals[0]?.aborted).toBe(true);
      await vi.waitFor(() => expect(it.ended.length).toBe(1));
      expect(it.ended[0]?.status.closeCode).toBe(1001);
      await page.waitForFunction(() => globalThis.convoke !== undefined);
      expect(
        await page.evaluate(async () => {
          globalThis.client = await convoke.connect("/rpc");
          return client.call("add", { a: 2, b: 2 });
        }),
      ).toBe(4);
      expect(it.connections.length).toBe(2);
    },
  );

  where("by a close of its client says so, and answers what it is still asked", async () => {
    const it = await served();
    const page = await connectedPage(it);
    await it.link(1);
    await page.evaluate(() => client.close());
    await vi.waitFor(() => expect(it.ended.length).toBe(1));
    expect(it.ended[0]?.status).toMatchObject({ closeCode: 1000 });
    expect(it.ended[0]?.status.error).toBeUndefined();
  });

  where("is missed over long-poll when it has not asked for a while", async () => {
    const it = await served();
    const page = await connectedPage(it, "poll:/poll");
    const first = await it.link(1);
    expect(await first.call("title")).toBe("A page");
    const isLost = expect(first.call("wait")).rejects.toMatchObject({ code: "unavailable", executed: "unknown" });
    await page.reload();
    await isLost;
    await vi.waitFor(() => expect(it.ended.length).toBe(1));
  });
});

describe("a network that goes away", () => {
  where("for a moment costs nothing over long-poll: the link goes on", async () => {
    const it = await served();
    const page = await connectedPage(it, "poll:/poll");
    await it.link(1);
    await it.site.vanish();
    await page.evaluate(() => {
      globalThis.seen = [];
      void client.call("add", { a: 40, b: 2 }).then((sum) => seen.push(sum));
    });
    const title = it.connections[0]?.call("title");
    await it.site.listen();
    await page.waitForFunction(() => seen.length === 1);
    expect(await page.evaluate(() => seen)).toEqual([42]);
    expect(await title).toBe("A page");
    expect(it.connections.length).toBe(1);
  });

  where("and comes back is dialled again: what was not sent is sent then, what may have run fails", async () => {
    let runs = 0;
    const it = await served({
      handlers: {
        ...handlers,
        wait: () => {
          runs++;
          return new Promise(() => {});
        },
      },
    });
    const page = await connectedPage(it);
    await page.evaluate(() => {
      globalThis.seen = [];
      void client.call("wait").catch(({ code, executed }) => seen.push({ code, executed }));
    });
    await vi.waitFor(() => expect(runs).toBe(1));
    await it.site.vanish();
    await page.waitForFunction(() => client.state === "connecting");
    expect(await page.evaluate(() => seen)).toEqual([{ code: "unavailable", executed: "unknown" }]);
    await page.evaluate(() => {
      void client.call("add", { a: 40, b: 2 }).then((sum) => seen.push(sum));
    });
    await it.site.listen();
    await page.waitForFunction(() => seen.length === 2);
    expect(await page.evaluate(() => seen[1])).toBe(42);
    expect(await (await it.link(2)).call("title")).toBe("A page");
    expect(runs).toBe(1);
  });

  where.each(["native", "jsonMessages", "command"] as const)(
    "silently is noticed on the wire %s, at both ends",
    async (name) => {
      const heartbeat = { intervalMs: 400, timeoutMs: 400 };
      const wire = { native, jsonMessages: jsonrpc, command: () => command({ prefix: "demo" }) }[name]();
      const it = await served({ wire, heartbeat }, { hosts: ["*"], origins: ["*"] });
      const relay = await relayTo(Number(new URL(it.site.origin).port));
      cleanups.push(() => relay.close());
      const page = await pageOf(it.site.origin, "web,native,jsonrpc,command");
      await page.evaluate(
        async ([url, alive, named]) => {
          const own =
            named === "command"
              ? convoke.command({ prefix: "demo" })
              : named === "native"
                ? convoke.native()
                : convoke.jsonMessages({ probe: "rpc.serverInfo" });
          globalThis.seen = [];
          globalThis.client = await convoke.connect(url, { wire: own, heartbeat: alive, redial: false });
          void client.closed.then(({ message }) => seen.push(message));
        },
        [`ws://127.0.0.1:${relay.port}/rpc`, heartbeat, name] as const,
      );
      await it.link(1);
      // Nobody calls: what comes are signs of life, and the link lives by them.
      await page.waitForFunction(() => client.stats().reads >= 5);
      expect(await page.evaluate(() => client.state)).toBe("open");
      relay.freeze();
      await page.waitForFunction(() => client.state === "stopped");
      expect(String((await page.evaluate(() => seen)).at(-1))).toMatch(/has been silent for \d+ ms/);
      await vi.waitFor(() => expect(it.ended.length).toBe(1), { timeout: 10_000 });
    },
  );

  where("is named in the error, where the browser knows of it", async () => {
    const it = await served();
    const page = await pageOf(it.site.origin);
    await page.evaluate(() => convoke.connect("/rpc").then((own) => own.close()));
    await page.context().setOffline(true);
    const error = await page.evaluate(() =>
      convoke.connect("ws://127.0.0.1:1/rpc", { redial: false }).catch(({ code, message }) => ({ code, message })),
    );
    expect(error).toEqual({
      code: "unavailable",
      message: "Cannot connect to ws://127.0.0.1:1/rpc: this machine is offline",
    });
  });
});

describe("several addresses", () => {
  where("are tried in their order, and the client says which one it is", async () => {
    const it = await served();
    const page = await pageOf(it.site.origin);
    const { address, sum } = await page.evaluate(async () => {
      const own = await convoke.connect(["ws://127.0.0.1:1/rpc", "/nothing", "poll:/poll"]);
      return { address: own.address, sum: await own.call("add", { a: 1, b: 2 }) };
    });
    expect(address).toBe(`poll+${it.site.origin}/poll`);
    expect(sum).toBe(3);
    const error = await page.evaluate(() =>
      convoke.connect(["ws://127.0.0.1:1/rpc", "/nothing"]).catch(({ code, message }) => ({ code, message })),
    );
    expect(error).toMatchObject({ code: "unavailable", message: expect.stringContaining("None of the 2 addresses") });
  });

  where("are climbed again when a better one works: the page moves over and loses no call", async () => {
    const it = await served();
    const later = await new Site().listen();
    cleanups.push(() => later.close());
    await later.vanish();
    const page = await pageOf(it.site.origin);
    await page.evaluate(
      async (better) => {
        globalThis.client = await convoke.connect([better, "poll:/poll"], {
          ladder: { retryBetterMs: 200, maxRetryBetterMs: 200 },
        });
      },
      `${later.origin.replace("http", "ws")}/rpc`,
    );
    expect(await page.evaluate(() => client.address)).toMatch(/^poll\+http:/);
    const calls = page.evaluate(async () => {
      const sums: unknown[] = [];
      while (!client.address?.startsWith("ws:")) sums.push(await client.call("add", { a: sums.length, b: 1 }));
      return sums.every((sum, at) => sum === at + 1);
    });
    const upper = await serve(wsListen({ server: later.server, path: "/rpc", origins: [it.site.origin] }), {
      handlers,
    });
    cleanups.push(() => upper.close({ graceMs: 0 }));
    await later.listen();
    expect(await calls).toBe(true);
    expect(await page.evaluate(() => client.call("add", { a: 1, b: 2 }))).toBe(3);
  });
});

where("a dedicated worker is an end of its own", async () => {
  const it = await served();
  const page = await pageOf(it.site.origin);
  await page.evaluate(() => {
    globalThis.seen = [];
    const worker = new Worker("/worker.js", { type: "module", name: "clerk" });
    worker.onmessage = ({ data }) => void seen.push(data);
    Object.assign(globalThis, { worker });
  });
  await page.waitForFunction(() => seen.length === 1);
  expect(await page.evaluate(() => seen)).toEqual([42]);
  expect(await (await it.link(1)).call("where")).toEqual({ inWorker: true, name: "clerk" });
  await page.evaluate(() => (globalThis as unknown as { worker: Worker }).worker.postMessage("close"));
  await page.waitForFunction(() => seen.includes("closed"));
  await vi.waitFor(() => expect(it.ended.length).toBe(1));
});

where(
  "a page of another origin is refused: it learns that it may not be allowed, and the server's log says why",
  async () => {
    const it = await served();
    const other = await new Site().listen();
    cleanups.push(() => other.close());
    const page = await pageOf(other.origin);
    const url = `${it.site.origin.replace("http", "ws")}/rpc`;
    const error = await page.evaluate(
      (to) =>
        convoke.connect(to, { redial: false }).catch(({ code, message, executed }) => ({ code, message, executed })),
      url,
    );
    expect(error).toMatchObject({ code: "unavailable", executed: "no" });
    expect((error as { message: string }).message).toContain(`pages of ${other.origin} may not`);
    expect(it.warnings.join("\n")).toContain(
      `The origin "${other.origin}" is not allowed here: list it in the option origins`,
    );
    expect(it.connections).toEqual([]);
  },
);

describe("the example page", () => {
  let folder: string;
  let example: ChildProcess;
  let url: string;
  beforeAll(async () => {
    if (!found) return;
    folder = await mkdtemp(join(tmpdir(), "convoke-page-"));
    const script = fileURLToPath(new URL("../examples/page.js", import.meta.url));
    example = spawn(process.execPath, [script, "0"], { stdio: ["ignore", "pipe", "inherit"] });
    for await (const line of createInterface(example.stdout as NodeJS.ReadableStream)) {
      url = /http:\S+/.exec(line)?.[0] ?? "";
      break;
    }
  });
  afterAll(async () => {
    if (!found) return;
    const exited = once(example, "exit");
    example.kill("SIGINT");
    await exited;
    if (process.env["KEEP_SCREENSHOTS"] === undefined) await rm(folder, { recursive: true });
    else console.log(`Screenshots are in ${folder}`);
  });

  where.each(["light", "dark"] as const)(
    "shows what it called and what it was called for, in %s",
    async (colorScheme) => {
      const page = await browser.newPage({ colorScheme, viewport: { width: 1240, height: 760 } });
      cleanups.push(() => page.close());
      const problems: string[] = [];
      const hosts = new Set<string>();
      page.on("console", (message) => problems.push(message.text()));
      page.on("pageerror", (error) => problems.push(error.message));
      page.on("request", (request) => hosts.add(new URL(request.url()).origin));
      await page.goto(url);
      await page.waitForSelector('#state[data-state="open"]');
      await page.click("text=Call math.add");
      await page.waitForSelector("#made .answered >> text=42");
      await page.click("#call-me-back");
      await page.waitForSelector("#made .answered >> text=blinked 3");
      await page.click("#unknown");
      await page.waitForSelector("#made .failed >> text=unimplemented");
      await page.waitForSelector("#got .answered >> text=width");
      await page.click("#countdown");
      await page.waitForSelector("#got .noted");
      const path = join(folder, `${colorScheme}.png`);
      await page.screenshot({ path });
      expect((await stat(path)).size).toBeGreaterThan(10_000);
      await page.click("#hang-up");
      await page.waitForFunction(() => document.getElementById("links")?.textContent === "2");
      await page.waitForSelector('#state[data-state="open"]');
      expect(problems).toEqual([]);
      expect([...hosts].filter((each) => each !== new URL(url).origin && each !== "null")).toEqual([]);
      const isOneScreen = await page.evaluate(() => document.documentElement.scrollHeight <= innerHeight);
      expect(isOneScreen).toBe(true);
    },
  );
});
