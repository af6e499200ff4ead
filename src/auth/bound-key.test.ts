import { describe, expect, test, vi } from "vitest";
import { cpuMsEach, ends, meet, refusalOf } from "../../test/auth/exchange.ts";
import { bytes, flipped, VECTORS } from "../../test/auth/vectors.ts";
import { type BoundKeyOptions, boundKey } from "./bound-key.ts";
import { hexOf } from "./bytes.ts";
import { isSignedBy } from "./curve.ts";
import { taggedHash } from "./tagged-hash.ts";

const [ann, shop, other] = VECTORS;
const serverName = "shop.example:7000";

const client = (more: Partial<BoundKeyOptions> = {}) => boundKey({ serverName, privateKey: ann.privateKey, ...more });
const server = (more: Partial<BoundKeyOptions> = {}) =>
  boundKey({ serverName, authorize: { [ann.publicKey]: "ann" }, ...more });

describe("the handshake", () => {
  test("proves the client's key, and gives what authorize found as identity", async () => {
    const { client: one, server: two } = await meet(client(), server());
    expect([one, two]).toEqual([
      { status: "fulfilled", value: undefined },
      { status: "fulfilled", value: "ann" },
    ]);
  });

  test("proves the server's key too when it has one", async () => {
    const meeting = await meet(client({ serverKeys: shop.publicKey }), server({ privateKey: shop.privateKey }));
    expect(meeting.client).toEqual({ status: "fulfilled", value: { publicKey: shop.publicKey } });
    expect(meeting.server).toEqual({ status: "fulfilled", value: "ann" });
  });

  test("has the frames of docs/authentication.md", async () => {
    let fill = 0;
    const random = (length: number): Uint8Array => new Uint8Array(length).fill(++fill);
    const { said } = await meet(
      client({ userAgent: "agent/1", random }),
      server({ privateKey: shop.privateKey, random }),
    );
    const frames = said.map(({ frame }) => JSON.parse(frame));
    const hex = expect.stringMatching(/^(1f|20)[0-9a-f]{128}$/);
    expect(frames).toEqual([
      { boundKey: 1, clientKey: ann.publicKey, nonce: "01".repeat(32), userAgent: "agent/1" },
      { boundKey: 1, serverName, serverKey: shop.publicKey, nonce: "02".repeat(32) },
      { signature: hex },
      { welcome: true, signature: hex },
    ]);
    const fields = [
      serverName,
      ann.publicKey,
      shop.publicKey,
      new Uint8Array(32).fill(1),
      new Uint8Array(32).fill(2),
      "agent/1",
    ];
    const digest = (signer: string) => taggedHash("convoke/bound-key/1", [signer, ...fields]);
    expect(await isSignedBy(ann.publicKey, bytes(frames[2].signature), await digest("client"))).toBe(true);
    expect(await isSignedBy(shop.publicKey, bytes(frames[3].signature), await digest("server"))).toBe(true);
  });

  test("gives authorize the key, the user agent and the address", async () => {
    const authorize = vi.fn(async () => ({ name: "ann" }));
    await meet(client({ userAgent: "agent/1" }), server({ authorize }));
    expect(authorize.mock.calls).toEqual([[ann.publicKey, { userAgent: "agent/1", remoteAddress: "10.0.0.7:4100" }]]);
  });
});

