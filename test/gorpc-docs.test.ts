/*
 * docs/wires/gorpc.md: its vectors are encoded and decoded, and its table of Go types is the one that
 * interop/gorpc-values.test.ts runs against Go, row by row.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ROWS } from "../interop/gorpc-types.ts";
import { GorpcCodec } from "../src/codecs/gorpc/codec.ts";
import type { CallMessage, Id, Message } from "../src/core/message.ts";
import * as gob from "../src/gob.ts";
import { gorpc } from "../src/gorpc.ts";
import { memoryPipes } from "../src/transports/memory.ts";
import { type End, Ends, FakeLink } from "./codecs/ends.ts";
import { type Block, blocksOf, isAsPrinted } from "./docs/page.ts";
import { Recorder, turn } from "./suites/support.ts";

const PAGE = "docs/wires/gorpc.md";
const file = new URL(`../${PAGE}`, import.meta.url);

/** What the page's vectors call `Pair`. */
const Pair = gob.struct("main.Pair", { A: gob.int, B: gob.int }, { pointer: true });

/** A vector of the page: `name: text` lines, where a name may stand several times. */
type Vector = ReadonlyMap<string, readonly string[]>;

const VECTORS = blocksOf(file.pathname)
  .filter(({ language }) => language === "vector")
  .map(vectorOf);
const vectorsWith = (name: string): Vector[] => VECTORS.filter((vector) => vector.has(name));
const one = (vector: Vector, name: string): string => vector.get(name)?.[0] ?? "";
const bytesIn = (vector: Vector, name = "bytes"): Uint8Array =>
  Uint8Array.from((vector.get(name) ?? []).flatMap(bytesOfText));

function vectorOf({ text }: Block): Vector {
  const vector = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const [, name = "", rest = ""] = /^(\w+): (.*)$/.exec(line) ?? [];
    vector.set(name, [...(vector.get(name) ?? []), rest]);
  }
  return vector;
}

/** Hexadecimal bytes, and between quotes the bytes of a text. */
function bytesOfText(text: string): number[] {
  return [...text.matchAll(/"([^"]*)"|(\S+)/g)].flatMap(([, quoted, hex]) => {
    if (quoted !== undefined) return [...new TextEncoder().encode(quoted)];
    expect(hex).toMatch(/^[0-9a-f]{2}$/);
    return [Number.parseInt(hex ?? "", 16)];
  });
}

/** What stands on the page is an expression of the language. */
function evaluated(text: string): unknown {
  return new Function("gob", "Pair", `return (${text});`)(gob, Pair);
}

/** The cells of the page's table whose head begins with this name. */
function tableOf(head: string): string[][] {
  const lines = readFileSync(file, "utf8").split("\n");
  const start = lines.findIndex((line) => line.startsWith(`| ${head} |`));
  const rest = lines.slice(start + 2);
  return rest
    .slice(
      0,
      rest.findIndex((line) => !line.startsWith("|")),
    )
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) =>
          cell
            .trim()
            .replace(/^`(.*)`$/, "$1")
            .replaceAll("\\|", "|"),
        ),
    );
}

