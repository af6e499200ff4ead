import { describe, expect, expectTypeOf, test } from "vitest";
import { time } from "./time.ts";
import {
  type AnyType,
  any,
  array,
  bool,
  bytes,
  type Complex,
  complex64,
  complex128,
  float32,
  float64,
  type GobType,
  type Infer,
  int,
  int8,
  int16,
  int32,
  int64,
  lazy,
  map,
  named,
  opaque,
  pointer,
  type StructType,
  slice,
  string,
  struct,
  TypedValue,
  typeOf,
  uint,
  uint8,
  uint16,
  uint32,
  uint64,
  uintptr,
} from "./type.ts";

const Pair = struct("main.Pair", { A: int, B: int });
const PairPointer = struct("main.Pair", { A: int, B: int }, { pointer: true });
const Far = struct("github.com/x/y.Point", { X: int });
interface Tree {
  Name: string;
  Left: Tree | null;
  Sub: Tree[];
}
interface Chain {
  Name: string;
  Next: Chain | null;
}
const Tree: GobType<Tree, true> = struct(
  "main.Tree",
  { Name: string, Left: lazy((): GobType<Tree, true> => Tree), Sub: slice(lazy((): GobType<Tree, true> => Tree)) },
  { pointer: true },
);

describe("rule 26: names", () => {
  test.each<[AnyType, string]>([
    [bool, "bool"],
    [string, "string"],
    [bytes, "[]uint8"],
    [int, "int"],
    [int8, "int8"],
    [int16, "int16"],
    [int32, "int32"],
    [int64, "int64"],
    [uint, "uint"],
    [uint8, "uint8"],
    [uint16, "uint16"],
    [uint32, "uint32"],
    [uint64, "uint64"],
    [uintptr, "uintptr"],
    [float32, "float32"],
    [float64, "float64"],
    [complex64, "complex64"],
    [complex128, "complex128"],
    [any, "interface {}"],
    [slice(string), "[]string"],
    [slice(any), "[]interface {}"],
    [slice(bytes), "[][]uint8"],
    [array(3, uint8), "[3]uint8"],
    [array(2, slice(bool)), "[2][]bool"],
    [map(string, int), "map[string]int"],
    [map(string, any), "map[string]interface {}"],
    [map(int, slice(int)), "map[int][]int"],
    [map(string, struct("", {})), "map[string]struct {}"],
    [struct("", { A: int, B: pointer(Far) }), "struct { A int; B *y.Point }"],
    [Pair, "main.Pair"],
    [PairPointer, "*main.Pair"],
    [pointer(Pair), "*main.Pair"],
    [slice(PairPointer), "[]*main.Pair"],
    [slice(Pair), "[]main.Pair"],
    [Far, "github.com/x/y.Point"],
    [pointer(Far), "*y.Point"],
    [slice(Far), "[]y.Point"],
    [map(Far, array(1, Far)), "map[y.Point][1]y.Point"],
    [named("main.Celsius", float64), "main.Celsius"],
    [named("example.com/units.Map", map(string, int)), "example.com/units.Map"],
    [slice(named("example.com/units.Kelvin", float64)), "[]units.Kelvin"],
    [time, "time.Time"],
    [pointer(time), "*time.Time"],
    [Tree, "*main.Tree"],
    [lazy(() => Tree), "*main.Tree"],
    [slice(lazy(() => Pair)), "[]main.Pair"],
  ])("a type is registered as Go prints it, and one with a name with the path of its package: %#", (type, name) => {
    expect(type.names.registered).toBe(name);
  });

  test("the short name is the one without its package, and unnamed types have none", () => {
    expect(Pair.names.short).toBe("Pair");
    expect(Far.names.short).toBe("Point");
    expect(pointer(Far).names.short).toBe("Point");
    expect(lazy(() => Far).names.short).toBe("Point");
    for (const type of [int, slice(Pair), map(string, Pair), array(1, Pair), struct("", { A: int })])
      expect(type.names.short).toBe("");
  });

  test.each([
    ["acme.test/m/shop/v2.Item", "shop.Item", "Item"],
    ["acme.test/m/shop/v12.Item", "shop.Item", "Item"],
    ["gopkg.in/yaml.v3.Node", "yaml.Node", "Node"],
    // No module has a version 1 in its path, and many packages are called so.
    ["k8s.io/api/core/v1.Pod", "v1.Pod", "Pod"],
    ["v2.Item", "v2.Item", "Item"],
    ["acme.test/m/views.Item", "views.Item", "Item"],
    ["shop.Page[acme.test/m/shop/v2.Item]", "shop.Page[acme.test/m/shop/v2.Item]", "Page[acme.test/m/shop/v2.Item]"],
    ["acme.test/m/shop/v2.Page[a.b/c.D,int]", "shop.Page[a.b/c.D,int]", "Page[a.b/c.D,int]"],
    ["Item", "Item", "Item"],
  ])("%s is printed as %s", (registered, printed, short) => {
    expect(named(registered, int).names).toEqual({ registered, printed, short });
    expect(struct(registered, { A: int }, { pointer: true }).names.registered).toBe(`*${printed}`);
  });

  test("a package is called as it is said to be, where its path ends in another name", () => {
    const packageName = "v2";
    const Job = struct("k8s.io/api/batch/v2.Job", { A: int }, { pointer: true, packageName });
    expect(Job.names.registered).toBe("*v2.Job");
    expect(Job.base.names.registered).toBe("k8s.io/api/batch/v2.Job");
    expect(named("a.b/go-units.Kelvin", float64, { packageName: "units" }).names.printed).toBe("units.Kelvin");
    const coder = { encode: () => new Uint8Array(), decode: () => 0, zero: () => 0 };
    expect(opaque("a.b/go-units.Length", "gob", coder, { packageName: "units" }).names.printed).toBe("units.Length");
    expect(slice(Job.base).names.registered).toBe("[]v2.Job");
  });

  test("the printed name has the last part of the path alone", () => {
    expect(Far.names.printed).toBe("y.Point");
    expect(pointer(Far).names.printed).toBe("*y.Point");
    expect(named("a.b/c.d/e.F", int).names).toEqual({ registered: "a.b/c.d/e.F", printed: "e.F", short: "F" });
  });
});

