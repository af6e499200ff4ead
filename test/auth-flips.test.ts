import { beforeAll, describe, expect, test } from "vitest";
import { hexOf, sha256 } from "../src/auth/bytes.ts";
import { challengeOf } from "../src/auth/challenge.ts";
import { KeyPair } from "../src/auth/curve.ts";
import { secp256k1 } from "../src/auth/secp256k1.ts";
import { cpuMsEach, ends, refusalOf } from "./auth/exchange.ts";
import { bytes, flipped, NONCE, VECTORS } from "./auth/vectors.ts";

/** What one refused attempt may cost this end. */
const MOST_MS = 3;
/** Turns before the measuring begins, so that what is measured is compiled. */
const WARM_UP = 50;

const [{ privateKey, publicKey, signature }] = VECTORS;
const challenge = challengeOf(publicKey, NONCE);
/** It would let the key in, if only it were proven; and it always asks the same. */
const server = secp256k1({ authorize: () => true, random: () => NONCE });

const hello = command("secp256k1-hello", { publickey: publicKey });

function command(name: string, payload: object): string {
  return JSON.stringify({ header: { command: name }, payload });
}

/** The places of bits, from one byte to another. */
function bits(from: number, to: number): number[] {
  return Array.from({ length: (to - from) * 8 }, (_, at) => from * 8 + at);
}

/** Logs in with a signature, and gives how that ended. */
async function attempt(digits: string): Promise<string> {
  const [client, far] = ends();
  await client.send(hello);
  await client.send(command("secp256k1-hello-challenge-accepted", { signature: digits }));
  try {
    await server.server(far);
    return "let in";
  } catch (thrown) {
    const last = String(client.got.at(-1));
    return last.startsWith('{"header":{"command":"secp256k1-error"}') ? (thrown as { code: string }).code : "no word";
  }
}

/** Makes the attempts, all of which must be refused, and gives the CPU time of one. */
async function refusing(attempts: readonly string[]): Promise<number> {
  const outcomes = new Map<string, number>();
  const spent = await cpuMsEach(attempts, async (digits) => {
    const outcome = await attempt(digits);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  });
  expect([...outcomes]).toEqual([["unauthenticated", attempts.length]]);
  return spent;
}

describe("one bit that is flipped costs the login, and 3 ms of CPU at most", () => {
  beforeAll(async () => {
    for (let each = 0; each < WARM_UP; each++) expect(await attempt(signature)).toBe("let in");
  });

  test("each of the 65 x 8 of the signature", async () => {
    const all = bits(0, 65).map((bit) => hexOf(flipped(bytes(signature), bit)));
    expect(await refusing(all)).toBeLessThanOrEqual(MOST_MS);
  });

  test("each of the 117 x 8 of the challenge, signed by a client that signs anything", async () => {
    expect(challenge).toHaveLength(117);
    const pair = new KeyPair(privateKey);
    const all: string[] = [];
    for (const bit of bits(0, 117)) all.push(hexOf(await pair.sign(await sha256(flipped(challenge, bit)))));
    expect(await refusing(all)).toBeLessThanOrEqual(MOST_MS);
  });

  test("each of the 101 x 8 of its text, at a client, which signs none of them", async () => {
    const client = secp256k1({ privateKey });
    const spent = await cpuMsEach(bits(NONCE.length, 117), async (bit) => {
      const [near, far] = ends();
      await far.send(command("secp256k1-hello-challenge", { message: hexOf(flipped(challenge, bit)) }));
      expect((await refusalOf(client.client(near))).message).toContain("does not name the key");
      expect(far.got).toHaveLength(2);
      expect(String(far.got[1])).toContain("secp256k1-error");
    });
    expect(spent).toBeLessThanOrEqual(MOST_MS);
  });
});
