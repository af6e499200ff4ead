import { GoTime, time } from "../../src/gob/time.ts";
import {
  type AnyType,
  any,
  array,
  bool,
  bytes,
  complex128,
  float32,
  type GobType,
  type Infer,
  int,
  lazy,
  map,
  named,
  pointer,
  slice,
  string,
  struct,
  uint8,
  uint64,
} from "../../src/gob/type.ts";

/** What a gorpc client writes, message after message. */
export const wireRequest: GobType<{ ID: bigint; Request: unknown }> = struct("gorpc.wireRequest", {
  ID: uint64,
  Request: any,
});
/** What a gorpc server writes. */
export const wireResponse: GobType<{ ID: bigint; Response: unknown; Error: string }> = struct("gorpc.wireResponse", {
  ID: uint64,
  Response: any,
  Error: string,
});
export const dispatcherRequest: GobType<{ Request: unknown; Name: string }, true> = struct(
  "gorpc.dispatcherRequest",
  { Request: any, Name: string },
  { pointer: true },
);
export const dispatcherResponse: GobType<{ Response: unknown; Error: string }, true> = struct(
  "gorpc.dispatcherResponse",
  { Response: any, Error: string },
  { pointer: true },
);

export const S: GobType<{ A: number; B: string }, true> = struct("main.S", { A: int, B: string }, { pointer: true });
/** Registered by value, as its values are sent. */
export const V: GobType<{ X: number; Y: number }> = struct("main.V", { X: int, Y: int });
export const MyStr: GobType<string> = named("main.MyStr", string);
export const MyMap: GobType<Map<string, number>> = named("main.MyMap", map(string, int));
export interface RecValue {
  A: number;
  Next: RecValue | null;
}
export const Rec: GobType<RecValue, true> = struct(
  "main.Rec",
  { A: int, Next: lazy((): GobType<RecValue, true> => Rec) },
  { pointer: true },
);
export const Empty: GobType<object> = struct("main.Empty", {});
export const Inner: GobType<{ P: number | null; Q: Uint8Array }> = struct("main.Inner", { P: pointer(int), Q: bytes });
export type BigValue = {
  In: Infer<typeof Inner>;
  Ins: Infer<typeof Inner>[];
  M: Map<string, number[]>;
  Arr: boolean[];
  Bytes: number[];
  Ptr: Infer<typeof Inner> | null;
  Any: unknown;
  T: Date;
  F32: number;
  U8: number;
  C: { readonly real: number; readonly imaginary: number };
  Anys: unknown[];
};
export const Big: GobType<BigValue, true> = struct(
  "main.Big",
  {
    In: Inner,
    Ins: slice(Inner),
    M: map(string, slice(int)),
    Arr: array(2, bool),
    Bytes: array(3, uint8),
    Ptr: pointer(Inner),
    Any: any,
    T: time,
    F32: float32,
    U8: uint8,
    C: complex128,
    Anys: slice(any),
  },
  { pointer: true },
);
export const Pair: GobType<{ A: number; B: number }, true> = struct("main.Pair", { A: int, B: int }, { pointer: true });
export const Sum: GobType<{ Total: number }, true> = struct("main.Sum", { Total: int }, { pointer: true });

/** 2020-01-02 03:04:05 and 6 ns, UTC. */
export const MOMENT: GoTime = new GoTime(Date.UTC(2020, 0, 2, 3, 4, 5), 6);
/** Go's zero time, which a field leaves out. */
export const NO_TIME: GoTime = new GoTime(-62_135_596_800_000);

/** All that the captures hold in an interface, except basic types and slices of them. */
export const TYPES: readonly AnyType[] = [
  ...[dispatcherRequest, dispatcherResponse, S, V, MyStr, MyMap, Rec, Empty, Big, Pair, Sum, pointer(time)],
  ...[map(string, int), array(3, int), slice(any), map(string, any), slice(S)],
];
