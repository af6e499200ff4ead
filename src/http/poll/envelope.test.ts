import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RpcError } from "../../core/errors.ts";
import { bytesOf } from "../../core/text.ts";
import {
  answeringBody,
  askingBody,
  BATCH_ITEMS,
  closeItem,
  type Ending,
  frameItem,
  isLink,
  openedBody,
  openingBody,
  readAnswering,
  readAsking,
  readOpened,
  readOpening,
} from "./envelope.ts";
import { bytesField, message, numberField } from "./fields.ts";
import { newLinkId } from "./link-id.ts";

const MAX = 1000;
const item = (frame: string | Uint8Array): Uint8Array<ArrayBuffer> => frameItem(frame, bytesOf(frame), MAX);
const nothing = { ack: 0, first: 0, items: [], down: false, holdMs: 0 };

function code(read: () => unknown): unknown {
  try {
    read();
    return undefined;
  } catch (thrown) {
    return thrown instanceof RpcError ? thrown.code : thrown;
  }
}

describe("a body", () => {
  const number = fc.nat().map((n) => n * 2 ** 20);
  const frame = fc.oneof(fc.string({ unit: "grapheme", maxLength: 100 }), fc.uint8Array({ maxLength: 100 }));
  const ending: fc.Arbitrary<Ending> = fc.oneof(
    fc.record({ message: fc.string({ unit: "grapheme-ascii" }), closeCode: fc.option(fc.nat(), { nil: undefined }) }),
    fc.constant<Ending>({ message: "broken", closeCode: undefined, code: "data_loss" }),
  );

  test("is read as it was written", () => {
    fc.assert(
      fc.property(
        fc.array(frame),
        number,
        number,
        fc.boolean(),
        number,
        fc.option(ending, { nil: undefined }),
        (...all) => {
          const [frames, ack, first, flag, holdMs, broken] = all;
          const items = frames.map((each) => ({ kind: "frame", frame: each }));
          const written = frames.map(item);
          const read = readAsking(askingBody({ ack, first, items: written, down: flag, holdMs, broken }), MAX);
          expect(read).toEqual({ ack, first, items, down: flag, holdMs, broken });
          const answer = readAnswering(answeringBody({ ack, first, items: written, more: flag, broken }), MAX);
          expect(answer).toEqual({ ack, first, items, more: flag, broken });
        },
      ),
    );
  });

  test("is read or refused, whatever its bytes are", () => {
    const valid = askingBody({
      ...nothing,
      items: [item("abc"), item(Uint8Array.of(1, 2)), closeItem({ message: "x" })],
    });
    const mangled = fc.tuple(fc.nat(valid.length), fc.nat(valid.length), fc.nat(255)).map(([at, cut, byte]) => {
      const bytes = valid.slice(0, cut + 1);
      bytes[at % bytes.length] = byte;
      return bytes;
    });
    const readers = [readAsking, readAnswering, readOpening, readOpened];
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), mangled), fc.constantFrom(...readers), (bytes, read) => {
        expect([undefined, "data_loss"]).toContain(code(() => read(bytes, MAX)));
      }),
      { numRuns: 2000 },
    );
  });

  test("fields that are not known are passed over", () => {
    const unknown = [
      numberField(0x78, 5),
      bytesField(0x7a, Uint8Array.of(1)),
      message([Uint8Array.of(0x7d, 0, 0, 0, 0)]),
    ];
    const body = message([...unknown, askingBody({ ...nothing, ack: 3, items: [item("a")] }), ...unknown]);
    expect(readAsking(body, MAX)).toMatchObject({ ack: 3, items: [{ kind: "frame", frame: "a" }] });
  });

  test("of a frame above the limit only the beginning is written, and what is written all the same is read so", () => {
    const large = "x".repeat(5000);
    const short = item(large);
    expect(short.length).toBeLessThan(1100);
    const whole = frameItem(large, bytesOf(large), 10_000);
    for (const written of [short, whole]) {
      const { items } = readAsking(askingBody({ ...nothing, items: [written] }), MAX);
      expect(items).toEqual([{ kind: "skipped", head: bytesOf("x".repeat(1024)) }]);
    }
  });

  test.each<[string, Uint8Array]>([
    ["an item that is not known", bytesField(0x1a, numberField(0x78, 1))],
    ["text that is not UTF-8", bytesField(0x1a, bytesField(0x12, Uint8Array.of(0xff)))],
    ["too many items", message(Array.from({ length: BATCH_ITEMS + 1 }, () => item("")))],
  ])("%s is refused", (_, bytes) => {
    expect(code(() => readAsking(bytes, MAX))).toBe("data_loss");
  });

  test("bounds that are infinite or broken numbers can be said", () => {
    expect(readOpening(openingBody({ maxFrameBytes: Number.POSITIVE_INFINITY }))).toEqual({
      maxFrameBytes: Number.MAX_SAFE_INTEGER,
    });
    const opened = { link: newLinkId(), maxFrameBytes: 10, maxHoldMs: 2.5, idleMs: Number.POSITIVE_INFINITY };
    const read = readOpened(openedBody(opened));
    expect(read).toEqual({ ...opened, maxHoldMs: 2, idleMs: Number.MAX_SAFE_INTEGER });
  });
});

test("ids of links are all different, and nothing else looks like one", () => {
  const ids = new Set(Array.from({ length: 1000 }, newLinkId));
  expect(ids.size).toBe(1000);
  for (const id of ids) expect(isLink(id)).toBe(true);
  for (const other of ["", "a".repeat(21), "a".repeat(23), `${"a".repeat(21)}+`, `${"a".repeat(22)}\n`]) {
    expect(isLink(other)).toBe(false);
  }
});
