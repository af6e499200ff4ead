import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, describe, expect, test } from "vitest";
import { type Headers, headerOption } from "./headers.ts";

const folder = mkdtempSync(join(tmpdir(), "convoke-headers-"));
afterAll(() => rmSync(folder, { recursive: true }));

function parsed(...given: string[]): Headers | undefined {
  const command = new Command().addOption(headerOption()).exitOverride();
  const args = given.flatMap((header) => ["--header", header]);
  return command.parse(args, { from: "user" }).opts<{ header?: Headers }>().header;
}

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return `@${join(folder, name)}`;
}

describe("--header", () => {
  test("is a name, a colon and a value, given once for each", () => {
    expect(parsed()).toBe(undefined);
    expect(parsed("X-Tenant: blue", "X-Empty:", "authorization:Bearer a:b ")).toEqual({
      "x-tenant": "blue",
      "x-empty": "",
      authorization: "Bearer a:b",
    });
  });

  test("may name a file with one a line", () => {
    const both = file("both.txt", "Authorization: Bearer abc\r\n\r\nX-Tenant: blue\n");
    expect(parsed(both, "X-Other: 1")).toEqual({ authorization: "Bearer abc", "x-tenant": "blue", "x-other": "1" });
  });

  test.each([
    ["a value without a name", [": secret"], /^--header must be a name, a colon and a value/],
    ["no colon", ["secret"], /^--header must be a name, a colon and a value/],
    ["a name with a blank", ["Bearer secret: x"], /^--header must be/],
    ["the same name twice", ["X-A: secret", "x-a: secret"], /^--header has "x-a" twice/],
    ["a bad line in a file", [file("bad.txt", "X-A: 1\nsecret\n")], /^Line 2 of the file of --header must be a name/],
    ["no such file", ["@/nowhere/at/all"], /^Cannot read the file of --header: ENOENT/],
  ])("%s is refused, and no value is repeated", (_, given, wanted) => {
    let message = "";
    try {
      parsed(...given);
    } catch (thrown) {
      message = String((thrown as Error).message);
    }
    expect(message).toMatch(wanted);
    expect(message).not.toContain("secret");
  });
});
