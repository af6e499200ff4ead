import { create, fromJson, type JsonValue } from "@bufbuild/protobuf";
import { type Any, anyPack, DurationSchema, ValueSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { callOf } from "../../../test/codecs/ends.ts";
import type { Code, Fault } from "../../core/errors.ts";
import { GRPC_NUMBERS } from "../../core/errors.ts";
import type { Status } from "./generated/google/rpc/status_pb.ts";
import { faultOf, statusOf } from "./statuses.ts";

const detail = anyPack(DurationSchema, create(DurationSchema, { seconds: 5n }));
const value = (json: JsonValue): Any => anyPack(ValueSchema, fromJson(ValueSchema, json));
const status = (code: number, details: Any[] = [], message = "no"): Status => ({
  $typeName: "google.rpc.Status",
  code,
  message,
  details,
});
const back = (fault: Fault): Fault => faultOf(statusOf(fault), 128);

describe("codes", () => {
  test("each of the 16 has gRPC's number, and comes back", () => {
    expect([...GRPC_NUMBERS.values()]).toEqual(Array.from({ length: 16 }, (_, at) => at + 1));
    for (const [code, number] of GRPC_NUMBERS) {
      expect(statusOf({ code, message: "no" }).code).toBe(number);
      expect(back({ code, message: "no" })).toMatchObject({ code, message: "no", wireCode: number });
    }
  });

  test.each([0, 17, 1000, -1, 2 ** 31 - 1])("%i is unknown, keeps its number, and goes on as it came", (number) => {
    const fault = faultOf(status(number), 128);
    expect(fault).toMatchObject({ code: "unknown", wireCode: number });
    expect(statusOf(fault).code).toBe(number === 0 ? 2 : number);
  });

  test.each([
    ["unknown", 5],
    ["unknown", "E_OWN"],
    ["unknown", 2 ** 40],
    ["unknown", 1.5],
    ["not_found", 4004],
  ] as const)("%s of another wire, where it was %s, is the number of its name", (code: Code, wireCode) => {
    expect(statusOf({ code, message: "", wireCode }).code).toBe(GRPC_NUMBERS.get(code));
  });
});

test("what Go says of a context that has ended is read as what it is, and nothing else is", () => {
  const read = (code: number, text: string): unknown => faultOf(status(code, [], text), 128);
  expect(read(2, "context deadline exceeded")).toMatchObject({
    code: "deadline_exceeded",
    executed: "unknown",
    wireCode: 2,
  });
  expect(read(2, "context canceled")).toMatchObject({ code: "cancelled", executed: "unknown", wireCode: 2 });
  expect(read(13, "context canceled")).toMatchObject({ code: "internal", executed: undefined });
  expect(read(2, "my context canceled")).toMatchObject({ code: "unknown", executed: undefined });
});

describe("details and data", () => {
  test("details that are Any messages pass, undecoded; others are left out", () => {
    const { details } = back({ code: "internal", message: "", details: [detail, "text", { $typeName: "x.Y" }, null] });
    expect(details).toEqual([detail]);
    expect(details?.[0]).toMatchObject({ typeUrl: "type.googleapis.com/google.protobuf.Duration" });
  });

  test.each([null, false, 0, "", "text", [1, [null]], { a: { b: 1 } }, JSON.parse('{ "__proto__": { "a": 1 } }')])(
    "data is the last detail, a Value: %j",
    (data) => {
      const sent = statusOf({ code: "internal", message: "", data, details: [detail] });
      expect(sent.details).toEqual([detail, value(data)]);
      expect(faultOf(sent, 128)).toMatchObject({ data, details: [detail] });
      expect(Object.hasOwn(Object.prototype, "a")).toBe(false);
    },
  );

  test("data is written as JSON is", () => {
    const data = { at: new Date(0), left: undefined, list: [undefined, Number.NaN] };
    expect(back({ code: "internal", message: "", data }).data).toEqual(JSON.parse(JSON.stringify(data)));
  });

  test.each([1n, Symbol("x"), () => 1])("data that is no JSON is refused: %o", (data) => {
    expect(() => statusOf({ code: "internal", message: "", data })).toThrow(TypeError);
  });

  test("a Value that is not the last one is a detail, and so is one that cannot be read", () => {
    const broken = { ...value(1), value: Uint8Array.of(0xff) };
    const empty = { ...value(1), value: new Uint8Array() };
    const deep = value(JSON.parse("[".repeat(90) + "]".repeat(90)));
    for (const details of [[value(1), detail], [detail, broken], [empty], [deep]]) {
      expect(faultOf(status(13, details), 128)).toMatchObject({ details, data: undefined });
    }
    expect(faultOf(status(13, [deep]), 1000).data).toBeDefined();
  });

  test("a type is what follows the last slash", () => {
    for (const typeUrl of ["google.protobuf.Value", "/google.protobuf.Value", "a.example/b/google.protobuf.Value"]) {
      expect(faultOf(status(13, [{ ...value("x"), typeUrl }]), 128).data).toBe("x");
    }
  });
});

describe("trace and executed", () => {
  test("stand where there is no data, and the trace in the text too", () => {
    const sent = statusOf({ code: "internal", message: "Internal error", trace: "9f", executed: "yes" });
    expect(sent).toEqual(status(13, [value({ trace: "9f", executed: "yes" })], "Internal error, trace 9f"));
    expect(faultOf(sent, 128)).toMatchObject({ trace: "9f", executed: "yes" });
    // A gateway's error has been through here already.
    expect(statusOf(faultOf(sent, 128))).toEqual(sent);
  });

  test("data goes first", () => {
    expect(back({ code: "internal", message: "x", trace: "9f", executed: "no", data: 1 })).toMatchObject({
      message: "x, trace 9f",
      data: 1,
      trace: undefined,
      executed: undefined,
    });
  });

  test.each([[{ trace: 5 }], [{ executed: "maybe" }], [{ trace: "a", more: 1 }], [["trace"]]])(
    "data that only looks like it is data: %j",
    (data) => {
      expect(back({ code: "internal", message: "", data })).toMatchObject({
        data,
        trace: undefined,
        executed: undefined,
      });
    },
  );
});

test("an unknown method is named in the text, but what a handler says of itself stays as it is", () => {
  const fault: Fault = { code: "unimplemented", message: "method not found", executed: "no" };
  expect(statusOf(fault, callOf("a\nb", {})).message).toBe('There is no handler for "a\\u000ab"');
  expect(statusOf({ ...fault, executed: undefined }, callOf("a", {})).message).toBe("method not found");
});
