import { describe, expect, test } from "vitest";
import type { MemberInfo } from "../fleet/member.ts";
import { ageText, eventText, memberText, tableOf } from "./agents-table.ts";

const NOW = 1_000_000_000;

function member(info: Partial<MemberInfo>): MemberInfo {
  return {
    name: "ann",
    labels: {},
    address: "127.0.0.1:4000",
    wire: "native",
    since: NOW,
    lastSeen: NOW,
    running: 0,
    pending: 0,
    ...info,
  };
}

describe("the table of agents", () => {
  test("has titles, and columns that are as wide as what is in them", () => {
    const members = [
      member({ labels: { zone: "a", os: "linux" }, since: NOW - 7_500_000, lastSeen: NOW - 1500, pending: 12 }),
      member({ name: "bob-the-second", address: undefined, wire: "lsp", running: 3 }),
    ];
    expect(tableOf(members, NOW)).toEqual([
      "NAME            WIRE    ADDRESS         UP    SEEN  RUNNING  PENDING  LABELS",
      "ann             native  127.0.0.1:4000  2h5m  1s    0        12       zone=a,os=linux",
      "bob-the-second  lsp     -               0s    0s    3        0",
    ]);
  });

  test("has its titles also when nobody is there", () => {
    expect(tableOf([], NOW)).toEqual(["NAME  WIRE  ADDRESS  UP  SEEN  RUNNING  PENDING  LABELS"]);
  });

  test("escapes what agents say of themselves, and a long name leaves the other lines where they are", () => {
    const lines = tableOf(
      [member({ name: "x".repeat(200) }), member({ name: "a\u001b[2J\n", labels: { "k\r": "\u202e" } })],
      NOW,
    );
    expect(lines[0]).toBe(`${"NAME".padEnd(40)}  WIRE    ADDRESS         UP  SEEN  RUNNING  PENDING  LABELS`);
    expect(lines[1]).toBe(`${"x".repeat(200)}  native  127.0.0.1:4000  0s  0s    0        0`);
    expect(lines[2]).toBe(
      `${"a\\u001b[2J\\u000a".padEnd(40)}  native  127.0.0.1:4000  0s  0s    0        0        k\\u000d=\\u202e`,
    );
  });
});

test("an event is one line", () => {
  const at = new Date(2026, 1, 3, 4, 5, 6);
  const info = member({ labels: { zone: "a" } });
  expect(eventText({ kind: "joined", member: "ann", info }, at)).toBe(
    "04:05:06 joined ann (native, 127.0.0.1:4000) zone=a",
  );
  expect(eventText({ kind: "left", member: "ann", info, reason: "drain\ning" }, at)).toBe(
    "04:05:06 left ann: drain\\u000aing",
  );
  expect(memberText(member({ address: undefined }))).toBe("ann (native, -)");
});

test.each([
  [-5000, "0s"],
  [59_999, "59s"],
  [60_000, "1m0s"],
  [3_599_000, "59m59s"],
  [3_600_000, "1h0m"],
  [90_000_000, "1d1h"],
])("%d ms are %s", (ms, text) => {
  expect(ageText(ms)).toBe(text);
});