describe("shapes", () => {
  test("a pointer leads to what it points at in the end", () => {
    expect(PairPointer.base.names.registered).toBe("main.Pair");
    expect(pointer(pointer(int)).base).toBe(int);
    expect(Pair.base).toBe(Pair);
    expect(lazy(() => Tree).base).toBe(Tree.base);
  });

  test("a named type is made like the other, and lazy is the type itself", () => {
    expect(named("main.List", slice(int)).shape).toMatchObject({ kind: "slice", element: int });
    const late = lazy(() => Pair);
    expect(late.shape).toBe(Pair.shape);
    expect(late.names).toBe(Pair.names);
  });

  test("a type may speak of one that is described later, which is asked for when it is needed", () => {
    let asked = 0;
    const late = lazy(() => {
      asked++;
      return Pair;
    });
    const Holder = struct("main.Holder", { P: late });
    expect(asked).toBe(0);
    const { shape } = Holder;
    expect(shape.kind === "struct" && shape.fields[0]?.type.shape.kind).toBe("struct");
    expect(late.shape).toBe(Pair.shape);
    expect(asked).toBe(1);
  });

  test("a struct keeps the order of its fields", () => {
    const { shape } = struct("main.S", { B: int, A: string, Ab: bool });
    expect(shape.kind === "struct" && shape.fields.map((field) => field.name)).toEqual(["B", "A", "Ab"]);
  });

  test("an array has a length that there can be", () => {
    for (const bad of [-1, 1.5, Number.NaN, 2 ** 53]) expect(() => array(bad, int)).toThrow(RangeError);
    expect(array(0, int).names.registered).toBe("[0]int");
  });
});

describe("values that remember their type", () => {
  test("a struct's is a copy of its fields, as plain as one can tell from outside", () => {
    const fields = { A: 1, B: 2 };
    const pair = Pair.of(fields);
    expect(typeOf(pair)).toBe(Pair);
    expect(typeOf(PairPointer.of(fields))).toBe(PairPointer);
    expect(pair).toEqual(fields);
    expect(pair).not.toBe(fields);
    expect(Object.keys(pair)).toEqual(["A", "B"]);
    expect(JSON.stringify(pair)).toBe('{"A":1,"B":2}');
    expect(typeOf(fields)).toBeUndefined();
    expect(typeOf({ ...pair })).toBeUndefined();
  });

  test("that of any other type stands in a TypedValue", () => {
    const value = int8.of(5) as unknown;
    expect(value).toBeInstanceOf(TypedValue);
    expect(value).toMatchObject({ type: int8, value: 5 });
    expect(typeOf(value)).toBe(int8);
    const list = slice(Pair);
    expect(typeOf(list.of([]))).toBe(list);
    expect(typeOf(pointer(time).of(new Date(0)))?.names.registered).toBe("*time.Time");
  });

  test("nothing else has a type", () => {
    for (const value of [null, undefined, 1, "a", true, 1n, {}, [], new Map(), Symbol("a"), () => 1])
      expect(typeOf(value)).toBeUndefined();
  });

  test("all values of a struct share one prototype, which passes for that of a plain object", () => {
    expect(Object.getPrototypeOf(Pair.of({ A: 1, B: 2 }))).toBe(Pair.prototype);
    expect(Pair.prototype).toBe(Pair.prototype);
    expect(Pair.prototype).not.toBe(PairPointer.prototype);
    expect(Object.keys(Pair.prototype)).toEqual([]);
    expect(Pair.of({ A: 1, B: 2 }).toString()).toBe("[object Object]");
  });
});

