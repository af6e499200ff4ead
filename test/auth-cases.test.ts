import { describe, expect, test, vi } from "vitest";
import { hexOf, sha256 } from "../src/auth/bytes.ts";
import { challengeOf } from "../src/auth/challenge.ts";
import { isSignedBy, KeyPair } from "../src/auth/curve.ts";
import { secp256k1 } from "../src/auth/secp256k1.ts";
import { ends, meet, refusalOf } from "./auth/exchange.ts";
import { bytes, flipped, NONCE, VECTORS, type Vector } from "./auth/vectors.ts";

// The steps and the numbers are those of section 6 of what we know about Hemi's API.

const [{ privateKey, publicKey, signature, digest }] = VECTORS;
/** How far the order of the curve is from r and s that mean the same: SEC 2, 2.4.1. */
const ORDER = 0xffffffff_ffffffff_ffffffff_fffffffe_baaedce6_af48a03b_bfd25e8c_d0364141n;

const fixed = { random: () => NONCE };
const open = secp256k1({ authorize: (key) => key, ...fixed });

function command(name: string, payload: object): string {
  return JSON.stringify({ header: { command: name }, payload });
}

const hello = command("secp256k1-hello", { publickey: publicKey });

describe.each(VECTORS)("the vector of key $publicKey", (vector: Vector) => {
  test("digest and signature come out bit for bit", async () => {
    const found = await sha256(challengeOf(vector.publicKey, NONCE));
    expect(hexOf(found)).toBe(vector.digest);
    const pair = new KeyPair(vector.privateKey);
    expect(await pair.publicKey()).toBe(vector.publicKey);
    expect(hexOf(await pair.sign(found))).toBe(vector.signature);
    expect(await isSignedBy(vector.publicKey, bytes(vector.signature), found)).toBe(true);
  });

  test("the handshake has exactly these three frames, and its server gives the key as identity", async () => {
    const client = secp256k1({ privateKey: vector.privateKey, userAgent: "popm/1" });
    const { said, server } = await meet(client, open);
    const message = hexOf(challengeOf(vector.publicKey, NONCE));
    expect(said).toEqual([
      {
        from: "client",
        frame: `{"header":{"command":"secp256k1-hello","id":"Hello:${vector.publicKey}"},"payload":{"userAgent":"popm/1","publickey":"${vector.publicKey}"}}`,
      },
      {
        from: "server",
        frame: `{"header":{"command":"secp256k1-hello-challenge","id":"HelloChallenge:${vector.publicKey}"},"payload":{"message":"${message}"}}`,
      },
      {
        from: "client",
        frame: `{"header":{"command":"secp256k1-hello-challenge-accepted","id":"HelloChallengeAccepted:${vector.publicKey}"},"payload":{"signature":"${vector.signature}"}}`,
      },
    ]);
    expect(server).toEqual({ status: "fulfilled", value: vector.publicKey });
  });
});

