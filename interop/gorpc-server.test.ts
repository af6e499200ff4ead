import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Client } from "convoke";
import * as gob from "convoke/gob";
import { gorpc } from "convoke/gorpc";
import { connect, type NodeConnectOptions } from "convoke/node";
import { beforeAll, describe, expect, test } from "vitest";
import { makeCertificates } from "../test/suites/certificates.ts";
import * as types from "./gorpc-types.ts";
import { goPartner } from "./partners/go-partner.ts";

const { Pair, TYPES } = types;
const PLACES = ["tcp", "tls", "unix"].flatMap((network) =>
  [false, true].map((compress) => [network, compress] as const),
);
const WORKERS = 100;
/** One kind of place is worked at in full. */
const callsOf = (network: string): number => (network === "tcp" ? 1000 : 100);

const go = await goPartner("gorpc");
const certificates = makeCertificates();
beforeAll(async () => {
  if (certificates !== undefined) {
    await writeFile(join(go.folder, "cert.pem"), certificates.server.cert);
    await writeFile(join(go.folder, "key.pem"), certificates.server.key);
  }
});

async function goServer(network: string, mode: string, name: string): Promise<string> {
  const flags = ["-network", network, "-mode", mode];
  if (network === "unix") flags.push("-addr", join(go.folder, `${name}.sock`));
  if (network === "tls") flags.push("-cert", join(go.folder, "cert.pem"), "-key", join(go.folder, "key.pem"));
  const address = await go.serve("server", flags);
  return network === "unix" ? `unix:${address}` : `${network}://${address}`;
}

async function ourClient(url: string, compress = false, options: NodeConnectOptions<never> = {}): Promise<Client> {
  const tls = url.startsWith("tls:") && certificates !== undefined ? { tls: { ca: certificates.ca } } : {};
  const client = await connect(url, { wire: gorpc({ types: TYPES, compress }), logger: false, ...tls, ...options });
  go.afterTest(() => client.close({ graceMs: 0 }));
  return client;
}

/** What becomes of a call: its result, or the code and text of its error. */
const outcomeOf = (call: Promise<unknown>): Promise<unknown> =>
  call.catch(({ code, message }: { code: string; message: string }) => [code, message]);

describe.skipIf(!go.found).each(PLACES)("a gorpc server over %s, compression %s", (network, compress) => {
  const skipped = network === "tls" && certificates === undefined;

  test.skipIf(skipped)("answers our client in every way it can", async () => {
    const client = await ourClient(await goServer(network, "dispatcher", `every-${compress}`), compress);
    await everyShape(client);
    await everyType(client);
    await services(client);
    await errors(client);
    await sendsAndBatches(client);
    await timeoutsAndCancels(client);
  });

  test.skipIf(skipped)(`has ${WORKERS} workers make ${callsOf(network)} calls each`, async () => {
    const url = await goServer(network, "dispatcher", `load-${compress}`);
    const client = await ourClient(url, compress, { connections: 2 });
    let wrong = 0;
    const worker = async (_: unknown, at: number): Promise<void> => {
      for (let n = 0; n < callsOf(network); n++) {
        const text = `worker ${at}, call ${n}`;
        if (n % 3 === 0 && (await client.call("Add", Pair.of({ A: at, B: n }))) !== at + n) wrong++;
        if (n % 3 === 1 && (await client.call("Half", 2 * n)) !== n) wrong++;
        if (n % 3 === 2 && (await client.call("Echo", text)) !== text) wrong++;
      }
    };
    await Promise.all(Array.from({ length: WORKERS }, worker));
    expect(wrong).toBe(0);
  });

  test.skipIf(skipped)("is found again by our client after a restart", async () => {
    const client = await ourClient(await goServer(network, "dispatcher", `restart-${compress}`), compress, {
      redial: { baseMs: 20, maxMs: 100 },
    });
    const outstanding = client.call("Sleep", 10_000);
    await client.notify("Restart", 100);
    await expect(outstanding).rejects.toMatchObject({ code: "unavailable", executed: "unknown" });
    // It waits until there is a link again, and the types are defined anew on it.
    expect(await client.call("Add", Pair.of({ A: 1, B: 2 }))).toBe(3);
    expect(await client.call("Swap", Pair.of({ A: 1, B: 2 }))).toEqual({ A: 2, B: 1 });
  });

  test.skipIf(skipped)("without a dispatcher answers the method without a name", async () => {
    const client = await ourClient(await goServer(network, "raw", `raw-${compress}`), compress);
    for (const value of [1234, "hello", null, "", 0, false, Pair.of({ A: 1, B: 2 }), [1, 2], Uint8Array.of(1)])
      expect(await client.call("", value)).toEqual(value);
    const members = Array.from({ length: 100 }, (_, n) => ["", n] as const);
    expect(await client.batch(members)).toEqual(members.map(([, value]) => ({ ok: true, value })));
    await client.notify("", "no reply");
    await expect(client.call("", "panic")).rejects.toMatchObject({ code: "internal", remote: true });
    expect(await client.call("", "after")).toBe("after");
    await expect(client.call("Echo", "hi")).rejects.toMatchObject({ code: "internal" });
    expect(await client.call("", "after")).toBe("after");
  });
});