describe("TypeScript types", () => {
  test("of basic types", () => {
    expectTypeOf<Infer<typeof int>>().toEqualTypeOf<number>();
    expectTypeOf<Infer<typeof int64>>().toEqualTypeOf<bigint>();
    expectTypeOf<Infer<typeof uint64>>().toEqualTypeOf<bigint>();
    expectTypeOf<Infer<typeof bytes>>().toEqualTypeOf<Uint8Array>();
    expectTypeOf<Infer<typeof complex128>>().toEqualTypeOf<Complex>();
    expectTypeOf<Infer<typeof any>>().toEqualTypeOf<unknown>();
    expectTypeOf<Infer<typeof time>>().toEqualTypeOf<Date>();
  });

  test("of containers", () => {
    const list = slice(map(string, array(2, int)));
    expectTypeOf<Infer<typeof list>>().toEqualTypeOf<Map<string, number[]>[]>();
    const pointers = slice(PairPointer);
    // No element may be null, although a field of the element's type may.
    expectTypeOf<Infer<typeof pointers>>().toEqualTypeOf<{ A: number; B: number }[]>();
  });

  test("of structs: fields may be null where Go has a pointer or an interface, and only there", () => {
    const Holder = struct("main.Holder", {
      Value: Pair,
      Pointer: PairPointer,
      Number: pointer(int),
      Any: any,
      Late: lazy(() => PairPointer),
      List: slice(PairPointer),
      Named: named("main.Name", string),
    });
    type Holder = Infer<typeof Holder>;
    expectTypeOf<Holder["Value"]>().toEqualTypeOf<{ A: number; B: number }>();
    expectTypeOf<Holder["Pointer"]>().toEqualTypeOf<{ A: number; B: number } | null>();
    expectTypeOf<Holder["Number"]>().toEqualTypeOf<number | null>();
    expectTypeOf<Holder["Any"]>().toEqualTypeOf<unknown>();
    expectTypeOf<Holder["Late"]>().toEqualTypeOf<{ A: number; B: number } | null>();
    expectTypeOf<Holder["List"]>().toEqualTypeOf<{ A: number; B: number }[]>();
    expectTypeOf<Holder["Named"]>().toEqualTypeOf<string>();
  });

  test("of a pointer at the top: the value itself", () => {
    expectTypeOf<Infer<typeof PairPointer>>().toEqualTypeOf<{ A: number; B: number }>();
    expectTypeOf(PairPointer.of({ A: 1, B: 2 })).toEqualTypeOf<{ A: number; B: number }>();
  });

  test("of what a struct is made with: any of its fields, and of other types: the whole value", () => {
    const Holder = struct("main.Holder", { Pair, Number: pointer(int), At: time, List: slice(Pair) });
    expect(Pair.of({ A: 1 })).toEqual({ A: 1 });
    expect(typeOf(PairPointer.of({}))).toBe(PairPointer);
    expect(typeOf(pointer(Pair).of({ A: 1, B: undefined }))?.names.registered).toBe("*main.Pair");
    expect(Holder.of({ Pair: Pair.of({ A: 1 }), Number: null })).toEqual({ Pair: { A: 1 }, Number: null });
    expectTypeOf(Holder.of({}).Pair).toEqualTypeOf<{ A: number; B: number }>();
    expectTypeOf(pointer(Pair).of({})).toEqualTypeOf<{ A: number; B: number }>();
    expectTypeOf(pointer(int)).toEqualTypeOf<GobType<number, true>>();
    expectTypeOf(pointer(time)).toEqualTypeOf<GobType<Date, true>>();
    // @ts-expect-error a field of another type
    Pair.of({ A: "1" });
    // @ts-expect-error a field that there is not
    Pair.of({ A: 1, C: 2 });
    // @ts-expect-error a field that is no pointer is never null
    Pair.of({ A: null });
    // @ts-expect-error a time is no struct
    const at = (): Date => pointer(time).of({});
    // @ts-expect-error nor is a complex number
    const number = (): Complex => complex64.of({ real: 1 });
    // @ts-expect-error nor a map
    const list = (): Map<string, number> => map(string, int).of({});
    expect([at, number, list]).toHaveLength(3);
  });

  test("of a type that holds itself", () => {
    expectTypeOf<Infer<typeof Tree>>().toEqualTypeOf<Tree>();
    const tree = Tree.of({ Name: "a", Left: { Name: "b", Left: null, Sub: [] }, Sub: [] });
    expect(tree.Left?.Name).toBe("b");
    const Chain: StructType<Chain, true> = struct(
      "main.Chain",
      { Name: string, Next: lazy((): GobType<Chain, true> => Chain) },
      { pointer: true },
    );
    expect(Chain.of({ Name: "a", Next: Chain.of({ Name: "b" }) }).Next?.Name).toBe("b");
  });

  test("of a self-encoding type: what its coder takes", () => {
    const Url = opaque("net/url.URL", "binary", {
      encode: (url: URL) => new TextEncoder().encode(url.href),
      decode: (data) => new URL(new TextDecoder().decode(data)),
      zero: () => new URL("about:blank"),
    });
    expectTypeOf<Infer<typeof Url>>().toEqualTypeOf<URL>();
    expect(Url.names).toEqual({ registered: "net/url.URL", printed: "url.URL", short: "URL" });
  });
});
