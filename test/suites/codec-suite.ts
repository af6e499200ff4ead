import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Frame, Role } from "../../src/core/channel.ts";
import { type Code, RpcError } from "../../src/core/errors.ts";
import type { CallMessage, ErrorMessage, Forms, Id, Message, ResultMessage } from "../../src/core/message.ts";
import { bytesOf } from "../../src/core/text.ts";
import { callOf, Ends, type Failed, FakeLink, type MakeCodec } from "../codecs/ends.ts";

/** Bytes that were written down once: what one flush gives, from a codec that has said nothing before but its opening. */
export interface Golden {
  readonly says: string;
  readonly from: Role;
  readonly messages: readonly Message[];
  /** Text for text frames and for readable bytes; bytes for the rest. */
  readonly frames: readonly Frame[];
}

/** Where wires differ: what each can carry, and in what shape it arrives. */
export interface CodecTraits {
  /** The ends that can call, that can notify, and that can cancel. Default: both. */
  readonly callers: readonly Role[];
  readonly notifiers: readonly Role[];
  readonly cancellers: readonly Role[];
  /** Names that the codec can carry. */
  readonly method: string;
  readonly notification: string;
  /** Ids of this end's own calls, and ids that may come from elsewhere. */
  readonly ids: readonly Id[];
  readonly params: fc.Arbitrary<unknown>;
  readonly values: fc.Arbitrary<unknown>;
  /** The code that arrives for one that was sent. */
  readonly codeOf: (code: Code) => Code;
  /** A reply's id as its caller knows it. */
  readonly idOf: (id: Id) => Id;
  /** A result that cannot be encoded. */
  readonly unencodable: unknown;
  /** The codes of the errors that end a link. */
  readonly broken: readonly Code[];
}

const ROLES: readonly Role[] = ["client", "server"];

/** JSON values that are their own JSON text's value (no `-0`). */
export const JSON_VALUES: fc.Arbitrary<unknown> = fc
  .jsonValue({ maxDepth: 4 })
  .map((value): unknown => JSON.parse(JSON.stringify(value)));

/** Objects and arrays, as JSON-RPC wants its params. */
export const JSON_PARAMS: fc.Arbitrary<unknown> = fc
  .oneof(fc.array(JSON_VALUES, { maxLength: 4 }), fc.dictionary(fc.string(), JSON_VALUES, { maxKeys: 4 }))
  .map((value): unknown => JSON.parse(JSON.stringify(value)));

const DEFAULT_TRAITS: CodecTraits = {
  callers: ROLES,
  notifiers: ROLES,
  cancellers: ROLES,
  method: "math.add",
  notification: "log",
  ids: [1, 2, 1000, 2 ** 31, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER],
  params: JSON_PARAMS,
  values: JSON_VALUES,
  codeOf: (code) => code,
  idOf: (id) => id,
  unencodable: 1n,
  broken: ["data_loss"],
};

const NAMES = [
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "then",
  "",
  "a b",
  "\u0000",
  "😀",
  "x".repeat(64 << 10),
];
const CODES: readonly Code[] = ["cancelled", "unknown", "not_found", "internal", "data_loss", "unauthenticated"];
const KINDS = new Set([
  "call",
  "notify",
  "result",
  "error",
  "cancel",
  "ping",
  "pong",
  "hello",
  "welcome",
  "goodbye",
  "invalid",
  "batch",
]);
const RUNS = 1000;

/** Checks that a codec keeps the contract of `core/codec.ts`, whatever its wire. `golden` pins its bytes. */
export function codecSuite(
  name: string,
  make: MakeCodec,
  golden: readonly Golden[],
  differences: Partial<CodecTraits> = {},
): void {
  const traits: CodecTraits = { ...DEFAULT_TRAITS, ...differences };
  describe(`the codec of ${name}`, () => {
    carriesMessages(make, traits);
    isolatesFailures(make, traits);
    keepsTheFrameLimit(make, traits);
    standsGarbage(make, traits);
    describe("golden bytes", () => {
      test.each(golden)("$says", ({ from, messages, frames }) => {
        const ends = new Ends(make, { open: !messages.some(({ kind }) => kind === "hello" || kind === "welcome") });
        expect(ends.of(from).encode(messages).map(readable)).toEqual(frames.map(readable));
        expect(ends.of(from).failed).toEqual([]);
      });
    });
  });
}