describe(PAGE, () => {
  const ends = new Ends((link) => new GorpcCodec(link));
  const calls = new Map<Id, CallMessage>();
  /** A reply is encoded beside the call that it answers. */
  const answering = (message: Message): Message =>
    message.kind === "result" || message.kind === "error" ? { ...message, call: calls.get(message.id ?? 0) } : message;

  const messages = vectorsWith("message");
  test("has messages of each kind and in both directions", () => {
    const said = new Set(
      messages.map((vector) => `${one(vector, "from")} ${(evaluated(one(vector, "message")) as Message).kind}`),
    );
    expect([...said].sort()).toEqual(["client call", "client notify", "server error", "server result"]);
  });

  // One stream in each direction, so that they run in the order of the page.
  test.each(messages.map((vector) => [one(vector, "message"), vector] as const))("%s", (text, vector) => {
    const message = evaluated(text) as Message;
    if (message.kind === "call") calls.set(message.id, message);
    const [from, to]: readonly End[] =
      one(vector, "from") === "client" ? [ends.client, ends.server] : [ends.server, ends.client];
    const frames = from?.encode([answering(message)]) ?? [];
    expect(frames.flatMap((frame) => [...(frame as Uint8Array)])).toEqual([...bytesIn(vector)]);
    expect(to?.decode([bytesIn(vector)])).toEqual([message]);
  });

  test.each(vectorsWith("value").map((vector) => [one(vector, "type"), one(vector, "value"), vector] as const))(
    "%s: %s",
    (type, value, vector) => {
      const described = evaluated(type) as gob.GobType<unknown>;
      expect([...new gob.Encoder().encode(described, evaluated(value))]).toEqual([...bytesIn(vector)]);
      const decoder = new gob.Decoder({ types: [Pair] });
      const back = vector.has("back") ? one(vector, "back") : value;
      expect(decoder.push(bytesIn(vector), described)).toEqual([evaluated(back)]);
      decoder.end();
    },
  );

  test.each(vectorsWith("reads").map((vector) => [one(vector, "reads"), vector] as const))(
    "what Go writes in pieces is read as %s",
    (text, vector) => {
      const decoder = new gob.Decoder();
      expect(decoder.push(bytesIn(vector))).toEqual([evaluated(text)]);
      decoder.end();
    },
  );

  test("the first byte, and a compressed stream", async () => {
    const [near, far] = memoryPipes();
    const [vector] = vectorsWith("deflated") as [Vector];
    const link = new FakeLink("server");
    const wire = gorpc();
    const codec = wire.codec(link);
    const heard: Message[] = [];
    wire.framing(far, link).open({
      frames: (frames) => {
        for (const frame of frames) heard.push(...codec.decode(frame));
        return undefined;
      },
      skipped: () => {},
      ended: () => {},
      closed: () => {},
    });
    new Recorder().open(near);
    void near.write(Uint8Array.from([...bytesIn(vector, "first"), ...bytesIn(vector, "deflated")]));
    await expect.poll(() => heard, { interval: 5 }).toEqual([evaluated(one(vector, "holds"))]);
    near.close();
    await turn(4);
  });

  test.each([
    [false, "00"],
    [true, "01"],
  ])("a dialler that has compress: %s begins with %s", async (compress, first) => {
    const [near, far] = memoryPipes();
    const heard = new Recorder().open(near);
    const channel = gorpc({ compress }).framing(far, new FakeLink("client"));
    channel.open({ frames: () => undefined, skipped: () => {}, ended: () => {}, closed: () => {} });
    await turn(4);
    expect([...heard.bytes]).toEqual(bytesOfText(first));
    channel.close({ message: "the test is over" });
    await turn(4);
  });
});

describe("the Go types that cross", () => {
  const table = tableOf("Go");

  test("are those that are run against Go, in the same order", () => {
    expect(table.map(([go, here]) => [go, here])).toEqual(ROWS.map(({ go, here }) => [go, here]));
  });

  test.each(ROWS.map((row, index) => [row.go, row.type, table[index]?.[2] ?? ""] as const))(
    "%s is described as it stands there",
    (_, type, description) => {
      // Described with the built package, which the compiler takes for another.
      const source = sourceOf(type as unknown as gob.AnyType);
      expect(isAsPrinted(source, description), source).toBe(true);
    },
  );
});

/** The description of a type, as a person writes it. Types with a name are written out at the top only. */
function sourceOf(type: gob.AnyType, top = type, isTop = true): string {
  const { shape, names } = type;
  const inner = (part: gob.AnyType): string => sourceOf(part, top, false);
  const own = nameIn(type);
  if (own !== undefined) return own;
  if (shape.kind === "pointer" && nameIn(shape.to) !== undefined) return `gob.pointer(${inner(shape.to)})`;
  if (!isTop && names.short !== "")
    return names.short === top.names.short ? `gob.lazy(() => ${names.short})` : names.short;
  const name = `"${names.printed.replace(/^\*/, "")}"`;
  switch (shape.kind) {
    case "struct": {
      const fields = shape.fields.map((field) => member(field.name, inner(field.type))).join(", ");
      return `gob.struct(${names.short === "" ? '""' : name}, {${fields === "" ? "" : ` ${fields} `}})`;
    }
    case "pointer": {
      const to = sourceOf(shape.to, top, isTop);
      return shape.to.shape.kind === "struct" ? to.replace(/\)$/, ", { pointer: true })") : `gob.pointer(${to})`;
    }
    case "opaque":
      return `gob.opaque(${name}, "${shape.form}", coder)`;
    default: {
      const like = unnamed(shape, inner);
      return names.short === "" ? like : `gob.named(${name}, ${like})`;
    }
  }
}

/** How a type of `convoke/gob` itself is called. */
function nameIn({ names }: gob.AnyType): string | undefined {
  const found = Object.entries(gob).find(
    ([, value]) => value instanceof gob.GobType && value.names.registered === names.registered,
  );
  return found && `gob.${found[0]}`;
}

function member(name: string, type: string): string {
  return name === type ? name : `${name}: ${type}`;
}

function unnamed(shape: gob.Shape, inner: (part: gob.AnyType) => string): string {
  switch (shape.kind) {
    case "map":
      return `gob.map(${inner(shape.key)}, ${inner(shape.value)})`;
    case "array":
      return `gob.array(${shape.length}, ${inner(shape.element)})`;
    case "slice":
      return `gob.slice(${inner(shape.element)})`;
    default:
      return `gob.${shape.kind}${"bits" in shape ? shape.bits : ""}`;
  }
}
