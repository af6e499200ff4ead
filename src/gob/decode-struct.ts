import { protocolError } from "../core/errors.ts";
import type { Decode, Node, Zero } from "./decode-node.ts";
import type { Reader } from "./reader.ts";

/** How the structs of one type of the stream are read into those of one type here. */
export interface StructPlan {
  /** What the struct is called in messages to people. */
  readonly name: string;
  readonly prototype: object;
  /** The fields here, in the order in which every value has them. */
  readonly names: readonly string[];
  readonly zeros: readonly Zero[];
  /** By the number of the field in the stream: how it is read, and its index here; -1 for one that is passed over. */
  readonly nodes: readonly Node[];
  readonly places: readonly number[];
}

/**
 * Reads structs. All values of a type get their fields in one order, whatever was left out: they share a hidden class.
 * `Object.create` and stores by name make them at 35 ns, faster than constructors (43), templates that are copied (58) and
 * spread (93), measured with Node 20.
 */
export function struct(plan: StructPlan): Decode {
  const places = plan.places.filter((place) => place >= 0);
  return places.every((place, index) => place > (places[index - 1] ?? -1)) ? ordered(plan) : scattered(plan);
}

/** Where the fields come in the order that they have here. */
function ordered({ name, prototype, names, zeros, nodes, places }: StructPlan): Decode {
  const count = nodes.length;
  const values = 1 + names.length;
  return (reader, depth) => {
    reader.enter(depth, values);
    const value = Object.create(prototype) as Record<string, unknown>;
    let next = 0;
    for (let field = nextField(reader, -1, count); field < count; field = nextField(reader, field, count)) {
      const held = (nodes[field] as Node).decode(reader, depth + 1);
      const place = places[field] as number;
      if (place < 0) continue;
      if (reader.misfit.open) reader.misfit.place(name, names[place] as string);
      for (; next < place; next++) value[names[next] as string] = (zeros[next] as Zero)(reader, depth + 1);
      value[names[next++] as string] = held;
    }
    for (; next < names.length; next++) value[names[next] as string] = (zeros[next] as Zero)(reader, depth + 1);
    return value;
  };
}

/** Where they come in another. */
function scattered({ name, prototype, names, zeros, nodes, places }: StructPlan): Decode {
  const count = nodes.length;
  const values = 1 + names.length;
  return (reader, depth) => {
    reader.enter(depth, values);
    const came: unknown[] = names.map(() => undefined);
    for (let field = nextField(reader, -1, count); field < count; field = nextField(reader, field, count)) {
      const held = (nodes[field] as Node).decode(reader, depth + 1);
      const place = places[field] as number;
      if (place < 0) continue;
      if (reader.misfit.open) reader.misfit.place(name, names[place] as string);
      came[place] = held;
    }
    return filled(prototype, names, (index) => {
      const held = came[index];
      return held === undefined ? (zeros[index] as Zero)(reader, depth + 1) : held;
    });
  };
}

/** Passes over structs. */
export function skipStruct(nodes: readonly Node[]): Decode {
  const count = nodes.length;
  return (reader, depth) => {
    reader.enter(depth, 1);
    for (let field = nextField(reader, -1, count); field < count; field = nextField(reader, field, count))
      (nodes[field] as Node).decode(reader, depth + 1);
  };
}

/** A struct with these fields, made as the decoder makes them. */
export function filled(prototype: object, names: readonly string[], field: (index: number) => unknown): object {
  const value = Object.create(prototype) as Record<string, unknown>;
  for (const [index, name] of names.entries()) value[name] = field(index);
  return value;
}

/** The number of the field that comes next; `count` at the end of the struct. */
function nextField(reader: Reader, field: number, count: number): number {
  const delta = reader.delta();
  if (delta === 0) return count;
  const next = field + delta;
  if (next >= count) throw protocolError(`A gob message has field ${next} of a struct with ${count} fields`);
  return next;
}
