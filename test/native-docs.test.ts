import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { BodyName } from "../src/codecs/native/body.ts";
import { NativeCodec } from "../src/codecs/native/codec.ts";
import { NameCache } from "../src/codecs/native/names.ts";
import { Packer } from "../src/codecs/native/pack.ts";
import { Unpacker } from "../src/codecs/native/unpack.ts";
import { Arena } from "../src/core/arena.ts";
import type { Message } from "../src/core/message.ts";
import { bytesOf } from "../src/core/text.ts";
import { memoryPipes } from "../src/transports/memory.ts";
import { native } from "../src/wires/native.ts";
import { Ends, FakeLink } from "./codecs/ends.ts";
import { Recorder, turn } from "./suites/support.ts";

/** The vectors of the page: each a list of `name: text` lines. */
const page = readFileSync(new URL("../docs/wires/native.md", import.meta.url), "utf8");
const VECTORS = [...page.matchAll(/^```vector\n(.*?)^```$/gms)].map(([, block = ""]) =>
  block
    .trimEnd()
    .split("\n")
    .map((line) => /^(\w+): (.*)$/.exec(line)?.slice(1) as [string, string]),
);
const one = (vector: (typeof VECTORS)[number], name: string): string | undefined =>
  vector.find(([key]) => key === name)?.[1];

/** What stands on the page is an expression of the language. */
function evaluated(text: string): unknown {
  return new Function(`return (${text});`)();
}

/** Hexadecimal bytes, and after them perhaps text. */
function bytesOfText(text: string): number[] {
  const [hex = ""] = /^(?:[0-9a-f]{2}(?: |$))*/.exec(text) ?? [];
  const head =
    hex.trim() === ""
      ? []
      : hex
          .trim()
          .split(" ")
          .map((each) => Number.parseInt(each, 16));
  return [...head, ...bytesOf(text.slice(hex.length))];
}

describe("docs/wires/native.md", () => {
  const messages = VECTORS.filter((vector) => one(vector, "message") !== undefined);

  test("has a vector for each kind of message", () => {
    const kinds = new Set(messages.map((vector) => (evaluated(one(vector, "message") ?? "") as Message).kind));
    expect([...kinds].sort()).toEqual(
      ["call", "cancel", "error", "goodbye", "notify", "ping", "pong", "result"].sort(),
    );
  });

  test.each(messages.map((vector) => [one(vector, "message") ?? "", vector] as const))("%s", (text, vector) => {
    const message = evaluated(text) as Message;
    for (const body of ["msgpack", "json"] as const satisfies readonly BodyName[]) {
      const written = one(vector, body) ?? "";
      const expected = body === "json" ? [...bytesOf(written)] : bytesOfText(written);
      const ends = new Ends((link) => new NativeCodec(link, { body }));
      expect(ends.client.encode([message]).map((frame) => [...bytesOf(frame)])).toEqual([expected]);
      expect(ends.server.decode([Uint8Array.from(expected)])).toEqual([message]);
    }
  });

  const values = VECTORS.filter((vector) => one(vector, "value") !== undefined);
  test.each(values.map((vector) => [one(vector, "value") ?? "", vector] as const))("%s", (text, vector) => {
    const packer = new Packer({ maxBytes: 1000, maxDepth: 10 }, new Arena());
    packer.put(evaluated(text));
    const expected = bytesOfText(one(vector, "msgpack") ?? "");
    expect([...packer.take()]).toEqual(expected);
    expect(new Unpacker(Uint8Array.from(expected), new NameCache(), 10).next()).toEqual(evaluated(text));
  });

  test("how a link begins", async () => {
    const [near, far] = memoryPipes();
    const [hello, welcome] = VECTORS.filter((vector) => one(vector, "from") !== undefined).map((vector) =>
      vector.filter(([key]) => key === "bytes").flatMap(([, text]) => bytesOfText(text)),
    );
    // The accepter is real, the dialler is the page.
    const wire = native();
    const link = new FakeLink("server");
    const channel = wire.framing(far, link);
    const codec = wire.codec(link);
    const dialler = new FakeLink("client");
    expect(
      wire
        .codec(dialler)
        .encode([{ kind: "hello", hello: {} }], () => undefined)
        .map((frame) => [...bytesOf(frame)]),
    ).toEqual([hello?.slice(10)]);
    const heard = new Recorder().open(near);
    channel.open({
      frames: (frames) => {
        for (const frame of frames) expect(codec.decode(frame)).toMatchObject([{ kind: "hello" }]);
        return channel.send(codec.encode([{ kind: "welcome", hello: {} }], () => undefined));
      },
      skipped: () => {},
      ended: () => {},
      closed: () => {},
    });
    void near.write(Uint8Array.from(hello ?? []));
    await turn(4);
    expect([...heard.bytes]).toEqual(welcome);
  });
});