async function everyShape(client: Client): Promise<void> {
  for (const [method, params, result] of [
    ["Nothing", undefined, null],
    ["Nothing", "which is ignored", null],
    ["Answer", undefined, 42],
    ["NoError", undefined, null],
    ["Both", undefined, "both"],
    ["Take", 0, null],
    ["Echo", "hi", "hi"],
    ["Echo", "", ""],
    ["Check", "", null],
    ["Half", 84, 42],
    ["Note", 0, null],
    ["CheckWho", "", null],
    [".with.dots", 41, 42],
  ] as const) {
    expect((await client.call(method, params)) ?? null, method).toEqual(result);
  }
  expect(await client.call("Who", "I am")).toMatch(/^I am /);
}

async function everyType(client: Client): Promise<void> {
  const echoed = async (method: string, type: gob.AnyType, ...values: readonly unknown[]): Promise<void> => {
    for (const value of values) expect(await client.call(method, type.of(value)), method).toEqual(value);
  };
  const when = new gob.GoTime(Date.UTC(2026, 10, 21, 12, 0, 0, 123), 456_789);
  await echoed("Bool", gob.bool, true, false);
  await echoed("Float", gob.float64, 0, 1, -3.25, 1e300, Number.NaN, -Infinity);
  await echoed("Int8", gob.int8, 0, -128, 127);
  await echoed("Uint64", gob.uint64, 0n, 2n ** 53n, 2n ** 64n - 1n);
  await echoed("Echo", gob.string, "", "é日本😀\0", "long ".repeat(50_000));
  await echoed("Complex", gob.complex128, { real: 1.5, imaginary: -2 });
  await echoed("Bytes", gob.bytes, Uint8Array.of(0, 127, 128, 255), new Uint8Array());
  await echoed("Ints", gob.slice(gob.int), [1, 0, -7, 2 ** 40], []);
  await echoed("Strings", gob.slice(gob.string), ["a", "", "b"]);
  await echoed("Pairs", gob.slice(Pair), [
    { A: 1, B: -1 },
    { A: 0, B: 0 },
  ]);
  await echoed("Array", gob.array(3, gob.int), [1, 0, 3]);
  await echoed(
    "Map",
    gob.map(gob.string, gob.int),
    new Map([
      ["a", 1],
      ["", 0],
    ]),
    new Map(),
  );
  await echoed(
    "Deep",
    gob.map(gob.string, gob.slice(gob.int)),
    new Map([
      ["a", [1, 2]],
      ["b", [3]],
    ]),
  );
  await echoed(
    "Set",
    gob.map(gob.string, types.Nothing),
    new Map([
      ["a", {}],
      ["b", {}],
    ]),
  );
  await echoed("Time", gob.pointer(gob.time), when);
  await echoed("Big", types.Big, big());
  const { Celsius, Label, Hash, Names, Route, Tree, Order, Optional, Embedding, Event, Point, Track } = types;
  for (const [method, type] of Object.entries({
    ...{ Celsius, Label, Hash, Names, Route, Tree, Order, Optional, Embedding, Event, Point, Track },
  })) {
    await echoed(method, type, types.ROWS.find((row) => row.type === type)?.value);
  }
  // What a value alone tells needs no type, and a value that came with one keeps it.
  expect(await client.call("Strings", ["a", "b"])).toEqual(["a", "b"]);
  expect(await client.call("Ints", [1, 2])).toEqual([1, 2]);
  const swapped = await client.call("Swap", Pair.of({ A: 2, B: 3 }));
  expect(await client.call("Add", swapped)).toBe(5);
  expect(await client.call("ToTwin", swapped)).toEqual({ A: 3, B: 2 });
}

function big(): Record<string, unknown> {
  const lines = Array.from({ length: 100 }, (_, at) => ({ Sku: "x", Count: at, Price: at / 4, Tags: ["t"] }));
  const value: Record<string, unknown> = {
    Lines: lines,
    Blob: Uint8Array.from({ length: 100_000 }, (_, at) => at * 7),
  };
  for (let at = 1; at <= 30; at++) {
    value[`F${String(at).padStart(2, "0")}`] = at <= 10 ? -at : at <= 20 ? `field ${at}` : at / 7;
  }
  return value;
}

async function services(client: Client): Promise<void> {
  expect(await client.call("Left.Add", 2)).toBe(2);
  await client.call("Left.Note", 1);
  expect(await client.call("Left.Get")).toBe(3);
  expect(await client.call("Right.Get")).toBe(0);
  expect(await client.call("Right.Add", 40)).toBe(40);
  expect(await client.call("Left.Get")).toBe(3);
  expect(await client.call("Left.Who", "I am")).toMatch(/^I am .* 3$/);
  expect(await client.call("Stateless.Hello", "Ann")).toBe("hello Ann");
  const remote = client.remote as { Left: { Get(): Promise<number> }; Half(n: number): Promise<number> };
  expect(await remote.Left.Get()).toBe(3);
  expect(await remote.Half(8)).toBe(4);
}

