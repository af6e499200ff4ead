import { describe, expect, test } from "vitest";
import { mediaTypeOf, wantsEvents } from "./media-type.ts";

describe("the content type", () => {
  test.each([
    ["application/json", "application/json", undefined],
    ["APPLICATION/Json", "application/json", undefined],
    [" application/json ; charset=utf-8", "application/json", "utf-8"],
    ['application/json;CharSet="utf\\-8"', "application/json", "utf-8"],
    ["application/json;charset=UTF-8; x=y", "application/json", "UTF-8"],
    ["application/json;", "application/json", undefined],
    ["application/json; charset", "application/json", undefined],
    ["application/json; charset=UTF-8; oops", "application/json", undefined],
    ["text/plain", "text/plain", undefined],
  ])("%s is understood", (header, type, charset) => expect(mediaTypeOf(header)).toEqual({ type, charset }));

  test.each([[undefined], [""], ["json"], ["application/json/x"], ["application json"], ["a/b;charset=x;charset=x"]])(
    "%s says nothing",
    (header) => expect(mediaTypeOf(header)).toBeUndefined(),
  );

  test("a long one is read in no time", () => {
    const began = performance.now();
    for (const odd of ["; ", '="', "a=", "\\", ';a="\\']) mediaTypeOf(`application/json${odd.repeat(8000)}`);
    expect(performance.now() - began).toBeLessThan(500);
  });
});

test.each([
  ["text/event-stream", true],
  ["Text/Event-Stream;q=0.5", true],
  ["text/event-stream, application/json", true],
  ["application/json, text/event-stream", false],
  ["*/*", false],
  ["text/event-streams", false],
  [undefined, false],
])("Accept: %s asks for events: %s", (accept, wants) => expect(wantsEvents(accept)).toBe(wants));