describe("step 1, the hello", () => {
  test("has no userAgent when there is none", async () => {
    const { said } = await meet(secp256k1({ privateKey }), open);
    expect(said[0]?.frame).toContain(`"payload":{"publickey":"${publicKey}"}`);
  });

  test("key, user agent and address are given to the server", async () => {
    const authorize = vi.fn(() => ({ name: "ann" }));
    const { server } = await meet(secp256k1({ privateKey, userAgent: "popm/1" }), secp256k1({ authorize }));
    expect(authorize.mock.calls).toEqual([[publicKey, { userAgent: "popm/1", remoteAddress: "10.0.0.7:4100" }]]);
    expect(server).toEqual({ status: "fulfilled", value: { name: "ann" } });
  });

  test("an uncompressed key is taken: the challenge names the compressed one, its id the key as it was written", async () => {
    const { getPublicKey } = (await import("@noble/curves/secp256k1.js")).secp256k1;
    const long = hexOf(getPublicKey(bytes(privateKey), false)).toUpperCase();
    const [client, far] = ends();
    const half = open.server(far);
    await client.send(command("secp256k1-hello", { publickey: long }));
    const challenge = await client.receiveJson();
    expect(challenge).toEqual({
      header: { command: "secp256k1-hello-challenge", id: `HelloChallenge:${long}` },
      payload: { message: hexOf(challengeOf(publicKey, NONCE)) },
    });
    await client.send(command("secp256k1-hello-challenge-accepted", { signature }));
    expect(await half).toBe(publicKey);
  });

  test.each([
    ["of the wrong length", publicKey.slice(2)],
    ["of another form", `05${publicKey.slice(2)}`],
    ["that is no hexadecimal", `zz${publicKey.slice(2)}`],
    ["that is no text", 5],
    ["that is not there", undefined],
    ["of a megabyte", "02".repeat(1 << 19)],
  ])("a key %s is refused at once", async (_, publickey) => {
    const [client, far] = ends();
    await client.send(command("secp256k1-hello", { publickey }));
    expect(await refusalOf(open.server(far))).toMatchObject({ code: "unauthenticated", wireCode: 1008 });
    expect((await client.receiveJson())["header"]).toEqual({ command: "secp256k1-error" });
  });

  test("a key that is not on the curve is refused: nobody can sign for it", async () => {
    const [client, far] = ends();
    await client.send(command("secp256k1-hello", { publickey: `02${"00".repeat(31)}05` }));
    await client.send(command("secp256k1-hello-challenge-accepted", { signature }));
    expect((await refusalOf(open.server(far))).code).toBe("unauthenticated");
  });
});

describe("step 2, the challenge", () => {
  test("each has 16 random bytes of its own", async () => {
    const server = secp256k1({ authorize: () => true });
    const frames = await Promise.all(
      [1, 2].map(async () => (await meet(secp256k1({ privateKey }), server)).said[1]?.frame),
    );
    expect(frames[0]).not.toBe(frames[1]);
  });

  const good = hexOf(challengeOf(publicKey, NONCE));
  const other = VECTORS[1].publicKey;
  const refused: readonly (readonly [string, string])[] = [
    ["is no hexadecimal", "zz"],
    ["is shorter than a nonce", "01".repeat(15)],
    ["has a nonce of zeros", hexOf(challengeOf(publicKey, new Uint8Array(16)))],
    ["has no text", hexOf(NONCE)],
    ["is a digest of something else", digest],
    ["names another key", hexOf(challengeOf(other, NONCE))],
    ["has something behind it", `${good}0a`],
    ["is too long", "01".repeat(1025)],
  ];
  test.each(refused)("the client signs none that %s, and says so", async (_, message) => {
    const [near, server] = ends();
    await server.send(command("secp256k1-hello-challenge", { message }));
    expect(await refusalOf(secp256k1({ privateKey }).client(near))).toMatchObject({ code: "unauthenticated" });
    expect(server.got).toHaveLength(2);
    expect(String(server.got[1])).toContain('"command":"secp256k1-error"');
  });

  test.each(
    refused.map(([name, message]) => [name, message, /hexa|nonce|long/.test(name) ? "refuses" : "signs"] as const),
  )("with verifyChallenge: false one that %s is looked at as the original does", async (_, message, does) => {
    const [near, server] = ends();
    await server.send(command("secp256k1-hello-challenge", { message }));
    const outcome = await secp256k1({ privateKey, verifyChallenge: false })
      .client(near)
      .then(
        () => "signs",
        () => "refuses",
      );
    expect(outcome).toBe(does);
  });
});

