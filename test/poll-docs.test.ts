import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { bytesOf } from "../src/core/text.ts";
import {
  type Answering,
  type Asking,
  answeringBody,
  askingBody,
  BATCH_BYTES,
  BATCH_ITEMS,
  BODY_ROOM,
  closeItem,
  type Ending,
  frameItem,
  HEAD_BYTES,
  type Item,
  type Opened,
  type Opening,
  openedBody,
  openingBody,
  readAnswering,
  readAsking,
  readOpened,
  readOpening,
} from "../src/http/poll/envelope.ts";
import type { Bytes } from "../src/http/poll/fields.ts";

/** An item as the page writes it. */
interface Shown {
  readonly text?: string;
  readonly binary?: readonly number[];
  readonly close?: Ending;
}

const MAX = 1000;
const page = readFileSync(new URL("../docs/wires/poll.md", import.meta.url), "utf8");
const VECTORS = [...page.matchAll(/^```vector\n(\w+): (.*)\nbytes: (.*)\n```$/gm)].map(
  ([, kind = "", value = "", hex = ""]) => ({ kind, value, hex }),
);

function written({ text, binary, close }: Shown): Bytes {
  if (close !== undefined) return closeItem(close);
  const frame = text ?? Uint8Array.from(binary ?? []);
  return frameItem(frame, bytesOf(frame), MAX);
}

function shown(item: Item): Shown {
  if (item.kind === "close") return { close: item.ending };
  if (item.kind === "skipped") throw new Error("no vector has one");
  return typeof item.frame === "string" ? { text: item.frame } : { binary: [...item.frame] };
}

/** Writes a body of the kind. */
function bodyOf(kind: string, said: object): Bytes {
  if (kind === "opening") return openingBody(said as Opening);
  if (kind === "opened") return openedBody(said as Opened);
  const items = (said as { items: readonly Shown[] }).items.map(written);
  return kind === "asking"
    ? askingBody({ ...(said as Asking), items })
    : answeringBody({ ...(said as Answering), items });
}

/** Reads one, and says it as the page does. */
function readOf(kind: string, body: Uint8Array): object {
  if (kind === "opening") return readOpening(body);
  if (kind === "opened") return readOpened(body);
  const read = kind === "asking" ? readAsking(body, MAX) : readAnswering(body, MAX);
  return { ...read, items: read.items.map(shown) };
}

describe("docs/wires/poll.md", () => {
  test("has vectors of all kinds of bodies", () => {
    expect(new Set(VECTORS.map(({ kind }) => kind))).toEqual(new Set(["opening", "opened", "asking", "answering"]));
    expect(VECTORS.length).toBe([...page.matchAll(/^```vector$/gm)].length);
  });

  test.each(VECTORS)("$kind $value", ({ kind, value, hex }) => {
    const said = JSON.parse(value) as object;
    const bytes = Uint8Array.from(hex.split(" ").map((each) => Number.parseInt(each, 16)));
    expect([...bodyOf(kind, said)]).toEqual([...bytes]);
    expect(JSON.parse(JSON.stringify(readOf(kind, bytes)))).toEqual(said);
  });

  test("has the bounds that the code has", () => {
    const text = page.replace(/\s+/g, " ");
    expect(text).toContain(`at most ${String(BATCH_BYTES).replace(/(?=\d{3}$)/, " ")} bytes of items`);
    expect(text).toContain(`no body has more than ${BATCH_ITEMS}`);
    expect(text).toContain(`with ${BODY_ROOM} bytes around`);
    expect(text).toContain(`its first ${HEAD_BYTES} bytes at most`);
  });
});