describe("refused is", () => {
  test("a key that nobody knows, with 4100, and the client knows why", async () => {
    const meeting = await meet(client({ privateKey: other.privateKey }), server());
    expect(meeting.server).toMatchObject({ reason: { wireCode: 4100, message: "invalid public key" } });
    expect(meeting.client).toMatchObject({
      reason: {
        code: "unauthenticated",
        message: "Refused by the other side: invalid public key",
        wireCode: 4100,
        remote: true,
      },
    });
    expect(meeting.said.at(-1)?.frame).toBe(
      '{"error":{"code":"unauthenticated","message":"invalid public key","closeCode":4100}}',
    );
  });

  test("a server with a wrong name, before anything is signed", async () => {
    const meeting = await meet(client({ serverName: "bank.example:7000" }), server());
    expect(meeting.client).toMatchObject({
      reason: { message: 'The server is "shop.example:7000", and not "bank.example:7000"' },
    });
    expect(meeting.server).toMatchObject({ reason: { remote: true } });
    expect(meeting.said.map(({ frame }) => Object.keys(JSON.parse(frame))[0])).toEqual([
      "boundKey",
      "boundKey",
      "error",
    ]);
  });

  test.each([
    ["has none", {}],
    ["has another one", { privateKey: other.privateKey }],
  ])("a server that should have a key and %s, before anything is signed", async (_, more) => {
    const meeting = await meet(client({ serverKeys: [shop.publicKey] }), server(more));
    expect(meeting.client).toMatchObject({ reason: { message: expect.stringContaining("none of the keys") } });
    expect(meeting.said).toHaveLength(3);
  });

  test("a server that says another's key and cannot prove it", async () => {
    const lie = (frame: string, from: string): string =>
      from === "server" ? frame.replace(shop.publicKey, other.publicKey) : frame;
    const meeting = await meet(
      client({ serverKeys: other.publicKey }),
      // It would let anybody in.
      server({ privateKey: shop.privateKey, authorize: () => true }),
      lie,
    );
    // The client has signed for the other key: the real server does not take that.
    expect(meeting.server).toMatchObject({ reason: { message: expect.stringContaining("signature") } });
  });

  test("a challenge that was relayed as it is", async () => {
    const bank = boundKey({ serverName: "bank.example", authorize: () => true });
    const meeting = await meet(client(), bank);
    expect([meeting.client.status, meeting.server.status]).toEqual(["rejected", "rejected"]);
  });

  test("a challenge that was relayed under the name that the client expects", async () => {
    const bank = boundKey({ serverName: "bank.example", authorize: () => true });
    const renamed = (frame: string): string => frame.replace("bank.example", serverName);
    const meeting = await meet(client(), bank, renamed);
    expect(meeting.server).toMatchObject({ reason: { message: expect.stringContaining("signature") } });
  });

  test("what was said in another handshake", async () => {
    const to = server();
    const { said } = await meet(client(), to);
    const [thief, far] = ends();
    for (const { from, frame } of said) if (from === "client") await thief.send(frame);
    expect((await refusalOf(to.server(far))).message).toContain("signature");
  });

  test("the server's own signature sent back to it", async () => {
    const to = server({
      privateKey: shop.privateKey,
      authorize: () => true,
      random: (length) => new Uint8Array(length),
    });
    const { said } = await meet(client({ random: (length) => new Uint8Array(length) }), to);
    const own = JSON.parse(said[3]?.frame ?? "").signature;
    const [thief, far] = ends();
    await thief.send(JSON.stringify({ boundKey: 1, clientKey: shop.publicKey, nonce: "00".repeat(32) }));
    await thief.send(JSON.stringify({ signature: own }));
    expect((await refusalOf(to.server(far))).message).toContain("signature");
  });

  test.each([
    ["the client's nonce", 0, "nonce"],
    ["the client's key", 0, "clientKey"],
    ["the user agent", 0, "userAgent"],
    ["the server's nonce", 1, "nonce"],
    ["the server's key", 1, "serverKey"],
  ])("a handshake in which %s was changed on the way", async (_, at, member) => {
    let count = 0;
    const tampering = (frame: string): string => {
      if (count++ !== at) return frame;
      const fields = JSON.parse(frame);
      const value: string = fields[member];
      return JSON.stringify({ ...fields, [member]: `${value.slice(0, -1)}${value.endsWith("1") ? "2" : "1"}` });
    };
    const { server: half } = await meet(
      client({ userAgent: "agent/0" }),
      server({ privateKey: shop.privateKey, authorize: () => true }),
      tampering,
    );
    expect(half.status).toBe("rejected");
  });

  test.each([
    ["a signature first", ['{"signature":"00"}']],
    ["another version", [`{"boundKey":2,"clientKey":"${ann.publicKey}","nonce":"${"00".repeat(32)}"}`]],
    ["a short nonce", [`{"boundKey":1,"clientKey":"${ann.publicKey}","nonce":"00"}`]],
    ["no key", [`{"boundKey":1,"nonce":"${"00".repeat(32)}"}`]],
    [
      "a user agent that is no text",
      [`{"boundKey":1,"clientKey":"${ann.publicKey}","nonce":"${"00".repeat(32)}","userAgent":1}`],
    ],
    ["a command of another scheme", ['{"header":{"command":"secp256k1-hello"},"payload":{}}']],
    ["5 KB", [`{"boundKey":1,"more":"${"x".repeat(5000)}"}`]],
    ["no JSON", ["hello"]],
  ])("a client that says %s, with a word", async (_, frames) => {
    const [near, far] = ends();
    for (const frame of frames) await near.send(frame);
    expect(await refusalOf(server().server(far))).toMatchObject({ code: "unauthenticated", wireCode: 1008 });
    expect(Object.keys(JSON.parse(String(near.got.at(-1))))).toEqual(["error"]);
  });

  test.each([
    ["a welcome first", '{"welcome":true}'],
    ["no nonce", `{"boundKey":1,"serverName":"${serverName}"}`],
    ["a key that is none", `{"boundKey":1,"serverName":"${serverName}","serverKey":"05","nonce":"${"00".repeat(32)}"}`],
    ["a name that is no text", `{"boundKey":1,"serverName":5,"nonce":"${"00".repeat(32)}"}`],
  ])("a server that says %s, with a word", async (_, frame) => {
    const [near, far] = ends();
    await far.send(frame);
    expect((await refusalOf(client().client(near))).code).toBe("unauthenticated");
    expect(Object.keys(JSON.parse(String(far.got.at(-1))))).toEqual(["error"]);
  });

  test("each flip of a bit of either signature, the client's at no more than 3 ms of CPU", async () => {
    const to = server({ privateKey: shop.privateKey, random: (length) => new Uint8Array(length) });
    const from = client({ random: (length) => new Uint8Array(length), serverKeys: shop.publicKey });
    const { said } = await meet(from, to);
    const [hello, answer, proof, welcome] = said.map(({ frame }) => frame);
    const signatureIn = (frame = ""): Uint8Array => bytes(JSON.parse(frame).signature);
    const all = Array.from({ length: 65 * 8 }, (_, bit) => bit);
    let refused = 0;
    const spent = await cpuMsEach(all, async (bit) => {
      const [near, far] = ends();
      await near.send(hello ?? "");
      await near.send(JSON.stringify({ signature: hexOf(flipped(signatureIn(proof), bit)) }));
      if ((await refusalOf(to.server(far))).wireCode === 1008) refused++;
    });
    expect(spent).toBeLessThanOrEqual(3);
    for (const bit of all.filter((each) => each % 8 === 0)) {
      const [near, far] = ends();
      await far.send(answer ?? "");
      await far.send(JSON.stringify({ welcome: true, signature: hexOf(flipped(signatureIn(welcome), bit)) }));
      if ((await refusalOf(from.client(near))).wireCode === 1008) refused++;
    }
    expect(refused).toBe(65 * 8 + 65);
  });
});

describe("options", () => {
  test.each([
    ["no server name", { serverName: "" }, "serverName"],
    ["a server name that is too long", { serverName: "x".repeat(256) }, "serverName"],
    ["a secret key that is none", { serverName, privateKey: "00" }, "privateKey"],
    ["a server's key that is none", { serverName, serverKeys: ["00"] }, "public key"],
    ["a table with a key that is none", { serverName, authorize: { ann: 1 } }, "public key"],
  ])("%s throws a TypeError at once", (_, options, word) => {
    expect(() => boundKey(options)).toThrow(TypeError);
    expect(() => boundKey(options)).toThrow(word);
  });
});