async function errors(client: Client): Promise<void> {
  const fails = (method: string, params?: unknown) => outcomeOf(client.call(method, params));
  expect(await fails("AlwaysFails")).toEqual(["unknown", "failed as always"]);
  expect(await fails("Check", "é <wrong>\n😀")).toEqual(["unknown", "é <wrong>\n😀"]);
  expect(await fails("CheckWho", "no")).toEqual(["unknown", "no"]);
  expect(await fails("WhoIf", "not now")).toEqual(["unknown", "not now"]);
  expect(await fails("Half", 3)).toEqual(["unknown", "3 is odd"]);
  expect(await fails("Left.Check", "of a service")).toEqual(["unknown", "of a service"]);
  expect(await fails("Nope")).toEqual(["unimplemented", "gorpc.Dispatcher: unknown method [.Nope]"]);
  expect(await fails("constructor")).toEqual(["unimplemented", "gorpc.Dispatcher: unknown method [.constructor]"]);
  expect(await fails("Left.hidden")).toEqual(["unimplemented", "gorpc.Dispatcher: unknown method [Left.hidden]"]);
  expect(await fails("Elsewhere.Get")).toEqual(["unimplemented", "gorpc.Dispatcher: unknown service name [Elsewhere]"]);
  expect(await fails("Echo", 5)).toEqual([
    "unknown",
    "gorpc.Dispatcher: unexpected request type for method [.Echo]: int. Expected string",
  ]);
  expect(await fails("Panic", "at the disco")).toEqual([
    "internal",
    expect.stringMatching(/^Panic occured: at the disco\b/),
  ]);
  expect(await fails("", "plain")).toEqual(["internal", expect.stringMatching(/unsupported request type/)]);
  await expect(client.call("Nope")).rejects.toMatchObject({ remote: true });

  // What cannot be encoded harms no neighbour.
  const neighbours = [client.call("Echo", "one"), client.call("Echo", { plain: true }), client.call("Echo", "two")];
  expect(await Promise.allSettled(neighbours)).toMatchObject([
    { status: "fulfilled", value: "one" },
    { status: "rejected", reason: { code: "invalid_argument", executed: "no" } },
    { status: "fulfilled", value: "two" },
  ]);
  // A reply that Go cannot encode costs the connection, and the next call has a new one.
  await expect(client.call("NilPair")).rejects.toMatchObject({ code: "unavailable", executed: "unknown" });
  expect(await client.call("Add", Pair.of({ A: 2, B: 3 }))).toBe(5);
}

async function sendsAndBatches(client: Client): Promise<void> {
  for (let n = 0; n < 1000; n++) void client.notify("Take", 2);
  await Promise.all([client.notify("Check", "unheard"), client.notify("Nope", 1), client.notify("Panic", "unheard")]);
  await expect.poll(() => client.call("Taken"), { interval: 5, timeout: 10_000 }).toBe(2000);

  const outcomes = await client.batch([
    ...Array.from({ length: 100 }, (_, n) => ["Half", n] as const),
    ...Array.from({ length: 10 }, () => ["Note", 1, { notify: true }] as const),
    ["Swap", Pair.of({ A: 1, B: 2 })],
    ["Nope"],
  ]);
  outcomes.slice(0, 100).forEach((outcome, n) => {
    const odd = { ok: false, error: { code: "unknown", message: `${n} is odd` } };
    expect(outcome).toMatchObject(n % 2 === 0 ? { ok: true, value: n / 2 } : odd);
  });
  expect(outcomes.slice(-2)).toMatchObject([{ ok: true, value: { A: 2, B: 1 } }, { ok: false }]);
  await expect.poll(() => client.call("Noted"), { interval: 5, timeout: 10_000 }).toBe(10);
}

async function timeoutsAndCancels(client: Client): Promise<void> {
  const late = client.call("Sleep", 150, { timeoutMs: 30 });
  await expect(late).rejects.toMatchObject({ code: "deadline_exceeded", executed: "unknown" });
  expect(await client.call("Sleep", 100, { timeoutMs: 10_000 })).toBe(100);

  const controller = new AbortController();
  const slow = client.call("Sleep", 150, { signal: controller.signal });
  // It is sent after the slow call, and answered before it.
  expect(await client.call("Echo", "fast")).toBe("fast");
  controller.abort();
  await expect(slow).rejects.toMatchObject({ code: "cancelled" });
  const never = client.call("Take", 1_000_000, { signal: AbortSignal.abort() });
  await expect(never).rejects.toMatchObject({ code: "cancelled", executed: "no" });
  // The replies that nobody waits for come in the meantime.
  expect(await client.call("Sleep", 200)).toBe(200);
  expect(await client.call("Taken")).toBe(2000);
}
