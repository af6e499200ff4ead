import { protocolError } from "../core/errors.ts";
import type { Decode, Node } from "./decode-node.ts";
import type { Describer } from "./describe.ts";
import type { Reader } from "./reader.ts";
import { NameCache, type Registry } from "./registry.ts";
import type { AnyType } from "./type.ts";
import { INTERFACE_ID, type WireTypes } from "./wire-type.ts";

/** What values inside interfaces are read with. */
export interface Interfaces {
  readonly types: WireTypes;
  readonly registry: Registry;
  readonly describer: Describer;
  /** Whether every value remembers its type, so that it can be encoded again as it came. */
  readonly typed: boolean;
  /** The decoder for a type of the stream and one of here, or none. */
  node(id: number, type: AnyType | undefined): Node;
}

/** Reads values inside interfaces: null for nil. */
export function interfaceValue(interfaces: Interfaces): Decode {
  const names = new NameCache((name) => new Named(name, interfaces));
  return (reader, depth) => {
    reader.enter(depth, 1);
    const named = names.read(reader);
    return named === undefined ? null : named.read(reader, depth + 1);
  };
}

/** Passes over values inside interfaces. The types that they define count. */
export function skipInterface(types: WireTypes, skipping: (id: number) => Node): Decode {
  const names = new NameCache((name) => name);
  return (reader, depth) => {
    reader.enter(depth, 1);
    if (names.read(reader) === undefined) return;
    const node = skipping(concreteId(reader, types));
    body(reader, node);
    node.decode(reader, depth + 1);
  };
}

/** What a name stands for in this stream. */
class Named {
  readonly #name: string;
  readonly #interfaces: Interfaces;
  /** The type of the stream that came with it last, and how its values are read. */
  #id = 0;
  #node: Node | undefined = undefined;
  #wrap: AnyType | undefined = undefined;

  constructor(name: string, interfaces: Interfaces) {
    this.#name = name;
    this.#interfaces = interfaces;
  }

  read(reader: Reader, depth: number): unknown {
    const id = concreteId(reader, this.#interfaces.types);
    const node = this.#id === id && this.#node !== undefined ? this.#node : this.#resolve(id);
    body(reader, node);
    const wrap = this.#wrap;
    const value = node.decode(reader, depth);
    return wrap === undefined ? value : wrap.of(value);
  }

  #resolve(id: number): Node {
    const { registry, typed, describer } = this.#interfaces;
    const found = registry.find(this.#name);
    const type = typed ? found?.exact : found?.type;
    let node = this.#interfaces.node(id, type);
    if (found?.plain === true) node = this.#interfaces.node(id, undefined);
    const label = typed ? (type ?? describer.describe(id, this.#name)) : undefined;
    // What was read as a described struct remembers its type already.
    this.#wrap = type !== undefined && label?.base.shape.kind === "struct" ? undefined : label;
    this.#id = id;
    this.#node = node;
    return node;
  }
}

/**
 * Reads which type follows. Types that were new to the sender are defined on the way, each followed by the count of the
 * next piece; where the message ends the value goes on in the next one.
 */
function concreteId(reader: Reader, types: WireTypes): number {
  for (;;) {
    if (reader.atEnd) reader.proceed();
    const id = reader.typeId();
    if (id === INTERFACE_ID) throw protocolError("A gob message has an interface directly inside an interface");
    if (id > 0) return id;
    types.defineInside(-id, types.read(reader));
    if (!reader.atEnd) reader.unsigned();
  }
}

/** Reads what stands before a value. Its count ends at the first definition inside, and so says nothing of its end. */
function body(reader: Reader, node: Node): void {
  reader.unsigned();
  if (node.single && reader.delta() !== 0) throw protocolError("A gob message has a value without its mark");
}
