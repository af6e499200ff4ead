import fc from "fast-check";
import { expect, test } from "vitest";
import * as gob from "../../src/gob.ts";
import { arrives, type Plan, plans, typeFrom, valuesOf } from "./arbitrary.ts";
import { messagesIn, toHex } from "./bytes.ts";
import { differs, type Interfaces } from "./differs.ts";

/** Some values of one stream, each with its type, and what may stand in their interfaces. */
interface Stream {
  readonly plans: readonly Plan[];
  readonly heldPlans: readonly Plan[];
  readonly held: readonly gob.AnyType[];
  readonly values: readonly { readonly type: gob.AnyType; readonly value: unknown }[];
}

/** In an interface there is no pointer to a basic type, as Go cannot register one; nor another interface. */
const mayBeHeld = (type: gob.AnyType): boolean =>
  type.shape.kind !== "interface" && (type.shape.kind !== "pointer" || type.base.shape.kind === "struct");

const streams: fc.Arbitrary<Stream> = fc
  .tuple(fc.array(plans(4), { minLength: 1, maxLength: 2 }), fc.array(plans(2), { maxLength: 3 }))
  .chain(([ofValues, ofHeld]) => {
    let last = 0;
    const name = (): string => `example.org/main.T${++last}`;
    const byName = new Map(ofHeld.map((plan) => typeFrom(plan, name)).map((type) => [type.names.registered, type]));
    const held = [...byName.values()].filter(mayBeHeld);
    // No pointer is nil at the top.
    const types = ofValues.map((plan) => typeFrom(plan, name)).filter((type) => type.shape.kind !== "interface");
    const values = types.map((type) => valuesOf(type, held).map((value) => ({ type, value })));
    return fc.record({
      plans: fc.constant(ofValues),
      heldPlans: fc.constant(ofHeld),
      held: fc.constant(held),
      values: fc.tuple(...values),
    });
  });

/** The types that an interface needs a description for: all but the basic ones. */
const described = ({ held }: Stream): gob.AnyType[] =>
  held.filter((type) => type.names.registered.includes(".") || !("bits" in type.shape));

test.each(["typed", "plain"] as const)(
  "what was encoded decodes to itself, interfaces %s",
  (interfaces: Interfaces) => {
    fc.assert(
      fc.property(streams, (stream) => {
        const encoder = new gob.Encoder();
        const decoder = new gob.Decoder({ types: described(stream), interfaces });
        for (const { type, value } of stream.values) {
          const messages = messagesIn(encoder.encode(type, value));
          const given = messages.map((message) => decoder.message(message, type));
          const last = given.pop();
          expect(given).toEqual(given.map(() => undefined));
          if (last === undefined) return expect.fail("There is no value");
          expect(last.misfit).toBeUndefined();
          expect(differs(type, arrives(type, value), last.value, interfaces)).toBeUndefined();
        }
        decoder.end();
      }),
      { numRuns: 1500 },
    );
  },
);

test("what was decoded encodes to the same bytes again", () => {
  fc.assert(
    fc.property(streams, (stream) => {
      const encoder = new gob.Encoder();
      const again = new gob.Encoder();
      const decoder = new gob.Decoder({ types: described(stream), interfaces: "typed" });
      for (const { type, value } of stream.values) {
        const bytes = encoder.encode(type, value);
        const [decoded] = decoder.push(bytes, type);
        expect(toHex(again.encode(type, decoded))).toBe(toHex(bytes));
      }
    }),
    { numRuns: 700 },
  );
});

test("every stream can be read without descriptions, in chunks of any size", () => {
  fc.assert(
    fc.property(streams, fc.integer({ min: 1, max: 40 }), (stream, size) => {
      const encoder = new gob.Encoder();
      for (const { type, value } of stream.values) encoder.add(type, value);
      const bytes = encoder.take();
      const whole = new gob.Decoder().push(bytes);
      expect(whole).toHaveLength(stream.values.length);
      const decoder = new gob.Decoder();
      const values: unknown[] = [];
      for (let at = 0; at < bytes.length; at += size) values.push(...decoder.push(bytes.slice(at, at + size)));
      decoder.end();
      expect(values).toEqual(whole);
    }),
    { numRuns: 700 },
  );
});
