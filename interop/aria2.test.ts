import { once } from "node:events";
import { readFile } from "node:fs/promises";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { connect, type NodeConnectOptions } from "convoke/node";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { type Aria2, startAria2 } from "./partners/aria2.ts";
import { isInstalled } from "./partners/installed.ts";

interface Status {
  readonly gid: string;
  readonly status: string;
  readonly completedLength: string;
}

const CONTENT = Buffer.alloc(300_000, "all of it\n");

const found = await isInstalled("aria2c");
const cleanups: (() => unknown)[] = [];
let aria2: Aria2;
/** Has the file, for aria2 to download. */
let origin: string;
const files = http.createServer((_, response) => void response.end(CONTENT));
beforeAll(async () => {
  if (!found) return;
  aria2 = await startAria2();
  files.listen(0, "127.0.0.1");
  await once(files, "listening");
  origin = `http://127.0.0.1:${(files.address() as AddressInfo).port}`;
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
afterAll(async () => {
  await aria2?.close();
  files.closeAllConnections();
  files.close();
});

async function clientOf(scheme: string, options: NodeConnectOptions = {}) {
  const client = await connect(`${scheme}://${aria2.place}/jsonrpc`, { redial: false, logger: false, ...options });
  cleanups.push(() => client.close({ graceMs: 0 }));
  return client;
}

type Client = Awaited<ReturnType<typeof clientOf>>;

/** Asks until a download has this status. */
async function until(client: Client, gid: string, status: string): Promise<Status> {
  return vi.waitFor(
    async () => {
      const keys = ["gid", "status", "completedLength"];
      const told = (await client.call("aria2.tellStatus", [aria2.token, gid, keys])) as Status;
      expect(told).toMatchObject({ gid, status });
      return told;
    },
    { timeout: 20_000, interval: 20 },
  );
}

describe.skipIf(!found).each(["http", "ws"])("aria2 over %s", (scheme) => {
  test("answers calls, a batch of them, and its own kind of batch", async () => {
    const client = await clientOf(scheme);
    const version = { version: expect.stringMatching(/^\d+\.\d+/) as string };
    expect(await client.call("aria2.getVersion", [aria2.token])).toMatchObject(version);
    expect(await client.call("system.listMethods")).toContain("aria2.addUri");
    const outcomes = await client.batch([
      ["aria2.getVersion", [aria2.token]],
      ["aria2.tellStatus", [aria2.token, "0123456789abcdef"]],
      ["system.listNotifications"],
    ]);
    expect(outcomes).toEqual([
      { ok: true, value: expect.objectContaining(version) as unknown },
      {
        ok: false,
        error: expect.objectContaining({ wireCode: 1, message: "GID 0123456789abcdef is not found" }) as unknown,
      },
      { ok: true, value: expect.arrayContaining(["aria2.onDownloadStart"]) as unknown },
    ]);
    const calls = [
      { methodName: "aria2.getVersion", params: [aria2.token] },
      { methodName: "nope", params: [aria2.token] },
    ];
    expect(await client.call("system.multicall", [calls])).toEqual([
      [expect.objectContaining(version)],
      { code: 1, message: "No such method: nope" },
    ]);
    const many = Array.from({ length: 100 }, () => client.call("aria2.getGlobalStat", [aria2.token]));
    for (const stat of await Promise.all(many)) expect(stat).toMatchObject({ numActive: "0" });
  });

  test("says what is wrong with a call, whose neighbours do not mind", async () => {
    const client = await clientOf(scheme);
    const unauthorized = { code: "unknown", wireCode: 1, message: "Unauthorized", remote: true };
    const [wrong, unknown, params, well] = await Promise.allSettled([
      client.call("aria2.getVersion", ["token:wrong"]),
      client.call("nope", [aria2.token]),
      client.call("aria2.getVersion", { a: 1 }),
      client.call("aria2.getVersion", [aria2.token]),
    ]);
    expect(wrong).toMatchObject({ reason: unauthorized });
    expect(unknown).toMatchObject({ reason: { wireCode: 1, message: "No such method: nope", remote: true } });
    expect(params).toMatchObject({ reason: { code: "invalid_argument", wireCode: -32602, remote: true } });
    expect(well).toMatchObject({ status: "fulfilled" });
    expect(client.state).toBe("open");
  });

  test("takes no notification, which ends nothing", async () => {
    const warnings: string[] = [];
    const silent = (): void => {};
    const logger = { debug: silent, info: silent, warn: (text: string) => void warnings.push(text), error: silent };
    const client = await clientOf(scheme, { logger });
    // It wants an id of everything.
    await client.notify("aria2.pauseAll", [aria2.token]);
    await client.notify("aria2.unpauseAll", [aria2.token]);
    expect(await client.call("system.listMethods")).toContain("aria2.addUri");
    const refused = `http://${aria2.place}/jsonrpc refused a notification, HTTP status 400: Invalid Request.`;
    if (scheme === "http") expect(warnings).toEqual([refused, refused]);
    else expect(client.stats().strays).toBe(2);
    expect(client.state).toBe("open");
  });

  test("downloads what it is told to", async () => {
    const client = await clientOf(scheme);
    const options = { out: `over-${scheme}` };
    const gid = (await client.call("aria2.addUri", [aria2.token, [`${origin}/file`], options])) as string;
    expect(gid).toMatch(/^[0-9a-f]{16}$/);
    expect(await until(client, gid, "complete")).toMatchObject({ completedLength: String(CONTENT.length) });
    expect(await readFile(join(aria2.folder, options.out))).toEqual(CONTENT);
    expect(await client.call("aria2.removeDownloadResult", [aria2.token, gid])).toBe("OK");
  });

  test("gives a large answer to a large question", async () => {
    const client = await clientOf(scheme);
    const out = `${"long".repeat(50)}-${scheme}`;
    const params = [aria2.token, [`${origin}/never`], { pause: "true", out }];
    const calls = Array.from({ length: 500 }, () => ({ methodName: "aria2.addUri", params }));
    const gids = ((await client.call("system.multicall", [calls])) as [string][]).map(([gid]) => gid);
    const waiting = (await client.call("aria2.tellWaiting", [aria2.token, 0, 1000])) as Status[];
    expect(JSON.stringify(waiting).length).toBeGreaterThan(250_000);
    expect(waiting.map(({ gid }) => gid)).toEqual(gids);
    const small = await clientOf(scheme, { maxFrameBytes: 100_000 });
    const asked = small.call("aria2.tellWaiting", [aria2.token, 0, 1000]);
    await expect(asked).rejects.toMatchObject({ code: scheme === "http" ? "resource_exhausted" : "unavailable" });
    const removed = await client.batch(gids.map((gid) => ["aria2.forceRemove", [aria2.token, gid]]));
    expect(removed.map((each) => each.ok && each.value)).toEqual(gids);
    expect(await client.call("aria2.purgeDownloadResult", [aria2.token])).toBe("OK");
  });
});

test.skipIf(!found)("aria2 tells handlers about downloads over WebSocket, and answers pings", async () => {
  const events: [name: string, params: unknown][] = [];
  const note = (name: string) => (params: unknown) => void events.push([name, params]);
  const client = await clientOf("ws", {
    handlers: {
      aria2: { onDownloadStart: note("start"), onDownloadComplete: note("complete") },
      "aria2.onDownloadError": note("error"),
    },
    heartbeat: { intervalMs: 20, timeoutMs: 5000 },
  });
  const other = await clientOf("ws");
  const add = async (path: string): Promise<unknown> =>
    other.call("aria2.addUri", [aria2.token, [path], { out: "told", "allow-overwrite": "true" }]);
  const well = await add(`${origin}/file`);
  await vi.waitFor(() => expect(events).toHaveLength(2), 20_000);
  expect(events).toEqual([
    ["start", [{ gid: well }]],
    ["complete", [{ gid: well }]],
  ]);
  // There is nobody at port 1.
  const broken = await add("http://127.0.0.1:1/file");
  await vi.waitFor(() => expect(events).toHaveLength(4), 20_000);
  expect(events.slice(2)).toEqual([
    ["start", [{ gid: broken }]],
    ["error", [{ gid: broken }]],
  ]);
  expect(client.state).toBe("open");
});
