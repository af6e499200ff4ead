import { describe, expect, test } from "vitest";
import { fromHex, text } from "../../test/gob/bytes.ts";
import { Reader } from "./reader.ts";
import { NameCache, Registry } from "./registry.ts";
import { time } from "./time.ts";
import * as gob from "./type.ts";

const ended = expect.objectContaining({ code: "data_loss" });

describe("the types inside interfaces (rules 26 and 27)", () => {
  test("a type is found by its name, with or without the star", () => {
    const V = gob.struct("main.V", {});
    const S = gob.struct("github.com/x/y.S", {}, { pointer: true });
    const registry = new Registry([V, S, time, gob.slice(S)]);
    expect(registry.find("main.V")).toMatchObject({ type: V, exact: V });
    expect(registry.find("*main.V")?.type).toBe(V);
    expect(registry.find("*y.S")).toMatchObject({ type: S, exact: S });
    expect(registry.find("github.com/x/y.S")?.type).toBe(S);
    expect(registry.find("*time.Time")?.type).toBe(time);
    expect(registry.find("[]*y.S")).toBeDefined();
    for (const name of ["y.S", "*github.com/x/y.S", "V", ""]) expect(registry.find(name)).toBeUndefined();
  });

  test("beside the type that was found there is the one that has just this name", () => {
    const V = gob.struct("main.V", {});
    const S = gob.struct("y.S", {}, { pointer: true });
    const registry = new Registry([V, S]);
    expect(registry.find("*main.V")?.exact.names.registered).toBe("*main.V");
    expect(registry.find("y.S")?.exact).toBe(S.base);
  });

  test("what is described under both names is found under each", () => {
    const V = gob.struct("main.V", {});
    const pointer = gob.pointer(V);
    const registry = new Registry([V, pointer]);
    expect(registry.find("main.V")?.type).toBe(V);
    expect(registry.find("*main.V")?.type).toBe(pointer);
  });

  test("two types of one name are refused, the same type twice is not", () => {
    const V = gob.struct("main.V", {});
    new Registry([V, V]);
    expect(() => new Registry([V, gob.struct("main.V", {})])).toThrow("Two types are described as main.V");
  });

  test("basic types and slices of them need no description, but may have one", () => {
    const registry = new Registry([]);
    for (const name of ["bool", "string", "int8", "uint32", "float32", "complex128", "[]string", "[]uint8"])
      expect(registry.find(name)).toMatchObject({ plain: false, type: { names: { registered: name } } });
    for (const name of ["int", "int64", "uint", "uint64", "uintptr", "[]int", "[]uint64"])
      expect(registry.find(name)).toMatchObject({ plain: true, type: { names: { registered: name } } });
    expect(registry.find("[]uint8")?.type).toBe(gob.bytes);
    expect(new Registry([gob.int64]).find("int64")).toMatchObject({ type: gob.int64, plain: false });
    for (const name of ["[][]int", "*int", "error"]) expect(registry.find(name)).toBeUndefined();
  });
});

describe("names", () => {
  const read = <Entry>(names: NameCache<Entry>, hex: string): Entry | undefined => {
    const reader = new Reader({ maxBytes: 4096, maxDepth: 1, maxValues: 1 });
    const bytes = fromHex(hex);
    reader.begin(bytes, 0, bytes.length);
    const entry = names.read(reader);
    reader.finish();
    return entry;
  };

  test("a name that comes again is not made again, others are", () => {
    const made: string[] = [];
    const names = new NameCache((name) => {
      made.push(name);
      return { name };
    });
    const first = read(names, text("main.S"));
    expect(first).toEqual({ name: "main.S" });
    expect(read(names, text("main.S"))).toBe(first);
    // The same place: the letters that are looked at are the same.
    expect(read(names, text("mbin.S"))).toEqual({ name: "mbin.S" });
    expect(read(names, text("main.S"))).toEqual({ name: "main.S" });
    expect(made).toEqual(["main.S", "mbin.S", "main.S"]);
  });

  test("an empty name is nil", () => {
    expect(read(new NameCache((name) => name), "00")).toBeUndefined();
  });

  test("names are UTF-8 of at most 1024 bytes", () => {
    const names = new NameCache((name) => name);
    expect(read(names, text("n".repeat(1024)))).toHaveLength(1024);
    expect(read(names, text("main.Größe"))).toBe("main.Größe");
    for (const hex of [text("n".repeat(1025)), "02 61ff", "05 61"]) expect(() => read(names, hex)).toThrow(ended);
  });
});
