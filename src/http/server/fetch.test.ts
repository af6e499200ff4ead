import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { FetchAsked } from "./fetch.ts";

test.each([
  ["TimeoutError", "late"],
  ["AbortError", "gone"],
])("a caller whose signal has fired with a %s of any realm is %s", (name, why) => {
  for (const reason of [
    new DOMException("x", name),
    runInNewContext(`Object.assign(new Error("x"), { name: ${JSON.stringify(name)} })`) as unknown,
  ]) {
    const asked = new FetchAsked(new Request("http://127.0.0.1/", { signal: AbortSignal.abort(reason) }));
    const heard: string[] = [];
    asked.onGone((gone) => void heard.push(gone));
    expect(heard).toEqual([why]);
  }
});
