import { expect, test } from "vitest";
import { LiveLine, type LiveOutput } from "./live-line.ts";

function output(isTTY: boolean | undefined): LiveOutput & { readonly texts: string[] } {
  const texts: string[] = [];
  return { isTTY, texts, write: (text) => texts.push(text) };
}

test("a live line is written over, and what a longer one left is wiped", () => {
  const out = output(true);
  const live = new LiveLine(out);
  live.show("12 calls");
  live.show("9 calls");
  expect(out.texts).toEqual(["\r12 calls", "\r9 calls "]);
});

test("a cleared line is empty, with the cursor at its beginning; clearing twice changes nothing", () => {
  const out = output(true);
  const live = new LiveLine(out);
  live.show("abc");
  live.clear();
  live.clear();
  expect(out.texts).toEqual(["\rabc", "\r   ", "\r"]);
});

test("where there is no terminal nothing is written", () => {
  const out = output(undefined);
  const live = new LiveLine(out);
  live.show("abc");
  live.clear();
  expect(out.texts).toEqual([]);
});