describe("step 3, the signature", () => {
  test.each(VECTORS)("46: its first byte is 31 or 32 for a compressed key ($publicKey)", async (vector) => {
    expect([31, 32]).toContain(bytes(vector.signature)[0]);
  });

  const [header = 0, ...rs] = bytes(signature);
  const zeros = "00".repeat(32);
  const half = (from: number): string => signature.slice(2 + from * 64, 66 + from * 64);
  const r = half(0);
  const s = half(1);
  const hex = (number: bigint): string => number.toString(16).padStart(64, "0");
  test.each([
    ["64 bytes", signature.slice(0, -2)],
    ["66 bytes", `${signature}00`],
    ["no byte", ""],
    ["r = 0", signature.slice(0, 2) + zeros + s],
    ["s = 0", signature.slice(0, 66) + zeros],
    ["r = n", signature.slice(0, 2) + hex(ORDER) + s],
    ["s = n", signature.slice(0, 66) + hex(ORDER)],
    ["an r that no point has", `${signature.slice(0, 2)}${hex(5n)}${s}`],
    ["a high s, which means the same", hexOf(Uint8Array.of(header ^ 3)) + r + hex(ORDER - BigInt(`0x${s}`))],
    ["the first byte for an uncompressed key, which means the same", hexOf(Uint8Array.of(header - 4, ...rs))],
    ["a first byte that there is not", hexOf(Uint8Array.of(35, ...rs))],
    ["no hexadecimal", "zz".repeat(65)],
  ])("47: one with %s is refused", async (_, digits) => {
    const [client, far] = ends();
    await client.send(hello);
    await client.send(command("secp256k1-hello-challenge-accepted", { signature: digits }));
    expect(await refusalOf(open.server(far))).toMatchObject({ code: "unauthenticated", wireCode: 1008 });
    expect(String(client.got.at(-1))).toContain('"command":"secp256k1-error"');
  });

  test("47: the high s does mean the same, and the low one is taken", async () => {
    const { recoverPublicKey } = (await import("@noble/curves/secp256k1.js")).secp256k1;
    const high = bytes(hexOf(Uint8Array.of((header - 31) ^ 1)) + r + hex(ORDER - BigInt(`0x${s}`)));
    expect(hexOf(recoverPublicKey(high, bytes(digest), { prehash: false }))).toBe(publicKey);
    expect(await isSignedBy(publicKey, bytes(signature), bytes(digest))).toBe(true);
  });

  test.each([
    ["nonce", 5],
    ["text", 20 * 8],
  ])("48: a challenge whose %s was changed on the way leads to another key", async (_, bit) => {
    const tampering = (frame: string, from: string): string => {
      if (from === "client" || !frame.includes('"message"')) return frame;
      const found = /"message":"(\w+)"/.exec(frame)?.[1] ?? "";
      return frame.replace(found, hexOf(flipped(bytes(found), bit)));
    };
    const { server } = await meet(secp256k1({ privateKey, verifyChallenge: false }), open, tampering);
    expect(server).toMatchObject({ status: "rejected", reason: { code: "unauthenticated" } });
  });

  test("49: 31 more than the recovery number, then r and s, is what the original makes", async () => {
    const { sign } = (await import("@noble/curves/secp256k1.js")).secp256k1;
    const plain = sign(bytes(digest), bytes(privateKey), {
      prehash: false,
      lowS: true,
      format: "recovered",
    });
    plain[0] = (plain[0] ?? 0) + 31;
    expect(hexOf(plain)).toBe(signature);
  });
});

describe("step 4, the verdict", () => {
  test("the client is done with its signature, and needs no word", async () => {
    const [near, server] = ends();
    await server.send(command("secp256k1-hello-challenge", { message: hexOf(challengeOf(publicKey, NONCE)) }));
    expect(await secp256k1({ privateKey }).client(near)).toBeUndefined();
  });

  test("a key that is proven and that nobody knows is refused with 4100 invalid public key, and told so before", async () => {
    const { said, server } = await meet(secp256k1({ privateKey }), secp256k1({ authorize: {} }));
    expect(server).toMatchObject({
      status: "rejected",
      reason: { code: "unauthenticated", message: "invalid public key", wireCode: 4100 },
    });
    expect(JSON.parse(said.at(-1)?.frame ?? "")).toEqual({
      header: { command: "secp256k1-error" },
      payload: { error: { timestamp: expect.any(Number), message: "invalid public key", closeCode: 4100 } },
    });
  });

  test("a key that is known but not proven is not looked up", async () => {
    const authorize = vi.fn(() => true);
    const [client, far] = ends();
    await client.send(hello);
    await client.send(command("secp256k1-hello-challenge-accepted", { signature: VECTORS[1].signature }));
    expect((await refusalOf(secp256k1({ authorize, ...fixed }).server(far))).wireCode).toBe(1008);
    expect(authorize).not.toHaveBeenCalled();
  });
});

