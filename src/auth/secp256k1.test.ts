import { describe, expect, test } from "vitest";
import { ends, meet, refusalOf } from "../../test/auth/exchange.ts";
import { bytes, VECTORS } from "../../test/auth/vectors.ts";
import { RpcError } from "../core/errors.ts";
import { secp256k1 } from "./secp256k1.ts";

// The handshake itself is in test/auth-cases.test.ts and test/auth-flips.test.ts.

const [{ privateKey, publicKey }, other] = VECTORS;
const order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";

describe("options", () => {
  test.each([
    ["zero", "00".repeat(32)],
    ["the order of the curve", order],
    ["above it", "ff".repeat(32)],
    ["too short", "01".repeat(31)],
    ["too long", "01".repeat(33)],
    ["no hexadecimal", "zz".repeat(32)],
    ["bytes that are too few", new Uint8Array(31).fill(1)],
    ["no key at all", 5 as unknown as string],
  ])("a secret key that is %s throws a TypeError at once, which does not quote it", (_, key) => {
    expect(() => secp256k1({ privateKey: key })).toThrow(
      new TypeError("privateKey must be a secret key of secp256k1: 32 bytes or 64 hexadecimal digits"),
    );
  });

  test("a secret key may be bytes, which are copied", async () => {
    const key = bytes(privateKey);
    const client = secp256k1({ privateKey: key });
    key.fill(0);
    expect((await meet(client, secp256k1({ authorize: (found) => found }))).server).toMatchObject({ value: publicKey });
  });

  test.each([
    ["a Map", new Map([[publicKey, "ann"]])],
    ["an object", { [publicKey.toUpperCase()]: "ann" }],
    ["a function", (key: string) => (key === publicKey ? "ann" : undefined)],
    ["a function that takes its time", async (key: string) => key === publicKey && "ann"],
  ])("authorize may be %s", async (_, authorize) => {
    const server = secp256k1({ authorize });
    expect((await meet(secp256k1({ privateKey }), server)).server).toEqual({ status: "fulfilled", value: "ann" });
    expect((await meet(secp256k1({ privateKey: other.privateKey }), server)).server).toMatchObject({
      reason: { wireCode: 4100 },
    });
  });

  test("an error that authorize throws refuses with its own words", async () => {
    const authorize = (): never => {
      throw new RpcError("resource_exhausted", "Too many logins", { wireCode: 4129 });
    };
    const { server, said } = await meet(secp256k1({ privateKey }), secp256k1({ authorize }));
    expect(server).toMatchObject({ reason: { code: "resource_exhausted", wireCode: 4129 } });
    expect(said.at(-1)?.frame).toContain('"message":"Too many logins","closeCode":4129');
  });

  test("a table with a key that is none throws a TypeError at once", () => {
    expect(() => secp256k1({ authorize: { ann: 1 } })).toThrow(TypeError);
  });

  test("a half without its part says what to give, and a server lets nobody in by default", async () => {
    const [near, far] = ends();
    expect(await refusalOf(secp256k1({}).client(near))).toMatchObject({
      code: "failed_precondition",
      message: "Cannot prove who this client is: give secp256k1() a privateKey",
    });
    expect(await refusalOf(secp256k1({ privateKey }).server(far))).toMatchObject({
      code: "failed_precondition",
      message: "Cannot let anybody in: give secp256k1() a function or table authorize",
    });
  });
});

describe("the end of the link", () => {
  test.each(["client", "server"] as const)("while the %s waits is its error", async (role) => {
    const [near, far] = ends();
    const half = role === "client" ? secp256k1({ privateKey }).client(near) : secp256k1({ authorize: {} }).server(far);
    (role === "client" ? near : far).end(new RpcError("unavailable", "Gone"));
    expect(await refusalOf(half)).toMatchObject({ code: "unavailable", message: "Gone" });
  });

  test("the end of its time is told to the other side", async () => {
    const [near, far] = ends();
    const half = secp256k1({ authorize: {} }).server(far);
    far.end(new RpcError("deadline_exceeded", "The handshake did not end within 15 ms"));
    expect((await refusalOf(half)).code).toBe("deadline_exceeded");
    expect(String(near.got[0])).toContain("did not end within 15 ms");
  });
});
