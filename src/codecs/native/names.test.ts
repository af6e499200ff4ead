import { expect, test } from "vitest";
import { bytesOf } from "../../core/text.ts";
import { NameCache } from "./names.ts";

/** These three fall on one pair of places. */
function colliding(): string[] {
  const placeOf = (name: string): number => {
    let hash = name.length;
    for (const byte of bytesOf(name)) hash = (hash * 31 + byte) | 0;
    return (hash ^ (hash >>> 9)) & 511;
  };
  const names: string[] = ["agent"];
  for (let n = 0; names.length < 3; n++) if (placeOf(`name${n}`) === placeOf("agent")) names.push(`name${n}`);
  return names;
}

test("names on one pair of places never stand for one another, in any order", () => {
  const cache = new NameCache();
  const names = colliding();
  const read = (name: string): string | undefined => {
    const bytes = bytesOf(`..${name}..`);
    return cache.at(bytes, 2, name.length);
  };
  for (const order of [[0, 1], [0, 1], [2], [0, 1, 2], [2, 1, 0], [1, 1, 2, 2, 0, 0]]) {
    for (const at of order) expect(read(names[at] ?? "")).toBe(names[at]);
  }
});

test("what is not ASCII, or long, is not remembered", () => {
  const cache = new NameCache();
  for (const name of ["zürich", "x".repeat(32)]) {
    const bytes = bytesOf(name);
    expect(cache.at(bytes, 0, bytes.length)).toBeUndefined();
  }
});