function carriesMessages(make: MakeCodec, traits: CodecTraits): void {
  const { carries } = make(new FakeLink("client"));

  for (const role of traits.callers) {
    test(`a call of the ${role} arrives with its method and params, and its result and error find back`, () => {
      for (const id of traits.ids) {
        for (const form of ["as sent", "bytes"] as const) {
          const ends = new Ends(make);
          const [arrived] = ends.pass(role, [callOf(traits.method, { a: [1, "two"] }, id)], form);
          expect(arrived).toMatchObject({ kind: "call", method: traits.method, params: { a: [1, "two"] } });
          const call = arrived as CallMessage;
          expect(ends.pass(other(role), [resultOf(call, { sum: 3 })], form)).toMatchObject([
            { kind: "result", id: traits.idOf(id), value: { sum: 3 } },
          ]);
          const [failure] = ends.pass(role === "client" ? "server" : "client", [
            errorOf(call, "not_found", "no such thing"),
          ]);
          expect(failure).toMatchObject({
            kind: "error",
            id: traits.idOf(id),
            error: { code: traits.codeOf("not_found"), message: "no such thing" },
          });
        }
      }
    });

    test(`a batch of the ${role} arrives in order, and so do its replies`, () => {
      const ends = new Ends(make);
      const calls = [1, 2, 3].map((id) => callOf(traits.method, { n: id }, id));
      const arrived = ends.pass(role, [{ kind: "batch", messages: calls }]) as CallMessage[];
      expect(arrived.map(({ kind, params }) => ({ kind, params }))).toEqual(
        calls.map(({ kind, params }) => ({ kind, params })),
      );
      const replies = arrived.map((call, at) => (at === 1 ? errorOf(call, "internal", "no") : resultOf(call, { at })));
      expect(ends.pass(other(role), [{ kind: "batch", messages: replies }])).toMatchObject([
        { kind: "result", id: traits.idOf(1), value: { at: 0 } },
        { kind: "error", id: traits.idOf(2) },
        { kind: "result", id: traits.idOf(3), value: { at: 2 } },
      ]);
    });
  }

  for (const role of traits.notifiers) {
    test(`a notification of the ${role} arrives`, () => {
      expect(new Ends(make).pass(role, [noteOf(traits, { line: "up" })])).toMatchObject([
        { kind: "notify", method: traits.notification, params: { line: "up" } },
      ]);
    });
  }

  test("hello, welcome, ping, pong, cancel and goodbye arrive where the wire can say them, and give no frame where it cannot", () => {
    const ends = new Ends(make, { open: false });
    if (carries.hello === "never") expect(ends.client.encode([{ kind: "hello", hello: {} }])).toEqual([]);
    else
      expect(ends.pass("client", [{ kind: "hello", hello: { name: "ann" } }])).toMatchObject([
        { kind: "hello", hello: { name: "ann" } },
      ]);
    if (!carries.welcome) expect(ends.server.encode([{ kind: "welcome", hello: {} }])).toEqual([]);
    else expect(ends.pass("server", [{ kind: "welcome", hello: {} }])).toMatchObject([{ kind: "welcome" }]);
    for (const role of ROLES) {
      if (!carries.ping) expect(ends.of(role).encode([{ kind: "ping", token: undefined }])).toEqual([]);
      else {
        const [ping] = ends.pass(role, [{ kind: "ping", token: undefined }]);
        expect(ping).toMatchObject({ kind: "ping" });
        const token = ping?.kind === "ping" ? ping.token : undefined;
        expect(ends.pass(other(role), [{ kind: "pong", token }])).toMatchObject([{ kind: "pong" }]);
      }
      if (!carries.goodbye)
        expect(ends.of(role).encode([{ kind: "goodbye", text: "x", redialAfterMs: 1 }])).toEqual([]);
      else {
        for (const redialAfterMs of [undefined, 0, 30_000, Number.POSITIVE_INFINITY]) {
          const goodbye: Message = { kind: "goodbye", text: "replaced", redialAfterMs };
          expect(ends.pass(role, [goodbye])).toEqual([goodbye]);
        }
      }
      if (!carries.cancel) expect(ends.of(role).encode([{ kind: "cancel", id: 7 }])).toEqual([]);
      else if (traits.cancellers.includes(role)) {
        for (const id of traits.ids)
          expect(ends.pass(role, [{ kind: "cancel", id }])).toEqual([{ kind: "cancel", id }]);
      }
    }
  });

  test("what was sent is what arrives, for any params, results and errors", () => {
    const exchange = fc.record({
      role: fc.constantFrom(...traits.callers),
      params: traits.params,
      value: traits.values,
      code: fc.constantFrom(...CODES),
      message: fc.string({ minLength: 1, unit: "grapheme" }),
    });
    void fc.assert(
      fc.property(fc.array(exchange, { maxLength: 4 }), (exchanges) => {
        const ends = new Ends(make);
        for (const [at, { role, params, value, code, message }] of exchanges.entries()) {
          const id = at + 1;
          const [call] = ends.pass(role, [callOf(traits.method, params, id)]) as [CallMessage];
          expect(call).toMatchObject({ kind: "call", method: traits.method });
          expect(call.params).toEqual(params);
          const [result, error] = ends.pass(other(role), [resultOf(call, value), errorOf(call, code, message)]);
          expect(result).toEqual({ kind: "result", id: traits.idOf(id), value, call: undefined });
          expect(error).toMatchObject({ kind: "error", id: traits.idOf(id), error: { message } });
          if (error?.kind === "error") expect(error.error.code).toBe(traits.codeOf(code));
          expect([...ends.client.failed, ...ends.server.failed]).toEqual([]);
        }
      }),
      { numRuns: RUNS },
    );
  });

  test("params that go out in many calls arrive in each as they do in one", () => {
    const [role] = traits.callers as [Role];
    void fc.assert(
      fc.property(traits.params, fc.nat({ max: 3 }), (params, alone) => {
        const forms: Forms = new Map();
        const ends = [new Ends(make), new Ends(make)] as const;
        for (let id = 1; id <= 6; id++) {
          const call = { ...callOf(traits.method, params, id), ...(id !== alone && { forms }) };
          const [arrived] = (id % 2 === 0 ? ends[0] : ends[1]).pass(role, [call]);
          expect(arrived).toMatchObject({ kind: "call", method: traits.method });
          expect((arrived as CallMessage).params).toEqual(params);
        }
      }),
      { numRuns: RUNS / 4 },
    );
  });

  test("hostile names are carried as they are, refused, or invalid; never taken for something else", () => {
    const [role] = traits.callers as [Role];
    for (const name of NAMES) {
      const ends = new Ends(make);
      const call = callOf(name, {});
      const refusal = ends.of(role).codec.refuses?.(call);
      if (refusal !== undefined) {
        expect(RpcError.is(refusal) && refusal.executed).toBe("no");
        continue;
      }
      const arrived = ends.pass(role, [call]);
      if (arrived.length === 0) expect(ends.of(role).failed).toHaveLength(1);
      else if (arrived[0]?.kind === "call") expect(arrived[0].method).toBe(name);
      else expect(arrived[0]?.kind).toBe("invalid");
    }
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
  });
}

