import { describe, expect, test, vi } from "vitest";
import { cpuMsEach, ends, meet, refusalOf } from "../../test/auth/exchange.ts";
import { RpcError } from "../core/errors.ts";
import { token } from "./token.ts";

const table = { "s3cret-of-ann": "ann", "s3cret-of-bob": "bob" };

describe("a token", () => {
  test("is shown in the first frame, and its owner is the identity", async () => {
    const { client, server, said } = await meet(token({ token: "s3cret-of-bob" }), token({ authorize: table }));
    expect([client, server]).toEqual([
      { status: "fulfilled", value: undefined },
      { status: "fulfilled", value: "bob" },
    ]);
    expect(said).toEqual([
      { from: "client", frame: '{"token":"s3cret-of-bob"}' },
      { from: "server", frame: '{"welcome":true}' },
    ]);
  });

  test("may come from a function, which is asked at each handshake", async () => {
    const tokens = ["old", "new"];
    const client = token({ token: async () => tokens.shift() ?? "" });
    const server = token({
      authorize: new Map([
        ["old", 1],
        ["new", 2],
      ]),
    });
    expect([(await meet(client, server)).server, (await meet(client, server)).server]).toEqual([
      { status: "fulfilled", value: 1 },
      { status: "fulfilled", value: 2 },
    ]);
  });

  test("is given to a function, with the address that it came from", async () => {
    const authorize = vi.fn(async (given: string) => given === "good" && { name: "ann" });
    const { server } = await meet(token({ token: "good" }), token({ authorize }));
    expect(server).toEqual({ status: "fulfilled", value: { name: "ann" } });
    expect(authorize.mock.calls).toEqual([["good", { userAgent: "", remoteAddress: "10.0.0.7:4100" }]]);
  });

  test.each([false, null, undefined])("is refused where a function finds %s", async (found) => {
    const { client, server } = await meet(token({ token: "bad" }), token({ authorize: () => found }));
    expect(server).toMatchObject({ reason: { code: "unauthenticated", message: "Invalid token", wireCode: 1008 } });
    expect(client).toMatchObject({ reason: { message: "Refused by the other side: Invalid token", remote: true } });
  });

  test("may stand for an identity that is falsy in another way", async () => {
    const { server } = await meet(token({ token: "zero" }), token({ authorize: { zero: 0 } }));
    expect(server).toEqual({ status: "fulfilled", value: 0 });
  });

  test.each(["", "s3cret-of-an", "s3cret-of-ann ", "S3CRET-OF-ANN", "constructor", "__proto__", "toString"])(
    "that is not in the table is refused: %j",
    async (wrong) => {
      const { server } = await meet(token({ token: () => wrong }), token({ authorize: table }));
      expect(server).toMatchObject({ reason: { message: "Invalid token" } });
    },
  );

  test("is refused when a function throws, with its own RpcError", async () => {
    const authorize = (): never => {
      throw new RpcError("permission_denied", "This token has expired");
    };
    const { client } = await meet(token({ token: "old" }), token({ authorize }));
    expect(client).toMatchObject({
      reason: { code: "permission_denied", message: "Refused by the other side: This token has expired" },
    });
  });

  test("is refused when a function fails, and the other side is not told how", async () => {
    const authorize = (): never => {
      throw new Error("database password wrong");
    };
    const { client, said } = await meet(token({ token: "any" }), token({ authorize }));
    expect(client).toMatchObject({ reason: { code: "internal" } });
    expect(JSON.stringify(said)).not.toContain("database");
  });

  test.each([
    ["nothing", "{}"],
    ["a token that is no text", '{"token":5}'],
    ["a list", '["token"]'],
    ["no JSON", "token"],
    ["17 KB", `{"token":"${"x".repeat(17_000)}"}`],
    ["a hello of another scheme", '{"header":{"command":"secp256k1-hello"},"payload":{}}'],
  ])("that is missing is refused, with a word: %s", async (_, frame) => {
    const [near, far] = ends();
    await near.send(frame);
    expect((await refusalOf(token({ authorize: table }).server(far))).wireCode).toBe(1008);
    expect(Object.keys(JSON.parse(String(near.got[0])))).toEqual(["error"]);
  });

  test.each([
    ["something else", '{"hello":1}'],
    ["no JSON", "welcome"],
  ])("whose answer is %s ends the client's handshake", async (_, frame) => {
    const [near, far] = ends();
    await far.send(frame);
    expect((await refusalOf(token({ token: "any" }).client(near))).code).toBe("unauthenticated");
  });

  test("costs no more than 3 ms of CPU when it is refused, among 1000 that are not", async () => {
    const many = Object.fromEntries(Array.from({ length: 1000 }, (_, each) => [`token ${each}`, each]));
    const server = token({ authorize: many });
    const spent = await cpuMsEach(Array.from({ length: 200 }), async () => {
      const [near, far] = ends();
      await near.send('{"token":"token 1000"}');
      await refusalOf(server.server(far));
    });
    expect(spent).toBeLessThanOrEqual(3);
  });
});

describe("options", () => {
  test.each([
    ["an empty token", { token: "" }],
    ["a token that is no text", { token: 5 as unknown as string }],
    ["an empty token in the table", { authorize: { "": "nobody" } }],
    ["a table that is none", { authorize: "ann" as unknown as object as Record<string, unknown> }],
  ])("%s throws a TypeError at once", (_, options) => {
    expect(() => token(options)).toThrow(TypeError);
  });

  test("a half without its part says what to give", async () => {
    const [near, far] = ends();
    expect(await refusalOf(token({ authorize: table }).client(near))).toMatchObject({
      code: "failed_precondition",
      message: "Cannot prove who this client is: give token() a token",
    });
    expect(await refusalOf(token({ token: "any" }).server(far))).toMatchObject({
      code: "failed_precondition",
      message: "Cannot let anybody in: give token() a function or table authorize",
    });
  });
});
