import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type CallContext, lookup, RpcError, type Server } from "convoke";
import * as gob from "convoke/gob";
import { gorpc } from "convoke/gorpc";
import { serve } from "convoke/node";
import { beforeAll, describe, expect, test } from "vitest";
import { makeCertificates } from "../test/suites/certificates.ts";
import * as types from "./gorpc-types.ts";
import { goPartner } from "./partners/go-partner.ts";

const PLACES = ["tcp", "tls", "unix"].flatMap((network) =>
  [false, true].map((compress) => [network, compress] as const),
);
const CHECKS = {
  dispatcher: [
    ...["shapes", "types", "services", "errors", "unknown", "panic", "sends", "batch", "cancel", "timeout", "order"],
    ...["both", "load", "restart"],
  ],
  raw: ["echo", "nil", "panic", "batch", "refused", "random"],
};

const go = await goPartner("gorpc");
const certificates = makeCertificates();
beforeAll(async () => {
  if (certificates !== undefined) await writeFile(join(go.folder, "ca.pem"), certificates.ca);
});

/** Serves at a place of its own until the test ends; `restart` goes away and comes back at the same one. */
async function ourServer(network: string, name: string, handlers: (restart: (awayMs: number) => void) => object) {
  const tls = network === "tls" && certificates !== undefined ? { tls: certificates.server } : {};
  const table = handlers((awayMs) => {
    up = restart(awayMs);
  });
  const open = (place: string): Promise<Server> =>
    serve(place, { wire: gorpc({ types: types.TYPES }), handlers: table, logger: false, ...tls });
  let up = open(network === "unix" ? `unix:${join(go.folder, `${name}.sock`)}` : `${network}://127.0.0.1:0`);
  go.afterTest(async () => (await up).close({ graceMs: 0 }));
  const [place = ""] = (await up).addresses;
  const restart = async (awayMs: number): Promise<Server> => {
    await (await up).close({ graceMs: 0 });
    await pause(awayMs);
    return open(place);
  };
  return network === "unix" ? place.slice("unix:".length) : new URL(place).host;
}

/** Runs the checks of the Go client; it fails with what they say. */
async function check(network: string, mode: keyof typeof CHECKS, compress: boolean, address: string): Promise<void> {
  const flags = ["-network", network, "-mode", mode, `-compress=${compress}`, "-addr", address];
  if (network === "tls") flags.push("-ca", join(go.folder, "ca.pem"));
  // One kind of place is worked at in full: 100 workers, 1000 calls each.
  flags.push("-calls", network === "tcp" ? "1000" : "100");
  expect(await go.run("client", flags)).toEqual({ ok: CHECKS[mode] });
}

/** Fails with a text, unless it is empty. */
function fails(text: string): void {
  if (text !== "") throw new RpcError("unknown", text);
}

/** Gives back what came, as the type that it has in Go: an alone 1 would be an int. */
const echo =
  (type: gob.AnyType) =>
  (value: unknown): unknown =>
    type.of(value);

/** A service with a state of its own. */
class Counter {
  #total = 0;
  Add(by: number): number {
    this.#total += by;
    return this.#total;
  }
  Get(): number {
    return this.#total;
  }
  Note(by: number): void {
    this.#total += by;
  }
  Check(text: string): void {
    fails(text);
  }
  Who(greeting: string, { remoteAddress }: CallContext): string {
    return `${greeting} ${remoteAddress} ${this.#total}`;
  }
}

/** The service of the Go package probe, function by function. */
function probe(restart: (awayMs: number) => void): object {
  let [taken, noted] = [0, 0];
  const { Pair, Twin } = types;
  const { Celsius, Label, Hash, Names, Route, Tree, Order, Optional, Embedding, Event, Point, Track, Big } = types;
  const own = { Celsius, Label, Hash, Names, Route, Tree, Order, Optional, Embedding, Event, Point, Track, Big };
  return {
    Nothing: () => {},
    Answer: () => 42,
    NoError: () => {},
    AlwaysFails: () => fails("failed as always"),
    Both: () => "both",
    Take: (by: number) => {
      taken += by;
    },
    Taken: () => taken,
    Echo: (text: string) => text,
    Check: fails,
    Half: (n: number) => (n % 2 === 0 ? n / 2 : fails(`${n} is odd`)),
    Note: (by: number) => {
      noted += by;
    },
    Noted: () => noted,
    Who: (greeting: string, { remoteAddress }: CallContext) => `${greeting} ${remoteAddress}`,
    CheckWho: (text: string, _: CallContext) => fails(text),
    WhoIf: (text: string, { remoteAddress }: CallContext) => fails(text) ?? remoteAddress,
    ".with.dots": (n: number) => n + 1,

    Add: ({ A, B }: gob.Infer<typeof Pair>) => A + B,
    Swap: ({ A, B }: gob.Infer<typeof Pair>) => Pair.of({ A: B, B: A }),
    ToTwin: (pair: gob.Infer<typeof Pair>) => Twin.of(pair),
    Bool: (value: boolean) => value,
    Float: echo(gob.float64),
    Int8: echo(gob.int8),
    Uint64: echo(gob.uint64),
    Complex: echo(gob.complex128),
    Bytes: (value: Uint8Array) => value,
    Ints: echo(gob.slice(gob.int)),
    Strings: (value: string[]) => value,
    Pairs: echo(gob.slice(Pair)),
    Array: echo(gob.array(3, gob.int)),
    Map: echo(gob.map(gob.string, gob.int)),
    Deep: echo(gob.map(gob.string, gob.slice(gob.int))),
    Set: echo(gob.map(gob.string, types.Nothing)),
    Time: echo(gob.pointer(gob.time)),
    ...Object.fromEntries(Object.entries(own).map(([name, type]) => [name, echo(type)])),

    Panic: (text: string) => {
      throw new Error(text);
    },
    Sleep: (ms: number, { signal }: CallContext) => pause(ms, ms, { signal }),
    Restart: restart,

    Left: new Counter(),
    Right: new Counter(),
    Stateless: { Hello: (name: string) => `hello ${name}` },
  };
}

/** Gives back any request, as Go's raw server does. */
function raw(request: unknown): unknown {
  if (request === "panic") throw new Error("asked for it");
  return request;
}

describe.skipIf(!go.found).each(PLACES)("a gorpc client over %s, compression %s", (network, compress) => {
  const skipped = network === "tls" && certificates === undefined;

  test.skipIf(skipped)("finds our server to be as Go's", async () => {
    const address = await ourServer(network, `dispatcher-${compress}`, probe);
    await check(network, "dispatcher", compress, address);
  });

  test.skipIf(skipped)("finds our server without a dispatcher to be as Go's", async () => {
    const address = await ourServer(network, `raw-${compress}`, () => lookup(() => raw));
    await check(network, "raw", compress, address);
  });
});
