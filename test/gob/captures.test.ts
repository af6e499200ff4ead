import { inflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { type AnyType, Decoder, Encoder } from "../../src/gob.ts";
import { Random } from "../schedules/random.ts";
import { fromHex, messagesIn, toHex } from "./bytes.ts";
import { COMPRESSED, CONNECTIONS, type Connection, type Hoisted } from "./captures.ts";
import { TYPES, wireRequest, wireResponse } from "./described.ts";
import { differs } from "./differs.ts";

/** One session in one direction. */
interface Step {
  readonly title: string;
  readonly hex: string;
  readonly hoisted: Hoisted | undefined;
  readonly value: unknown;
}

interface Direction {
  readonly name: string;
  readonly type: AnyType;
  readonly steps: readonly Step[];
}

const bothWays = ({ name, sessions }: Connection): Direction[] => {
  let last = 0;
  const numbered = sessions.map((session) => ({ session, ID: session.oneWay ? 0n : BigInt(++last) }));
  return [
    {
      name: `${name}: client`,
      type: wireRequest,
      steps: numbered.map(({ session: { title, client, clientHoisted, request }, ID }) => {
        return { title, hex: client, hoisted: clientHoisted, value: { ID, Request: request } };
      }),
    },
    {
      name: `${name}: server`,
      type: wireResponse,
      steps: numbered.flatMap(({ session: { title, server, serverHoisted, response = null, error = "" }, ID }) => {
        if (server === undefined) return [];
        return [{ title, hex: server, hoisted: serverHoisted, value: { ID, Response: response, Error: error } }];
      }),
    },
  ];
};
const directions = CONNECTIONS.flatMap(bothWays);
const piecesOf = ({ definitions, value }: Hoisted): string[] => [...definitions, value];

/** What comes of a nil map: an empty one, which is sent. */
const NIL_MAP = "1fff82012701092a6d61696e2e426967ffa00c010003 0200000103000000 0000".replaceAll(" ", "");
const EMPTY_MAP = "21ff82012701092a6d61696e2e426967ffa00e0100 0200 01 0200000103000000 0000".replaceAll(" ", "");

test("the table has every captured session", () => {
  expect(CONNECTIONS.map(({ sessions }) => sessions.length)).toEqual([42, 21, 1]);
});

test("hoisted definitions are in the captured bytes as they are", () => {
  for (const { steps } of directions) {
    for (const { hex, hoisted } of steps) {
      for (const definition of hoisted?.definitions ?? []) expect(hex).toContain(definition.slice(2));
    }
  }
});

test("with compression the same bytes are inside", () => {
  for (const { written, hex } of COMPRESSED) {
    const finishFlush = 2;
    expect(toHex(inflateRawSync(fromHex(written), { finishFlush }))).toBe(hex);
  }
});

describe.each(directions)("$name", ({ type, steps }) => {
  const stream = fromHex(steps.map(({ hex }) => hex).join(""));
  const hoistedStream = steps.flatMap(({ hex, hoisted }) => (hoisted ? piecesOf(hoisted) : [hex])).join("");
  const check = (values: readonly unknown[], interfaces: "plain" | "typed" = "typed"): void => {
    expect(values).toHaveLength(steps.length);
    for (const [at, step] of steps.entries()) {
      expect(differs(type, step.value, values[at], interfaces, step.title)).toBeUndefined();
    }
  };

  test.each(["typed", "plain"] as const)("decodes message by message, interfaces %s", (interfaces) => {
    const decoder = new Decoder({ types: TYPES, interfaces });
    for (const { title, hex, value } of steps) {
      const given = messagesIn(fromHex(hex)).map((message) => decoder.message(message, type));
      const last = given.pop();
      expect(given, title).toEqual(given.map(() => undefined));
      expect(last?.misfit, title).toBeUndefined();
      expect(differs(type, value, last?.value, interfaces, title)).toBeUndefined();
    }
    decoder.end();
  });

  test.each([1, 2, 3, 5, 7, 13, 64, 1000, 1 << 20])("decodes in chunks of %d bytes", (size) => {
    const decoder = new Decoder({ types: TYPES, interfaces: "typed" });
    const values: unknown[] = [];
    for (let at = 0; at < stream.length; at += size) values.push(...decoder.push(stream.slice(at, at + size), type));
    decoder.end();
    check(values);
  });

  test("decodes in chunks of any sizes, also out of a buffer that is used again", () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = new Random(seed);
      const decoder = new Decoder({ types: TYPES, interfaces: "typed" });
      const values: unknown[] = [];
      const buffer = new Uint8Array(300);
      for (let at = 0; at < stream.length; ) {
        const size = random.below(random.once(4) ? 300 : 20);
        const chunk = stream.subarray(at, at + size);
        buffer.set(chunk);
        values.push(...decoder.push(buffer.subarray(0, chunk.length), type));
        buffer.fill(0xee);
        at += size;
      }
      decoder.end();
      check(values);
    }
  });

  test("may end between values, and neither inside a message nor inside a value that is cut", () => {
    const complete = new Set([0]);
    const near = new Set<number>();
    const decoder = new Decoder({ types: TYPES });
    let at = 0;
    for (const message of messagesIn(stream)) {
      // The first is a definition of its own.
      const isWhole = at === 0 || decoder.message(message, type) !== undefined;
      if (at === 0) decoder.message(message, type);
      for (const cut of [1, 2, message.length - 1]) near.add(at + cut);
      at += message.length;
      near.add(at);
      if (isWhole) complete.add(at);
    }
    for (const cut of near) {
      const another = new Decoder({ types: TYPES });
      another.push(stream.subarray(0, cut), type);
      if (complete.has(cut)) another.end();
      else expect(() => another.end(), `after byte ${cut}`).toThrow(/^The gob stream ended/);
    }
  });

  test("encodes to the same bytes where there is no choice, and to the same definitions and values elsewhere", () => {
    const encoder = new Encoder();
    for (const { title, hex, hoisted, value } of steps) {
      const pieces = messagesIn(encoder.encode(type, value)).map(toHex);
      expect(pieces, title).toEqual(hoisted ? piecesOf(hoisted) : [hex]);
    }
  });

  test("encodes to the same bytes when values are added and taken together", () => {
    const encoder = new Encoder();
    for (const { value } of steps) encoder.add(type, value);
    expect(toHex(encoder.take())).toBe(hoistedStream);
    expect(encoder.take()).toHaveLength(0);
  });

  test("decodes with the definitions in front", () => {
    const decoder = new Decoder({ types: TYPES, interfaces: "typed" });
    check(decoder.push(fromHex(hoistedStream), type));
    decoder.end();
  });

  test("encodes what was decoded to the same bytes again", () => {
    const decoder = new Decoder({ types: TYPES, interfaces: "typed" });
    const encoder = new Encoder();
    for (const value of decoder.push(stream, type)) encoder.add(type, value);
    expect(toHex(encoder.take())).toBe(hoistedStream.replaceAll(NIL_MAP, EMPTY_MAP));
  });

  test("reads without any description, by its own definitions", () => {
    const values = new Decoder().push(stream) as { readonly ID: number }[];
    const ids = steps.map(({ value }) => Number((value as { readonly ID: bigint }).ID));
    expect(values.map(({ ID }) => ID)).toEqual(ids);
  });
});