function isolatesFailures(make: MakeCodec, traits: CodecTraits): void {
  const [role] = traits.callers as [Role];
  const bad = { bad: traits.unencodable };

  test("a message that cannot be encoded is handed back and harms nobody before or after it in the flush", () => {
    const ends = new Ends(make);
    const forms: Forms = new Map();
    for (const round of [0, 1, 2]) {
      const id = round * 3;
      // Params that go to many fail for each of them.
      const many = round === 0 ? {} : { forms };
      const calls = [
        callOf(traits.method, { n: 1 }, id + 1),
        { ...callOf(traits.method, bad, id + 2), ...many },
        callOf(traits.method, { n: 3 }, id + 3),
      ];
      const arrived = ends.pass(role, calls) as CallMessage[];
      expect(arrived.map(({ params }) => params)).toEqual([{ n: 1 }, { n: 3 }]);
      expect(ends.of(role).failed.map(({ message }) => message)).toEqual([calls[1]]);
      ends.of(role).failed.length = 0;
    }
  });

  test("a batch goes without the member that cannot be encoded", () => {
    const ends = new Ends(make);
    const calls = [callOf(traits.method, bad, 1), callOf(traits.method, { n: 2 }, 2)];
    expect(ends.pass(role, [{ kind: "batch", messages: calls }])).toMatchObject([{ kind: "call", params: { n: 2 } }]);
    expect(ends.of(role).failed.map(({ message }) => message)).toEqual([calls[0]]);
  });

  test("the substitute of a reply that cannot be encoded is sent in its place, alone and in a batch", () => {
    for (const batched of [false, true]) {
      const ends = new Ends(make);
      const [first, second] = ends.pass(role, [
        callOf(traits.method, { n: 1 }, 1),
        callOf(traits.method, { n: 2 }, 2),
      ]) as [CallMessage, CallMessage];
      const replies = [resultOf(first, bad), resultOf(second, { n: 2 })];
      const substitute = ({ message }: Failed): Message =>
        errorOf((message as ResultMessage).call as CallMessage, "internal", "no form");
      const frames = ends
        .of(other(role))
        .encode(batched ? [{ kind: "batch", messages: replies }] : replies, substitute);
      expect(ends.of(role).decode(frames)).toMatchObject([
        { kind: "error", id: traits.idOf(1), error: { message: "no form" } },
        { kind: "result", id: traits.idOf(2), value: { n: 2 } },
      ]);
    }
  });

  test("a reply is answered in any case: with less and less, where its substitute cannot be encoded either", () => {
    const ends = new Ends(make);
    const [call] = ends.pass(role, [callOf(traits.method, { n: 1 }, 1)]) as [CallMessage];
    const worse = (): Message => ({
      ...errorOf(call, "internal", "no form"),
      error: { code: "internal", message: "no", data: traits.unencodable },
    });
    const arrived = ends.of(role).decode(ends.of(other(role)).encode([resultOf(call, bad)], worse));
    expect(arrived).toMatchObject([{ kind: "error", id: traits.idOf(1), error: { code: traits.codeOf("internal") } }]);
  });

  test("a substitute that cannot be encoded either ends the matter", () => {
    const ends = new Ends(make);
    const [call] = ends.pass(role, [callOf(traits.method, { n: 1 }, 1)]) as [CallMessage];
    const worse = (): Message => resultOf(call, bad);
    const frames = ends.of(other(role)).encode([resultOf(call, bad), resultOf(call, { n: 1 })], worse);
    const arrived = ends.of(role).decode(frames);
    expect(arrived.at(-1)).toMatchObject({ kind: "result", value: { n: 1 } });
    expect(arrived.slice(0, -1).every(({ kind }) => kind === "error")).toBe(true);
  });
}

