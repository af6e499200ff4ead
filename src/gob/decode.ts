import { protocolError, RpcError } from "../core/errors.ts";
import { byteNumbers, complex, float, integer, opaque, plainBasic, skipBasic } from "./decode-basic.ts";
import { array, map, skipMap, skipSlice, slice } from "./decode-container.ts";
import { type Interfaces, interfaceValue, skipInterface } from "./decode-interface.ts";
import { type Decode, Node } from "./decode-node.ts";
import { skipStruct, struct } from "./decode-struct.ts";
import { zeroOf, zeroOfWire } from "./decode-zero.ts";
import { Describer } from "./describe.ts";
import type { Registry } from "./registry.ts";
import type { AnyType, Shape } from "./type.ts";
import { printWireType, type WireType, type WireTypes } from "./wire-type.ts";

/** Fields of all structs that are compiled for a stream, together: a peer may define its types so that each fits each. */
const MAX_COMPILED_FIELDS = 262_144;

/** What a value is read as: a type that is described here, none, or nothing at all because it is passed over. */
type Target = AnyType | undefined | "skip";
type WireOf<Kind extends WireType["kind"]> = Extract<WireType, { readonly kind: Kind }>;
type ShapeOf<Kind extends Shape["kind"]> = Extract<Shape, { readonly kind: Kind }>;

/** What a compiler needs to know of its decoder. */
export interface CompilerOptions {
  readonly types: WireTypes;
  readonly registry: Registry;
  readonly typed: boolean;
  readonly maxDepth: number;
}

/** Compiles the decoders of one stream: one for each type of the stream and what it is read as, at the first use. */
export class Compiler implements Interfaces {
  readonly types: WireTypes;
  readonly registry: Registry;
  readonly typed: boolean;
  readonly describer: Describer;
  readonly #maxDepth: number;
  readonly #nodes = new Map<number, Map<Target, Node>>();
  readonly #interface: Decode;
  readonly #skipInterface: Decode;
  #depth = 0;
  #fields = 0;

  constructor(options: CompilerOptions) {
    this.types = options.types;
    this.registry = options.registry;
    this.typed = options.typed;
    this.describer = new Describer(options.types);
    this.#maxDepth = options.maxDepth;
    this.#interface = interfaceValue(this);
    this.#skipInterface = skipInterface(this.types, (id) => this.#node(id, "skip", ""));
  }

  /**
   * The decoder for values of the stream's type `id` as `type`, or as they are. Throws when the stream has no such type, or
   * when it does not fit.
   */
  node(id: number, type: AnyType | undefined): Node {
    return this.#node(id, type, "");
  }

  /** `where` is the field for which it is compiled, for messages. */
  #node(id: number, target: Target, where: string): Node {
    let nodes = this.#nodes.get(id);
    const known = nodes?.get(target);
    if (known !== undefined) return known;
    const wire = this.types.get(id);
    if (this.#depth > this.#maxDepth)
      throw new RpcError("resource_exhausted", `The types of a gob stream are nested deeper than ${this.#maxDepth}`);
    const node = new Node(wire.kind !== "struct", !isContainer(wire));
    if (nodes === undefined) {
      nodes = new Map();
      this.#nodes.set(id, nodes);
    }
    nodes.set(target, node);
    this.#depth++;
    if (target === "skip") node.decode = this.#skip(wire);
    else if (target === undefined) node.decode = this.#plain(wire);
    else node.decode = this.#described(wire, target, target, where);
    this.#depth--;
    return node;
  }

