import { bytesOf } from "../core/text.ts";
import { Unfit } from "../core/unfit.ts";
import type { Definition, Definitions } from "./definition.ts";
import {
  type Encode,
  encodeBool,
  encodeBytes,
  encodeComplex,
  encodeFloat,
  encodeInt64,
  encodeOpaque,
  encodeSmallInteger,
  encodeString,
  encodeUint64,
  isComplex,
} from "./encode-basic.ts";
import {
  Depth,
  EMPTY,
  encodeList,
  encodeMap,
  encodeStruct,
  encodeZeros,
  type Operations,
  type Part,
} from "./encode-container.ts";
import { infer } from "./infer.ts";
import { isByteSlice } from "./signature.ts";
import { type AnyType, type Coder, type Field, type Names, type Shape, slice, TypedValue, typeOf } from "./type.ts";
import { Writer } from "./writer.ts";

/** Go refuses longer names. */
const MAX_NAME_BYTES = 1024;
/** The zero value of most types, as it is written. */
const ZERO = new Uint8Array(1);
const COMPLEX_ZERO = new Uint8Array(2);
/** A type made ready for encoding. */
export interface Plan {
  readonly type: AnyType;
  /** Those of what a pointer points at, since gob has no pointers. */
  readonly operations: Operations;
  readonly definition: Definition;
  readonly kind: Shape["kind"];
  readonly isPointer: boolean;
  /** What stands in front of it in an interface. Made when first needed. */
  name: Uint8Array | undefined;
}

/** Writes values into one writer. For each type it makes a closure once, in which nothing is left to look up. */
export class ValueEncoder {
  readonly #to: Writer;
  readonly #definitions: Definitions;
  readonly #depth: Depth;
  readonly #slices = new WeakMap<AnyType, AnyType>();
  #plans = new WeakMap<AnyType, Plan>();
  #operations = new WeakMap<Names, Operations>();

  constructor(to: Writer, definitions: Definitions, maxDepth: number) {
    this.#to = to;
    this.#definitions = definitions;
    this.#depth = new Depth(maxDepth);
  }

  /** The plan of a type; of an interface it is that of what the value is. */
  plan(type: AnyType, value: unknown): Plan {
    const plan = this.#planOf(type);
    return plan.kind === "interface" ? this.#planOf(this.#dynamicType(value)) : plan;
  }

  /** Writes a value in full. Throws `Unfit` for one that does not fit, which leaves a part of it written. */
  write(plan: Plan, value: unknown): void {
    this.#depth.reset();
    plan.operations.element(value);
  }

