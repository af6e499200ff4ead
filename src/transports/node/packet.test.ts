import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Frame } from "../../core/channel.ts";
import { RpcError } from "../../core/errors.ts";
import { bytesOf } from "../../core/text.ts";
import { type Packet, PacketSchema } from "./generated/convoke/v1/wire_pb.ts";
import { framesOf, PACKET_BYTES, PACKET_FRAMES, PACKET_ROOM, packetsOf } from "./packet.ts";

const MAX = 1 << 20;

/** Frames that are too large fail the test. */
function read(packet: Uint8Array, maxFrameBytes = MAX): Frame[] {
  const frames: Frame[] = [];
  framesOf(packet, maxFrameBytes, frames, () => {
    throw new Error("too large");
  });
  return frames;
}

/** Compares without regard to the class of the bytes. */
function plain(frames: readonly Frame[]): (string | number[])[] {
  return frames.map((frame) => (typeof frame === "string" ? frame : [...frame]));
}

/** As the generated code has it. */
function asPacket(frames: readonly Frame[]): Packet {
  return create(PacketSchema, {
    frames: frames.map((value) => ({
      form: typeof value === "string" ? ({ case: "text", value } as const) : ({ case: "binary", value } as const),
    })),
  });
}

const frame: fc.Arbitrary<Frame> = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 300 }),
  fc.uint8Array({ maxLength: 300 }),
);

describe("packets", () => {
  test("are what protobuf makes of the same frames, byte by byte", () => {
    fc.assert(
      fc.property(fc.array(frame, { minLength: 1, maxLength: 40 }), (frames) => {
        const [packet, ...more] = packetsOf(frames);
        expect(more).toEqual([]);
        expect([...(packet ?? [])]).toEqual([...toBinary(PacketSchema, asPacket(frames))]);
        expect(plain(read(packet ?? new Uint8Array()))).toEqual(plain(frames));
      }),
    );
  });

  test("of protobuf are read, unknown fields and all", () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 10 }), fc.uint8Array({ maxLength: 20 }), (frames, bytes) => {
        const packet = asPacket(frames);
        packet.$unknown = [
          { no: 2, wireType: 0, data: Uint8Array.of(0x96, 0x01) },
          { no: 3, wireType: 1, data: new Uint8Array(8) },
          { no: 400, wireType: 2, data: Uint8Array.of(bytes.length, ...bytes) },
          { no: 5, wireType: 5, data: new Uint8Array(4) },
        ];
        expect(plain(read(toBinary(PacketSchema, packet)))).toEqual(plain(frames));
      }),
    );
  });

  test("of several frames stay below the bound, and lose and disorder nothing", () => {
    const sizes = fc.array(fc.oneof(fc.nat(2000), fc.nat(200_000)), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(sizes, fc.boolean(), (lengths, isText) => {
        const frames = lengths.map((length, at) =>
          isText ? "é".repeat(length >> 1) : new Uint8Array(length).fill(at),
        );
        const packets = packetsOf(frames);
        const counts = packets.map((packet) => {
          const { length } = fromBinary(PacketSchema, packet).frames;
          if (length > 1) expect(packet.length).toBeLessThanOrEqual(PACKET_BYTES);
          return length;
        });
        expect(counts.every((count) => count > 0)).toBe(true);
        const arrived = packets.flatMap((packet) => read(packet));
        expect(arrived.length).toBe(frames.length);
        expect(arrived.every((each, at) => Buffer.compare(bytesOf(each), bytesOf(frames[at] ?? "")) === 0)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test("hold a bounded number of frames", () => {
    const packets = packetsOf(Array.from({ length: PACKET_FRAMES + 1 }, () => ""));
    expect(packets.map((packet) => read(packet).length)).toEqual([PACKET_FRAMES, 1]);
    const joined = Buffer.concat(packets);
    expect(() => read(joined)).toThrow("more than 1024 frames");
  });

  test("of one frame are at most 12 bytes longer than it", () => {
    for (const length of [0, 1, 127, 128, 16_384, 4 << 20]) {
      const [packet] = packetsOf([new Uint8Array(length)]);
      expect((packet?.length ?? 0) - length).toBeLessThanOrEqual(PACKET_ROOM);
    }
  });

  test("half a pair of surrogates becomes the replacement character, and its length is right", () => {
    expect(packetsOf(["a\ud800b", "c"]).flatMap((packet) => read(packet))).toEqual(["a\ufffdb", "c"]);
  });

  test("a frame above the limit is told by its bytes, its neighbours arrive", () => {
    const large: string[] = [];
    const [packet = new Uint8Array()] = packetsOf(["1", "x".repeat(11), "y".repeat(10)]);
    const frames: Frame[] = [];
    framesOf(packet, 10, frames, (bytes) => large.push(Buffer.from(bytes).toString()));
    expect(frames).toEqual(["1", "y".repeat(10)]);
    expect(large).toEqual(["x".repeat(11)]);
  });

  test.each([
    ["a field without a number", [0x00]],
    ["a field whose number is too large", [0xfa, 0xff, 0xff, 0xff, 0xff, 0x01, 0x00]],
    ["a length that exceeds the packet", [0x0a, 0x05, 0x12]],
    ["a length of 2 ** 63", [0x0a, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]],
    ["a number of eleven bytes", [0x10, ...new Array(10).fill(0x80), 0x01]],
    ["a number that does not end", [0x10, 0x80]],
    ["a frame that exceeds itself", [0x0a, 0x02, 0x12, 0x05, 0x61, 0x61, 0x61, 0x61, 0x61]],
    ["a field of eight bytes that has seven", [0x11, 0, 0, 0, 0, 0, 0, 0]],
    ["a group", [0x13, 0x14]],
    ["text that is not UTF-8", [0x0a, 0x03, 0x12, 0x01, 0xff]],
  ])("%s is data_loss", (_, bytes) => {
    let thrown: unknown;
    try {
      read(Uint8Array.from(bytes));
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(RpcError);
    expect(thrown).toMatchObject({ code: "data_loss" });
  });

  test("any bytes are either read or data_loss", () => {
    const biased = fc.array(fc.oneof(fc.constantFrom(0x0a, 0x12, 0x00, 0x01, 0x02, 0x80, 0xff), fc.nat(255)), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(biased, (bytes) => {
        try {
          framesOf(Uint8Array.from(bytes), 10, [], () => {});
        } catch (error) {
          expect(error).toMatchObject({ code: "data_loss" });
        }
      }),
      { numRuns: 20_000 },
    );
  });
});
