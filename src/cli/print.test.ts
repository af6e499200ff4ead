import { expect, test } from "vitest";
import { jsonText } from "./print.ts";

test("what turns the direction of writing, or has no width, is printed as an escape that JSON reads back", () => {
  const unseen = "\u007f\u061c\u200b\u200e\u200f\u2028\u202e\u2060\u2065\u2066\u2069\ufeff";
  expect(jsonText(unseen)).toBe(
    '"\\u007f\\u061c\\u200b\\u200e\\u200f\\u2028\\u202e\\u2060\\u2065\\u2066\\u2069\\ufeff"',
  );
  expect(JSON.parse(jsonText(unseen))).toBe(unseen);
  expect(JSON.parse(jsonText({ [unseen]: [unseen] }, true))).toEqual({ [unseen]: [unseen] });
});

test("text of any language is printed as it is; a family of emoji falls apart and reads back whole", () => {
  const plain = "naïve ☃ 😀 שלום مرحبا हिन्दी 日本語";
  expect(jsonText(plain)).toBe(`"${plain}"`);
  const family = "\u{1f468}\u200d\u{1f469}\u200d\u{1f466}";
  expect(jsonText(family)).toBe('"\u{1f468}\\u200d\u{1f469}\\u200d\u{1f466}"');
  expect(JSON.parse(jsonText(family))).toBe(family);
});