  #planOf(type: AnyType): Plan {
    const known = this.#plans.get(type);
    if (known !== undefined) return known;
    try {
      const { base } = type;
      const operations = this.#operationsOf(base);
      const definition = this.#definitions.of(type);
      const plan = { type, operations, definition, kind: base.shape.kind, isPointer: base !== type, name: undefined };
      this.#plans.set(type, plan);
      return plan;
    } catch (error) {
      // Others may be ready that hold the one that failed, so that all is made anew.
      this.#plans = new WeakMap();
      this.#operations = new WeakMap();
      throw error;
    }
  }

  #operationsOf(base: AnyType): Operations {
    const known = this.#operations.get(base.names);
    if (known !== undefined) return known;
    const zero = (): void => this.#to.byte(0);
    const made: Operations = { element: unready, inField: unready, zero, omitted: ZERO, kept: false };
    this.#operations.set(base.names, made);
    this.#fill(made, base.shape, base.names);
    if (made.inField === unready) made.inField = made.element;
    return made;
  }

  #fill(into: Operations, shape: Shape, names: Names): void {
    const to = this.#to;
    const depth = this.#depth;
    if (isByteSlice(shape)) {
      into.element = encodeBytes(to);
      return;
    }
    switch (shape.kind) {
      case "bool":
        into.element = encodeBool(to);
        return;
      case "string":
        into.element = encodeString(to);
        return;
      case "int":
        into.element = shape.bits === 64 ? encodeInt64(to) : encodeSmallInteger(to, "int", shape.bits);
        return;
      case "uint":
        into.element = shape.bits === 64 ? encodeUint64(to) : encodeSmallInteger(to, "uint", shape.bits);
        return;
      case "float": {
        const element = encodeFloat(to, shape.bits);
        into.element = element;
        // A field holding -0 is left out too, although it is not written as 0.
        into.inField = (value) => element(value === 0 ? 0 : value);
        return;
      }
      case "complex": {
        const element = encodeComplex(to, shape.bits);
        into.element = element;
        into.inField = (value) =>
          isComplex(value) && value.real === 0 && value.imaginary === 0 ? to.raw(COMPLEX_ZERO) : element(value);
        into.zero = () => to.raw(COMPLEX_ZERO);
        into.omitted = COMPLEX_ZERO;
        return;
      }
      case "interface":
        into.element = this.#interface();
        return;
      case "slice":
        into.element = encodeList(to, depth, this.#planOf(shape.element).operations);
        return;
      case "array": {
        into.omitted = undefined;
        into.kept = true;
        const plan = this.#planOf(shape.element);
        into.element = encodeList(to, depth, plan.operations, shape.length);
        into.zero = hasNilElements(plan, shape.length)
          ? refuseNil
          : encodeZeros(to, depth, plan.operations, shape.length);
        return;
      }
      case "map":
        into.omitted = undefined;
        into.element = encodeMap(to, depth, this.#planOf(shape.key).operations, this.#planOf(shape.value).operations);
        return;
      case "struct": {
        into.omitted = undefined;
        const element = encodeStruct(to, depth, this.#partsOf(shape.fields), names.registered);
        into.element = element;
        into.zero = () => element(EMPTY);
        // Set only now: Go has no struct that holds itself but by a pointer, and absent ones of those are left out.
        into.kept = true;
        return;
      }
      case "opaque": {
        const omitted = zeroOf(shape.coder);
        into.element = encodeOpaque(to, shape.coder);
        into.omitted = omitted;
        into.zero = () => {
          if (omitted === undefined) throw new Unfit(`the zero value of ${names.registered} cannot be encoded`);
          to.raw(omitted);
        };
        return;
      }
      default:
        throw new Error(`There are no values of a ${shape.kind} itself`);
    }
  }

  #partsOf(fields: readonly Field[]): Part[] {
    return fields.map(({ name, type }, index) => {
      const { operations, isPointer, kind } = this.#planOf(type);
      // Go asks whether the pointer to a self-encoding type is nil, and not whether what it points at is zero.
      const omitted = isPointer && kind === "opaque" ? undefined : operations.omitted;
      return { name, index, operations, omitted, kept: operations.kept && !isPointer };
    });
  }

  #interface(): Encode {
    const to = this.#to;
    const depth = this.#depth;
    // Most places see one type again and again.
    let plan: Plan | undefined;
    const encode = (value: unknown): void => {
      depth.enter();
      if (value === null || value === undefined) {
        to.byte(0);
        depth.leave();
        return;
      }
      const type = this.#dynamicType(value);
      if (plan?.type !== type) plan = this.#planOf(type);
      const { definition, operations, kind } = plan;
      const content = value instanceof TypedValue ? value.value : value;
      plan.name ??= nameOf(type);
      to.bytes(plan.name);
      to.signed(definition.sent ? definition.id : this.#definitions.use(definition));
      const mark = to.reserve();
      if (kind !== "struct") to.byte(0);
      operations.element(content);
      to.count(mark);
      depth.leave();
    };
    return encode;
  }

  /** The type of a value in an interface. */
  #dynamicType(value: unknown): AnyType {
    const type = typeOf(value) ?? infer(value, this.#sliceOf);
    if (type.base.shape.kind !== "interface") return type;
    throw new Unfit("an interface has no values of its own, give the value without gob.any.of");
  }

  readonly #sliceOf = (element: AnyType): AnyType => {
    let type = this.#slices.get(element);
    if (type === undefined) {
      type = slice(element);
      this.#slices.set(element, type);
    }
    return type;
  };
}

function unready(): void {
  throw new Error("A type is used before it is described");
}

/** How the zero value of a self-encoding type is written; `undefined` when it cannot be, and no value is left out then. */
function zeroOf(coder: Coder<unknown>): Uint8Array | undefined {
  const to = new Writer();
  try {
    encodeOpaque(to, coder)(coder.zero());
    return to.take().slice();
  } catch {
    return undefined;
  }
}

/** Whether the zero value of an array of these cannot be written. */
function hasNilElements({ isPointer, kind }: Plan, length: number): boolean {
  return length > 0 && isPointer && kind !== "interface";
}

function refuseNil(): void {
  throw new Unfit("an array of nil pointers cannot be encoded");
}

function nameOf(type: AnyType): Uint8Array {
  const { registered } = type.names;
  const bytes = bytesOf(registered);
  if (bytes.length === 0 || bytes.length > MAX_NAME_BYTES)
    throw new Unfit(`a type in an interface must have a name of 1 to ${MAX_NAME_BYTES} bytes, not ${bytes.length}`);
  return bytes;
}