function keepsTheFrameLimit(make: MakeCodec, traits: CodecTraits): void {
  test("no frame is above the other side's limit, and every message either arrives or is handed back", () => {
    const [role] = traits.callers as [Role];
    const sizes = fc.array(fc.nat({ max: 400 }), { minLength: 1, maxLength: 8 });
    const units = fc.constantFrom("a", "é", "€", "😀", "\u0001");
    void fc.assert(
      fc.property(sizes, units, fc.integer({ min: 200, max: 1200 }), fc.boolean(), (lengths, unit, max, batched) => {
        const ends = new Ends(make);
        ends.of(role).link.maxFrameBytes = max;
        ends.of(other(role)).link.maxFrameBytes = max;
        const calls = lengths.map((length, at) => callOf(traits.method, { text: unit.repeat(length) }, at + 1));
        const frames = ends.of(role).encode(batched ? [{ kind: "batch", messages: calls }] : calls);
        expect(Math.max(0, ...frames.map((frame) => bytesOf(frame).length))).toBeLessThanOrEqual(max);
        const arrived = ends.of(other(role)).decode(frames) as CallMessage[];
        expect(arrived.length + ends.of(role).failed.length).toBe(calls.length);
        for (const { reason } of ends.of(role).failed) expect(reason).toMatchObject({ code: "resource_exhausted" });
        const replies = arrived.map((call) => resultOf(call, { text: unit.repeat(300) }));
        const tooLarge = ({ message }: Failed): Message =>
          errorOf((message as ResultMessage).call as CallMessage, "resource_exhausted", "large");
        const back = ends.of(other(role)).encode(batched ? [{ kind: "batch", messages: replies }] : replies, tooLarge);
        expect(Math.max(0, ...back.map((frame) => bytesOf(frame).length))).toBeLessThanOrEqual(max);
        expect(ends.of(role).decode(back)).toHaveLength(arrived.length);
      }),
      { numRuns: RUNS / 4 },
    );
  });
}

