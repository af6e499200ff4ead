import { Command } from "commander";
import { describe, expect, test, vi } from "vitest";
import { ManualClock } from "../core/clock.ts";
import type { CodecLink } from "../core/codec.ts";
import { DEFAULT_LIMITS } from "../core/limits.ts";
import { fleetWireOf, spokenOf, wireOf, wireOption, wiresOption } from "./wires.ts";

const LINK: CodecLink = {
  role: "client",
  limits: DEFAULT_LIMITS,
  clock: new ManualClock(),
  maxFrameBytes: DEFAULT_LIMITS.maxFrameBytes,
  pending: () => undefined,
  running: () => false,
};

/** The bodies that the dialling end says it wants, the one it likes best first. */
function bodiesOf(name: string): unknown {
  const [frame] = wireOf(name)
    .codec(LINK)
    .encode([{ kind: "hello", hello: {} }], () => undefined);
  const [, fields] = JSON.parse(String(frame)) as [number, { readonly bodies: unknown }];
  return fields.bodies;
}

describe("the names of wires", () => {
  test("the default is jsonrpc", () => {
    expect(new Command().addOption(wireOption().env("")).parse([], { from: "user" }).opts()).toEqual({
      wire: "jsonrpc",
    });
  });

  test("a command that listens takes several, and its own word instead of the environment's", () => {
    const parsed = (...args: string[]) => new Command().addOption(wiresOption()).parse(args, { from: "user" }).opts();
    vi.stubEnv("CONVOKE_WIRE", "lsp");
    expect(parsed()).toEqual({ wire: ["lsp"] });
    expect(parsed("--wire", "native", "--wire", "jsonrpc")).toEqual({ wire: ["native", "jsonrpc"] });
    vi.unstubAllEnvs();
    const namesOf = (names?: readonly string[]) => {
      const spoken = spokenOf(names);
      return "wire" in spoken ? spoken.wire.name : spoken.wires.map(({ name }) => name);
    };
    expect([namesOf(), namesOf(["lsp"]), namesOf(["native", "jsonrpc"])]).toEqual([
      "jsonrpc",
      "lsp",
      ["native", "jsonrpc"],
    ]);
    expect(() => spokenOf(["native", "gorpc"], fleetWireOf)).toThrow(/no agents on gorpc/);
  });

  test.each(["jsonrpc", "native", "gorpc"])("%s is the wire of that name", (name) => {
    expect(wireOf(name).name).toBe(name);
  });

  test("native likes MessagePack best, native:json and native:msgpack what they say", () => {
    expect(bodiesOf("native")).toEqual(["msgpack", "json"]);
    expect(bodiesOf("native:json")).toEqual(["json", "msgpack"]);
    expect(bodiesOf("native:msgpack")).toEqual(["msgpack", "json"]);
  });

  test("a body that there is not is refused, and the message names those that there are", () => {
    expect(() => wireOf("native:xml")).toThrow(/native has the bodies json and msgpack.+"xml"/);
  });

  test("gorpc is compressed when it is asked for, and has no other detail", () => {
    expect(wireOf("gorpc:deflate").name).toBe("gorpc");
    expect(() => wireOf("gorpc:zip")).toThrow(/gorpc:deflate.+"zip"/);
  });

  test("command needs a prefix, takes any method, and has no agents", () => {
    const link: CodecLink = { ...LINK, role: "server" };
    const push = { kind: "notify", method: "tx", params: {}, meta: undefined } as const;
    expect(
      wireOf("command:tbcapi")
        .codec(link)
        .encode([push], () => undefined),
    ).toEqual(['{"header":{"command":"tbcapi-tx-notification"},"payload":{}}']);
    expect(() => wireOf("command")).toThrow(/as in command:tbcapi/);
    expect(() => fleetWireOf("command:tbcapi")).toThrow(/no agents on command, where nobody says a name/);
    expect(() => fleetWireOf("gorpc")).toThrow(/no agents on gorpc, where only/);
    expect(fleetWireOf("native").name).toBe("native");
  });

  test("a wire that there is not is refused, and the message names native among the others", () => {
    expect(() => wireOf("smoke")).toThrow(/There is no wire "smoke".+native:json/);
  });
});
