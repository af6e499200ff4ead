import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { joinCommand, splitCommand } from "./command-line.ts";

describe("splitCommand", () => {
  test.each([
    ["", []],
    ["  \t ", []],
    ["node", ["node"]],
    ["  node   server.js\t--stdio ", ["node", "server.js", "--stdio"]],
    ["a 'b c' d", ["a", "b c", "d"]],
    ['a "b c" d', ["a", "b c", "d"]],
    ["a'b c'd", ["ab cd"]],
    ["''", [""]],
    ['a "" b', ["a", "", "b"]],
    [String.raw`a\ b`, ["a b"]],
    [String.raw`\"a\"`, ['"a"']],
    [String.raw`'a\b'`, [String.raw`a\b`]],
    [String.raw`"a\"b\\c\$d\e"`, [String.raw`a"b\c$d\e`]],
    [`"it's"`, ["it's"]],
    [`'say "x"'`, ['say "x"']],
    ["echo $HOME *.ts ~ | cat > x; `ls`", ["echo", "$HOME", "*.ts", "~", "|", "cat", ">", "x;", "`ls`"]],
    ["grüße 🌍", ["grüße", "🌍"]],
    ["a\nb", ["a", "b"]],
  ])("%j gives %j", (text, words) => {
    expect(splitCommand(text)).toEqual(words);
  });

  test("a quote that is not closed is an error that says where it is", () => {
    expect(() => splitCommand("say 'hello")).toThrow(
      `The command "say 'hello" has a single quote at character 5 that is not closed`,
    );
    expect(() => splitCommand('"a\\"')).toThrow("a double quote at character 1 that is not closed");
  });

  test("a backslash with nothing behind it is an error", () => {
    expect(() => splitCommand("a\\")).toThrow("ends in a backslash");
  });

  test("words that were joined are given back", () => {
    const words = fc.array(fc.string({ unit: "binary" }));
    fc.assert(
      fc.property(words, (list) => {
        expect(splitCommand(joinCommand(list))).toEqual(list);
      }),
    );
  });

  test("plain words are joined without quotes", () => {
    expect(joinCommand(["node", "./a.js", "--x=1", "two words", "it's"])).toBe(
      String.raw`node ./a.js --x=1 'two words' 'it'\''s'`,
    );
  });
});