function standsGarbage(make: MakeCodec, traits: CodecTraits): void {
  test("any bytes and any text give messages or the one protocol error", () => {
    const frames = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc.string({ unit: "binary", maxLength: 64 }),
      fc.json({ maxDepth: 3 }),
      JSON_VALUES.map((value) => bytesOf(JSON.stringify(value))),
    );
    void fc.assert(
      fc.property(fc.constantFrom(...ROLES), fc.array(frames, { maxLength: 4 }), (role, garbage) => {
        decodeAll(new Ends(make), role, garbage, traits);
      }),
      { numRuns: RUNS },
    );
  });

  test("frames that were damaged on the way give messages or the one protocol error, and what they ask can be answered", () => {
    const damage = fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      what: fc.uint8Array({ maxLength: 4 }),
      cut: fc.nat(8),
    });
    void fc.assert(
      fc.property(
        fc.constantFrom(...ROLES),
        fc.array(fc.tuple(fc.nat(8), damage), { maxLength: 4 }),
        (role, damages) => {
          const ends = new Ends(make);
          const frames = traffic(ends, other(role), traits).map(bytesOf);
          for (const [index, { at, what, cut }] of damages) {
            const frame = frames[index % Math.max(1, frames.length)];
            if (frame === undefined) continue;
            const from = Math.floor(at * frame.length);
            frames[index % frames.length] = Uint8Array.from([
              ...frame.subarray(0, from),
              ...what,
              ...frame.subarray(from + cut),
            ]);
          }
          for (const message of decodeAll(ends, role, frames, traits)) {
            if (message.kind !== "call") continue;
            const reply = ends.of(role).encode([resultOf(message, {})]);
            const [back] = ends.other(role).decode(reply);
            // How the wire writes the id of a call is the codec's affair: only the number must come back.
            if (back !== undefined && "id" in back) expect(String(message.id).endsWith(String(back.id))).toBe(true);
          }
        },
      ),
      { numRuns: RUNS },
    );
  });

  test("a frame of which only the beginning is known gives one message or nothing", () => {
    void fc.assert(
      fc.property(fc.constantFrom(...ROLES), fc.nat(8), fc.nat(200), (role, index, length) => {
        const ends = new Ends(make);
        const frames = traffic(ends, other(role), traits).map(bytesOf);
        const head = frames[index % Math.max(1, frames.length)]?.subarray(0, length) ?? new Uint8Array();
        const reason = new RpcError("resource_exhausted", "The frame is above the limit");
        const message = ends.of(role).codec.salvage?.(head, reason);
        if (message !== undefined) expectSound(message);
      }),
      { numRuns: RUNS / 4 },
    );
  });
}

/** Everything that the end can say, as frames. */
function traffic(ends: Ends, from: Role, traits: CodecTraits): readonly Frame[] {
  const messages: Message[] = [];
  const call = callOf(traits.method, { a: [1, 2.5, "x", null] }, 1);
  if (traits.callers.includes(from)) {
    messages.push(call, {
      kind: "batch",
      messages: [callOf(traits.method, { n: 2 }, 2), callOf(traits.method, { n: 3 }, 3)],
    });
  }
  if (traits.notifiers.includes(from)) messages.push(noteOf(traits, { line: "up" }));
  if (traits.callers.includes(other(from))) {
    ends.other(from).link.calls.set(1, call);
    messages.push(resultOf(call, { sum: 3 }), errorOf(call, "not_found", "no such thing"));
  }
  if (traits.cancellers.includes(from)) messages.push({ kind: "cancel", id: 1 });
  messages.push({ kind: "ping", token: undefined }, { kind: "goodbye", text: "bye", redialAfterMs: 5 });
  return ends.of(from).encode(messages);
}

function decodeAll(ends: Ends, role: Role, frames: readonly Frame[], { broken }: CodecTraits): Message[] {
  const messages: Message[] = [];
  try {
    for (const frame of frames) messages.push(...ends.of(role).decode([frame]));
  } catch (thrown) {
    expect(thrown).toMatchObject({ name: "RpcError" });
    expect(broken).toContain((thrown as RpcError).code);
  }
  for (const message of messages) expectSound(message);
  return messages;
}

function expectSound(message: Message): void {
  expect(KINDS.has(message.kind)).toBe(true);
  if (!("id" in message)) return;
  const { id } = message;
  if (id === null) expect(["error", "invalid"]).toContain(message.kind);
  else expect(typeof id === "string" || Number.isSafeInteger(id)).toBe(true);
}

function resultOf(call: CallMessage, value: unknown): ResultMessage {
  return { kind: "result", id: call.id, value, call };
}

function errorOf(call: CallMessage, code: Code, message: string): ErrorMessage {
  return { kind: "error", id: call.id, error: { code, message }, call };
}

function noteOf(traits: CodecTraits, params: unknown): Message {
  return { kind: "notify", method: traits.notification, params, meta: undefined };
}

function other(role: Role): Role {
  return role === "client" ? "server" : "client";
}

/** Text where a frame is text, so that a difference can be read. */
function readable(frame: Frame): string {
  if (typeof frame === "string") return frame;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(frame);
  } catch {
    return Array.from(frame, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  }
}
