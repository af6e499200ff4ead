import { protocolError, RpcError } from "../core/errors.ts";
import { printable } from "../core/text.ts";
import type { Reader } from "./reader.ts";
import type { OpaqueForm } from "./type.ts";

/** The lowest id that a stream may give to a type of its own. */
const FIRST_ID = 64;
/** Fields of all structs of a stream together: far more than any program has, and little to remember. */
const MAX_FIELDS = 65_536;
/** The kinds that every stream knows, by their ids from 1 on. */
const PREDEFINED: readonly WireType[] = [
  ...(["bool", "int", "uint", "float", "bytes", "string", "complex", "interface"] as const),
].map((kind) => ({ kind }));
/** What a definition defines, by the number of the field that it sets. */
const DEFINES = ["array", "slice", "struct", "map", "gob", "binary", "text"] as const;

/** The kind that has no values of its own: what is inside an interface has a type. */
export const INTERFACE_ID = 8;

/** A field of a struct as the sender has it. */
export interface WireField {
  readonly name: string;
  readonly type: number;
}

/** A type as the sender has it. Other types in it are ids, which may be defined later than it. */
export type WireType =
  | { readonly kind: "bool" | "int" | "uint" | "float" | "bytes" | "string" | "complex" | "interface" }
  | { readonly kind: "slice"; readonly name: string; readonly element: number }
  | { readonly kind: "array"; readonly name: string; readonly element: number; readonly length: number }
  | { readonly kind: "map"; readonly name: string; readonly key: number; readonly value: number }
  | { readonly kind: "struct"; readonly name: string; readonly fields: readonly WireField[] }
  | { readonly kind: "opaque"; readonly name: string; readonly form: OpaqueForm };

/** The types of one stream. */
export class WireTypes {
  readonly #maxTypes: number;
  readonly #maxLength: number;
  readonly #types = new Map<number, WireType>();
  #fields = 0;
  /** Definitions inside the value that is being read, in this try and in those before. */
  #inside = 0;
  #insideBefore = 0;

  /** `maxLength` bounds arrays: each element takes a byte at least, so that it is the bound of messages too. */
  constructor(maxTypes: number, maxLength: number) {
    this.#maxTypes = maxTypes;
    this.#maxLength = maxLength;
  }

  /** Throws for an id that no type has. */
  get(id: number): WireType {
    const type = id < FIRST_ID ? PREDEFINED[id - 1] : this.#types.get(id);
    if (type === undefined) throw protocolError(`A gob message uses the type ${id}, which it did not define`);
    return type;
  }

  /** Reads the definition of a type, without defining it yet. */
  read(reader: Reader): WireType {
    return readWireType(reader, this.#maxLength);
  }

  /** Takes a definition that is a message of its own. */
  define(id: number, type: WireType): void {
    if (id < FIRST_ID) throw protocolError(`A gob message defines the type ${id}, whose id is reserved`);
    if (this.#types.has(id)) throw protocolError(`A gob message defines the type ${id} again`);
    if (this.#types.size >= this.#maxTypes) {
      throw new RpcError(
        "resource_exhausted",
        `A gob stream defines more than the limit of ${this.#maxTypes} types: raise maxTypes`,
      );
    }
    if (type.kind === "struct") this.#fields += type.fields.length;
    if (this.#fields > MAX_FIELDS)
      throw new RpcError("resource_exhausted", `The types of a gob stream have more than ${MAX_FIELDS} fields`);
    this.#types.set(id, type);
  }

  /** Takes a definition inside a value, unless a try before took it: a cut value is read again from its start. */
  defineInside(id: number, type: WireType): void {
    this.#inside++;
    if (this.#inside <= this.#insideBefore) return;
    this.#insideBefore = this.#inside;
    this.define(id, type);
  }

  /** Tells that a value is read from its start; `again` when it was before. */
  beginValue(again: boolean): void {
    this.#inside = 0;
    if (!again) this.#insideBefore = 0;
  }
}

/** What a type is called in messages to people. */
export function printWireType(type: WireType): string {
  if (!("name" in type) || type.name === "") return type.kind;
  return `${type.kind} ${printable(type.name, 64)}`;
}

function readWireType(reader: Reader, maxLength: number): WireType {
  const defines = DEFINES[reader.delta() - 1];
  if (defines === undefined) throw malformed();
  const type = readDefinition(reader, defines, maxLength);
  if (reader.delta() !== 0) throw malformed();
  return type;
}

function readDefinition(reader: Reader, defines: (typeof DEFINES)[number], maxLength: number): WireType {
  let name = "";
  switch (defines) {
    case "slice": {
      let element = 0;
      eachField(reader, 2, (field) => {
        if (field === 0) name = readName(reader);
        else element = readId(reader);
      });
      return { kind: "slice", name, element };
    }
    case "array": {
      let element = 0;
      let length = 0;
      eachField(reader, 3, (field) => {
        if (field === 0) name = readName(reader);
        else if (field === 1) element = readId(reader);
        else length = readLength(reader, maxLength);
      });
      return { kind: "array", name, element, length };
    }
    case "map": {
      let key = 0;
      let value = 0;
      eachField(reader, 3, (field) => {
        if (field === 0) name = readName(reader);
        else if (field === 1) key = readId(reader);
        else value = readId(reader);
      });
      return { kind: "map", name, key, value };
    }
    case "struct": {
      let fields: readonly WireField[] = [];
      eachField(reader, 2, (field) => {
        if (field === 0) name = readName(reader);
        else fields = readFields(reader);
      });
      return { kind: "struct", name, fields };
    }
    default:
      eachField(reader, 1, () => {
        name = readName(reader);
      });
      return { kind: "opaque", name, form: defines };
  }
}

/** The name of a type. The id beside it is the type's own and says nothing: for pointers it is another's. */
function readName(reader: Reader): string {
  let name = "";
  eachField(reader, 2, (field) => {
    if (field === 0) name = reader.name();
    else reader.signed();
  });
  return name;
}

function readFields(reader: Reader): WireField[] {
  const count = reader.count();
  const fields: WireField[] = [];
  const names = new Set<string>();
  if (count > MAX_FIELDS)
    throw new RpcError("resource_exhausted", `A struct of a gob stream has more than ${MAX_FIELDS} fields`);
  for (let each = 0; each < count; each++) {
    let name = "";
    let type = 0;
    eachField(reader, 2, (field) => {
      if (field === 0) name = reader.name();
      else type = readId(reader);
    });
    // None of them can be a field of Go's: those begin with a capital.
    if (name === "" || name in Object.prototype)
      throw protocolError(`A gob message defines a field with the name "${printable(name)}"`);
    if (names.has(name))
      throw protocolError(`A gob message defines the field "${printable(name)}" twice in one struct`);
    names.add(name);
    fields.push({ name, type });
  }
  return fields;
}

function readId(reader: Reader): number {
  const id = reader.typeId();
  if (id < 0) throw malformed();
  return id;
}

function readLength(reader: Reader, maxLength: number): number {
  const length = reader.signed();
  if (length < 0) throw malformed();
  if (typeof length === "bigint" || length > maxLength) {
    throw new RpcError(
      "resource_exhausted",
      `A gob message defines an array of ${length} elements: no message may be as long as that`,
    );
  }
  return length;
}

function eachField(reader: Reader, fields: number, read: (field: number) => void): void {
  for (let field = -1; ; ) {
    const delta = reader.delta();
    if (delta === 0) return;
    field += delta;
    if (field >= fields) throw malformed();
    read(field);
  }
}

function malformed(): RpcError {
  return protocolError("A gob message has a malformed definition of a type");
}