  #skip(wire: WireType): Decode {
    const skipping = (id: number) => this.#node(id, "skip", "");
    switch (wire.kind) {
      case "slice":
      case "array":
        return skipSlice(skipping(wire.element));
      case "map":
        return skipMap(skipping(wire.key), skipping(wire.value));
      case "struct":
        this.#count(wire.fields.length);
        return skipStruct(wire.fields.map((field) => skipping(field.type)));
      case "interface":
        return this.#skipInterface;
      default:
        return skipBasic(wire.kind);
    }
  }

  /** What nobody described: plain objects, arrays, Maps. */
  #plain(wire: WireType): Decode {
    switch (wire.kind) {
      case "slice":
        return slice(this.node(wire.element, undefined));
      case "array":
        return array(this.node(wire.element, undefined), wire.length);
      case "map":
        this.#checkKey(wire);
        return map(this.node(wire.key, undefined), this.node(wire.value, undefined));
      case "struct":
        this.#count(wire.fields.length);
        return struct({
          name: wire.name === "" ? "struct" : wire.name,
          prototype: Object.prototype,
          names: wire.fields.map((field) => field.name),
          zeros: wire.fields.map((field) => zeroOfWire(this.types.get(field.type))),
          nodes: wire.fields.map((field) => this.node(field.type, undefined)),
          places: wire.fields.map((_, index) => index),
        });
      case "interface":
        return this.#interface;
      default:
        return plainBasic(wire.kind);
    }
  }

  /** `owner` is the type that structs remember: the pointer where `type` is what it points at. */
  #described(wire: WireType, type: AnyType, owner: AnyType, where: string): Decode {
    const { shape, names } = type;
    switch (shape.kind) {
      case "pointer":
        return this.#described(wire, shape.to, owner, where);
      case "interface":
        if (wire.kind === "interface") return this.#interface;
        break;
      case "bool":
      case "string":
      case "bytes":
        if (wire.kind === shape.kind) return plainBasic(wire.kind);
        break;
      case "int":
      case "uint":
        if (wire.kind === shape.kind) return integer(shape, names.printed);
        break;
      case "float":
        if (wire.kind === "float") return float(shape.bits);
        break;
      case "complex":
        if (wire.kind === "complex") return complex(shape.bits);
        break;
      case "opaque":
        if (wire.kind === "opaque" && wire.form === shape.form) return opaque(shape.coder);
        break;
      case "slice":
        if (wire.kind === "slice" && !isByte(shape.element))
          return slice(this.#inner(wire.element, shape.element, where));
        if (wire.kind === "bytes" && isByte(shape.element)) return byteNumbers;
        break;
      case "array":
        if (wire.kind === "array" && wire.length === shape.length)
          return array(this.#inner(wire.element, shape.element, where), wire.length);
        break;
      case "map":
        if (wire.kind === "map") return this.#map(wire, shape, where);
        break;
      case "struct":
        if (wire.kind === "struct") return this.#struct(wire, shape, type, owner);
        break;
    }
    const place = where === "" ? "" : `${where}: `;
    throw protocolError(`${place}A gob value of the type ${printWireType(wire)} cannot be read as ${names.printed}`);
  }

  #inner(id: number, type: AnyType, where: string): Node {
    return this.#node(id, type, where === "" ? "" : `${where}[]`);
  }

  #map(wire: WireOf<"map">, shape: ShapeOf<"map">, where: string): Decode {
    this.#checkKey(wire);
    return map(this.#inner(wire.key, shape.key, where), this.#inner(wire.value, shape.value, where));
  }

  #struct(wire: WireOf<"struct">, shape: ShapeOf<"struct">, type: AnyType, owner: AnyType): Decode {
    this.#count(wire.fields.length + shape.fields.length);
    const name = type.names.short === "" ? "struct" : type.names.printed;
    const byName = new Map(shape.fields.map((field, index) => [field.name, index]));
    const places = wire.fields.map((field) => byName.get(field.name) ?? -1);
    if (places.length > 0 && byName.size > 0 && places.every((place) => place < 0)) {
      throw protocolError(
        `A gob struct ${printWireType(wire)} has no field of ${type.names.printed}: describe it with the sender's fields`,
      );
    }
    return struct({
      name,
      prototype: owner.prototype,
      names: shape.fields.map((field) => field.name),
      zeros: shape.fields.map((field) => zeroOf(field.type)),
      nodes: wire.fields.map((field, index) => {
        const here = shape.fields[places[index] ?? -1];
        return this.#node(field.type, here === undefined ? "skip" : here.type, `${name}.${field.name}`);
      }),
      places,
    });
  }

  /** Go has no maps by slices or maps. */
  #checkKey(wire: WireOf<"map">): void {
    const { kind } = this.types.get(wire.key);
    if (kind === "slice" || kind === "map" || kind === "bytes")
      throw protocolError(`A gob message defines a map by ${kind}, which there cannot be`);
  }

  #count(fields: number): void {
    this.#fields += fields;
    if (this.#fields > MAX_COMPILED_FIELDS)
      throw new RpcError(
        "resource_exhausted",
        `The structs of a gob stream have more than ${MAX_COMPILED_FIELDS} fields`,
      );
  }
}

/** Whether its values may hold others, which may be in further messages. */
function isContainer({ kind }: WireType): boolean {
  return kind === "slice" || kind === "array" || kind === "map" || kind === "struct" || kind === "interface";
}

/** Whether a slice of it is `[]byte` in Go, which has a form of its own. */
function isByte(element: AnyType): boolean {
  const { shape } = element;
  return shape.kind === "uint" && shape.bits === 8;
}
