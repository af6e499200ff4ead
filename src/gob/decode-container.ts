import { CROWD, Crowd } from "../core/crowd.ts";
import { protocolError } from "../core/errors.ts";
import { printable } from "../core/text.ts";
import type { Decode, Node } from "./decode-node.ts";

/** Reads a slice, into an array that grows by what is there. */
export function slice(element: Node): Decode {
  return (reader, depth) => {
    reader.enter(depth, 1);
    const count = element.flat ? reader.count() : reader.elements();
    const list: unknown[] = [];
    for (let index = 0; index < count; index++) {
      list.push(element.decode(reader, depth + 1));
      if (reader.misfit.open) reader.misfit.within(String(index));
    }
    return list;
  };
}

/** Reads an array, which must have all its elements. */
export function array(element: Node, length: number): Decode {
  const elements = slice(element);
  return (reader, depth) => {
    const list = elements(reader, depth) as unknown[];
    if (list.length !== length) throw protocolError(`A gob array of ${length} elements comes with ${list.length}`);
    return list;
  };
}

/** Reads a map. */
export function map(key: Node, value: Node): Decode {
  const flat = key.flat && value.flat;
  return (reader, depth) => {
    reader.enter(depth, 1);
    const count = flat ? reader.count() : reader.elements();
    const entries = new Map<unknown, unknown>();
    let crowd: Crowd | undefined;
    for (let index = 0; index < count; index++) {
      const name = key.decode(reader, depth + 1);
      if (reader.misfit.open) reader.misfit.within(`key ${index}`);
      const held = value.decode(reader, depth + 1);
      if (reader.misfit.open) reader.misfit.within(printable(String(name), 64));
      entries.set(name, held);
      if (index < CROWD) continue;
      crowd ??= new Crowd(entries);
      crowd.add(name);
    }
    return entries;
  };
}

/** Passes over a slice or an array. */
export function skipSlice(element: Node): Decode {
  return (reader, depth) => {
    reader.enter(depth, 1);
    const count = element.flat ? reader.count() : reader.elements();
    for (let index = 0; index < count; index++) element.decode(reader, depth + 1);
  };
}

/** Passes over a map. */
export function skipMap(key: Node, value: Node): Decode {
  const flat = key.flat && value.flat;
  return (reader, depth) => {
    reader.enter(depth, 1);
    const count = flat ? reader.count() : reader.elements();
    for (let index = 0; index < count; index++) {
      key.decode(reader, depth + 1);
      value.decode(reader, depth + 1);
    }
  };
}
