import { expect, test } from "vitest";
import { RpcError } from "../../src/core/errors.ts";
import { type AnyType, Decoder } from "../../src/gob.ts";
import { Random } from "../schedules/random.ts";
import { fromHex, messagesIn, toHex } from "./bytes.ts";
import { CONNECTIONS } from "./captures.ts";
import { TYPES, wireRequest, wireResponse } from "./described.ts";
import { mutated } from "./mutations.ts";

const TIMES = 100_000;
const MAX_MS = 50;
const MAX_HEAP_BYTES = 192 << 20;

interface Capture {
  readonly title: string;
  readonly type: AnyType;
  readonly bytes: Uint8Array;
}

function decodes(bytes: Uint8Array, type: AnyType): boolean {
  try {
    const decoder = new Decoder({ types: TYPES });
    const values = decoder.push(bytes, type);
    decoder.end();
    return values.length > 0;
  } catch {
    return false;
  }
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  return fromHex(pieces.map(toHex).join(""));
}

/** A session alone: behind the earlier definitions that it needs. */
function alone(earlier: readonly Uint8Array[], piece: Uint8Array, type: AnyType): Uint8Array {
  let needed = [...earlier];
  for (const each of earlier) {
    const fewer = needed.filter((other) => other !== each);
    if (decodes(joined([...fewer, piece]), type)) needed = fewer;
  }
  const bytes = joined([...needed, piece]);
  if (!decodes(bytes, type)) throw new Error(`A capture cannot be read alone: ${toHex(bytes)}`);
  return bytes;
}

const captures: readonly Capture[] = CONNECTIONS.flatMap(({ sessions }) => {
  const found: Capture[] = [];
  const sides = [
    { type: wireRequest as AnyType, earlier: [] as Uint8Array[] },
    { type: wireResponse as AnyType, earlier: [] as Uint8Array[] },
  ] as const;
  for (const { title, client, clientHoisted, server, serverHoisted } of sessions) {
    const [requests, replies] = sides;
    for (const [side, hex, hoisted] of [
      [requests, client, clientHoisted],
      [replies, server, serverHoisted],
    ] as const) {
      if (hex === undefined) continue;
      found.push({ title, type: side.type, bytes: alone(side.earlier, fromHex(hex), side.type) });
      if (hoisted === undefined) continue;
      const pieces = [...hoisted.definitions, hoisted.value].map(fromHex);
      found.push({
        title: `${title}, hoisted`,
        type: side.type,
        bytes: alone(side.earlier, joined(pieces), side.type),
      });
      side.earlier.push(...hoisted.definitions.map(fromHex));
    }
  }
  return found;
});

/** Reads it as a link would, and says how long that took. Anything else that it throws than an RpcError is a defect. */
function readMs({ type }: Capture, bytes: Uint8Array, how: number): number {
  const began = performance.now();
  try {
    const decoder = new Decoder({ types: TYPES, interfaces: how % 3 === 0 ? "typed" : "plain" });
    if (how % 5 === 0) decoder.push(bytes);
    else if (how % 5 === 1) for (const message of messagesIn(bytes)) decoder.message(message, type);
    else if (how % 5 === 2) {
      const half = how % (bytes.length + 1);
      decoder.push(bytes.slice(0, half), type);
      decoder.push(bytes.slice(half), type);
    } else decoder.push(bytes, type);
    decoder.end();
  } catch (error) {
    if (!(error instanceof RpcError) && !isCut(error)) throw error;
  }
  return performance.now() - began;
}

/** `messagesIn` is the test's own. */
const isCut = (error: unknown): boolean => error instanceof RangeError && error.message.startsWith("A message of ");

test("the captures can be read one by one", () => {
  expect(captures.length).toBeGreaterThan(100);
});

test("100 000 changed captures end in a value or an RpcError, each within 50 ms and all within their memory", {
  timeout: 25_000,
}, () => {
  const others = captures.map(({ bytes }) => bytes);
  const heapBytes = (): number => {
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const before = heapBytes();
  let most = 0;
  let slowestMs = 0;
  for (let seed = 1; seed <= TIMES; seed++) {
    const random = new Random(seed);
    const capture = random.pick(captures);
    const bytes = mutated(capture.bytes, others, random);
    const how = random.below(1 << 20);
    const what = (): string => `seed ${seed}, of ${capture.title}: ${toHex(bytes)}`;
    try {
      let ms = readMs(capture, bytes, how);
      if (ms > 1 || seed % 1000 === 0) most = Math.max(most, heapBytes() - before);
      // A pause of the collector, or of the machine, does not come every time.
      for (let again = 0; again < 4 && ms > MAX_MS; again++) ms = Math.min(ms, readMs(capture, bytes, how));
      slowestMs = Math.max(slowestMs, ms);
      if (ms > MAX_MS) expect.fail(`${ms.toFixed(0)} ms for ${what()}`);
      if (most > MAX_HEAP_BYTES) expect.fail(`${most >> 20} MiB after ${what()}`);
    } catch (error) {
      throw new Error(`Not refused in order: ${what()}`, { cause: error });
    }
  }
  expect(slowestMs).toBeLessThan(MAX_MS);
});