describe("the state machine", () => {
  const accepted = command("secp256k1-hello-challenge-accepted", { signature });
  const challenge = command("secp256k1-hello-challenge", { message: hexOf(challengeOf(publicKey, NONCE)) });

  test.each([
    ["the signature first", [accepted]],
    ["the hello twice", [hello, hello]],
    ["a challenge first", [challenge]],
    ["a challenge after the hello", [hello, challenge]],
    ["another command", [command("tbcapi-ping-request", {})]],
    ["the inherited name of one", [command("constructor", {})]],
  ])("at the server %s ends the handshake", async (_, frames) => {
    const [client, far] = ends();
    for (const frame of frames) await client.send(frame);
    expect((await refusalOf(open.server(far))).message).toMatch(/^Expected the command "secp256k1-hello/);
    expect(String(client.got.at(-1))).toContain('"command":"secp256k1-error"');
  });

  test.each([
    ["a hello", hello],
    ["a signature", accepted],
    ["another command", command("tbcapi-ping-request", {})],
  ])("at the client %s in place of the challenge ends the handshake", async (_, frame) => {
    const [near, server] = ends();
    await server.send(frame);
    expect((await refusalOf(secp256k1({ privateKey }).client(near))).message).toBe(
      'Expected the command "secp256k1-hello-challenge"',
    );
  });

  test.each([
    ["no JSON", "hello"],
    ["a list", "[]"],
    ["null", "null"],
    ["no header", "{}"],
    ["a header that is a text", '{"header":"secp256k1-hello"}'],
    ["an id that is a number", '{"header":{"command":"secp256k1-hello","id":5},"payload":{"publickey":""}}'],
    ["no payload", '{"header":{"command":"secp256k1-hello"}}'],
    ["something behind the object", `${hello}{}`],
    ["bytes that are no UTF-8", Uint8Array.of(0x7b, 0xff, 0x7d)],
    ["a nest", `{"header":${'{"a":'.repeat(300)}1${"}".repeat(300)}}`],
    ["5 KB", `${hello.slice(0, -1)},"more":"${"x".repeat(5000)}"}`],
  ])("a first frame with %s is refused, and told so", async (_, frame) => {
    const [client, far] = ends();
    await client.send(frame);
    expect(await refusalOf(open.server(far))).toMatchObject({ wireCode: 1008 });
    expect(String(client.got.at(-1))).toContain('"command":"secp256k1-error"');
  });

  test("bytes and text mean the same", async () => {
    const [client, far] = ends();
    const encoder = new TextEncoder();
    await client.send(encoder.encode(hello));
    await client.send(encoder.encode(accepted));
    expect(await open.server(far)).toBe(publicKey);
  });

  test("what the other side refuses is taken for that, quoted safely, and not told back", async () => {
    const [near, server] = ends();
    const error = { timestamp: 1, message: "invalid\npublic key", closeCode: 4100 };
    await server.send(command("secp256k1-error", { error }));
    expect(await refusalOf(secp256k1({ privateKey }).client(near))).toMatchObject({
      message: "Refused by the other side: invalid\\u000apublic key",
      remote: true,
      wireCode: 4100,
    });
    expect(server.got).toHaveLength(1);
  });
});

describe("replay and relay", () => {
  test("what was said in one handshake opens no second one", async () => {
    const server = secp256k1({ authorize: () => true });
    const { said } = await meet(secp256k1({ privateKey }), server);
    const [thief, far] = ends();
    for (const { from, frame } of said) if (from === "client") await thief.send(frame);
    expect(await refusalOf(server.server(far))).toMatchObject({ code: "unauthenticated", wireCode: 1008 });
  });

  test("a server that the client dials logs in elsewhere as the client: the weakness that boundKey() has not", async () => {
    const authorize = vi.fn((key: string) => `owner of ${key}`);
    const [victim, hostile] = ends();
    const [mallory, bank] = ends();
    const login = secp256k1({ authorize }).server(bank);
    const client = secp256k1({ privateKey }).client(victim);
    await mallory.send(await hostile.receive());
    await hostile.send(await mallory.receive());
    await mallory.send(await hostile.receive());
    await client;
    expect(await login).toBe(`owner of ${publicKey}`);
  });
});
