import http from "node:http";
import { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { JsonRpcCodec } from "../../src/codecs/jsonrpc/codec.ts";
import { dialectOf } from "../../src/codecs/jsonrpc/options.ts";
import { NativeCodec } from "../../src/codecs/native/codec.ts";
import { hashOf } from "../../src/core/crowd.ts";
import { IdMap } from "../../src/core/id-map.ts";
import { IdTable } from "../../src/core/id-table.ts";
import { header } from "../../src/framings/header.ts";
import { EventReader } from "../../src/http/client/event-reader.ts";
import { typedQuery } from "../../src/http/server/get-query.ts";
import { Guard } from "../../src/transports/guard.ts";
import { HttpHost } from "../../src/transports/node/http-host.ts";
import { FakeLink } from "../codecs/ends.ts";
import { collidingNumbers, expectNoDearer, fastest } from "../suites/collisions.ts";
import { eventsOf } from "../suites/framing-suite.ts";

/** The other way round, so that no id is above the one before. */
const COLLIDING = collidingNumbers(16_000).toSorted((one, other) => other - one);
const CONTROL = COLLIDING.map((_, at) => 0x7fff_ffff - at * 30_011);

function filled(keys: readonly unknown[]): Set<unknown> {
  const set = new Set<unknown>();
  for (const key of keys) set.add(key);
  return set;
}

describe("what a peer chooses", () => {
  test.each<[string, (at: number) => unknown]>([
    ["whole numbers", (at) => at],
    ["whole numbers below 0", (at) => -at],
    ["fractions", (at) => at + 0.5],
    ["large numbers", (at) => at * 2 ** 33],
    ["bigints", (at) => BigInt(at) * 0x9e37_79b9_7f4a_7c15n],
    ["bigints below 0", (at) => -BigInt(at) * 0x9e37_79b9_7f4a_7c15n],
  ])("is told by this engine's own hash of %s: without that nobody could tell keys that collide", (_, keyAt) => {
    const keys: unknown[] = [];
    for (let at = 1; keys.length < 4096; at++) if (((hashOf(keyAt(at)) ?? 1) & 0x7ff) === 0) keys.push(keyAt(at));
    const control = keys.map((_key, at) => keyAt(at + 1));
    expect(fastest(() => filled(keys))).toBeGreaterThan(5 * fastest(() => filled(control)));
  });

  test("as ids fills no map slowly that is made for ids", () => {
    const fill = (ids: readonly number[]) => (): void => {
      const map = new IdMap<true>();
      for (const id of ids) map.set(id, true);
    };
    expectNoDearer(fill(COLLIDING), fill(CONTROL));
    for (const bits of [8, 12, 15, 16, 17, 20, 32, 36]) {
      const multiples = CONTROL.map((_, at) => at * 2 ** bits);
      expectNoDearer(fill(multiples), fill(CONTROL));
    }
  });

  test("as ids of calls that last is found as fast as others", () => {
    const ids: number[] = [];
    for (let at = 1; ids.length < 8192; at++) if (((hashOf(at * 2 ** 20) ?? 1) & 0xfff) === 0) ids.push(at * 2 ** 20);
    const find = (some: readonly number[]) => (): void => {
      const table = new IdTable<object>();
      for (const id of some) table.set(id, {});
      for (let round = 0; round < 4; round++) for (const id of some) table.get(id);
    };
    const control = ids.map((_, at) => (at + 1) * 2 ** 20);
    expectNoDearer(find(ids), find(control), 5);
  });

  test("as ids of the calls in one native frame is read as fast as others", () => {
    const calls = (ids: readonly number[]): Uint8Array =>
      Buffer.concat(
        ids.map((id) => Buffer.of(16, 0xce, id >>> 24, (id >>> 16) & 0xff, (id >>> 8) & 0xff, id & 0xff, 0xa1, 0x78)),
      );
    const native = (ids: readonly number[]) => (): void => {
      expect(new NativeCodec(new FakeLink("server")).decode(calls(ids))).toHaveLength(ids.length);
    };
    expectNoDearer(native(COLLIDING), native(CONTROL));
  });

  test("as ids of one batch is read as fast as others", () => {
    const batch = (ids: readonly number[]) => {
      const text = `[${ids.map((id) => `{"jsonrpc":"2.0","id":${id},"method":"x"}`).join()}]`;
      return () => new JsonRpcCodec(new FakeLink("server"), dialectOf({})).decode(text);
    };
    expectNoDearer(batch(COLLIDING), batch(CONTROL));
  });

  test("as blanks inside of a header line is read as fast as letters", () => {
    const blocks = (fill: string): Uint8Array =>
      Buffer.from(`X: a${fill.repeat(8000)}b\r\nContent-Length: 2\r\n\r\n{}`.repeat(16));
    const read = (bytes: Uint8Array) => () => expect(eventsOf(header(), [new Uint8Array(bytes)])).toHaveLength(17);
    expectNoDearer(read(blocks(" ")), read(blocks("y")));
  });

  test("as slashes or equals signs inside of a URL is read as fast as those at its edges", () => {
    const many = (sign: string): string => sign.repeat(15_000);
    const asked = (path: string, query: string) => (): void => {
      const target = { path, query, request: new Request("http://x/") };
      for (let each = 0; each < 10; each++) typedQuery(target);
    };
    expectNoDearer(asked(`/x${many("/")}y`, ""), asked(`${many("/")}xy`, ""));
    expectNoDearer(asked("/x", `a=${many("=")}a`), asked("/x", `a=${many("=")}`));
    const bytes = (text: string) => (): void => {
      for (let each = 0; each < 10; each++) expect(() => asked("/x", `a='${text}'`)()).toThrow("it is no base64");
    };
    expectNoDearer(bytes(`${many("=")}a`), bytes(`?${many("=")}`));
  });

  test("as slashes in a path that nothing is served at is answered as fast as letters", async () => {
    const server = http.createServer((_, response) => void response.end());
    const route = { guard: new Guard(), request: (): void => {} };
    await HttpHost.of(server).route("/rpc", { ...route, below: true });
    const asked = (url: string) => (): void => {
      for (let each = 0; each < 10; each++) {
        const request = new http.IncomingMessage(new Socket());
        request.url = url;
        expect(server.emit("request", request, new http.ServerResponse(request))).toBe(true);
      }
    };
    expectNoDearer(asked(`/x${"/".repeat(15_000)}y`), asked(`/x${"y".repeat(15_000)}y`));
  });

  test("as ends of the lines of an event stream is read as fast as line feeds", () => {
    const read = (text: string) => (): void => {
      let events = 0;
      const sink = { event: () => void events++, comment() {}, skipped() {} };
      new EventReader(sink, 1000).push(text);
      expect(events).toBe(1);
    };
    const many = 400_000;
    expectNoDearer(read(`data: x${"\r".repeat(many)}`), read(`data: x${"\n".repeat(many)}`));
    expectNoDearer(read(`data: x\n\n${"\r\n".repeat(many / 2)}`), read(`data: x${"\n".repeat(many)}`));
  });
});
