import { basicId, partsOf, signatureOf } from "./signature.ts";
import type { AnyType, Field, Names, OpaqueForm, Shape } from "./type.ts";
import { Writer } from "./writer.ts";

/** Below this, ids are Go's own. */
const FIRST_ID = 65;

/** Which field of a `wireType` a definition sets, counted from 1. */
const ARRAY_T = 1;
const SLICE_T = 2;
const STRUCT_T = 3;
const MAP_T = 4;
const OPAQUE_T: Readonly<Record<OpaqueForm, number>> = { gob: 5, binary: 6, text: 7 };

/** A type as one stream knows it. */
export interface Definition {
  /** Valid once it is `sent`. */
  readonly id: number;
  /** Whether the other side knows the id. */
  readonly sent: boolean;
}

/** What may change, and change back. */
interface State {
  /** 0 as long as it has none. */
  id: number;
  sent: boolean;
  /** What the definition says for people. Where a type is first met decides about it. */
  name: string;
  /** The id that Go takes for a pointer to a self-encoding type; it is seen only inside the definition. */
  inner: number;
}

interface Entry extends State {
  readonly type: AnyType;
  readonly shape: Shape;
  /** What a pointer to a self-encoding type points at. Pointers to anything else are what they point at. */
  readonly target: Entry | undefined;
  /** It is being numbered, and holds itself. */
  open: boolean;
}

/**
 * The types of one stream. They get their ids in Go's order, when a value first needs them: a struct before its fields;
 * a slice, array or map after what it holds. Their definitions are written to `pending`, each a message of its own, a
 * container's before those of what it holds. All of it can be taken back until `commit`.
 */
export class Definitions {
  /** The definitions that are new since `commit`. */
  readonly pending: Writer = new Writer();
  readonly #byNames = new WeakMap<Names, Entry>();
  readonly #bySignature = new Map<string, Entry>();
  readonly #undo: { readonly entry: Entry; readonly state: State }[] = [];
  #nextId = FIRST_ID;
  #committedId = FIRST_ID;

  /** What the stream knows of a type. Types that are alike share it, so that one described anew needs no new id. */
  of(type: AnyType): Definition {
    return this.#entryOf(type);
  }

  /** Makes the other side know the type of a value; returns its id. */
  use(definition: Definition): number {
    const entry = definition as Entry;
    if (entry.sent) return entry.id;
    this.#number(entry, entry.target === undefined ? entry.type.base.names.short : "");
    this.#send(entry);
    if (!entry.sent && entry.target !== undefined) this.#sendPointer(entry, entry.target);
    return entry.id;
  }

  /** Keeps what is new, and forgets that it is. */
  commit(): void {
    if (this.#undo.length === 0) return;
    this.#undo.length = 0;
    this.#committedId = this.#nextId;
    this.pending.truncate(0);
  }

  /** Takes back what is new. */
  rollback(): void {
    for (const { entry, state } of this.#undo.reverse()) Object.assign(entry, state, { open: false });
    this.#nextId = this.#committedId;
    this.commit();
  }

  #entryOf(type: AnyType): Entry {
    const { base } = type;
    const { shape } = base;
    const key = shape.kind === "opaque" ? type.names : base.names;
    const known = this.#byNames.get(key);
    if (known !== undefined) return known;
    const signature = signatureOf(type);
    const entry = this.#bySignature.get(signature) ?? this.#newEntry(type, shape);
    this.#byNames.set(key, entry);
    this.#bySignature.set(signature, entry);
    return entry;
  }

  #newEntry(type: AnyType, shape: Shape): Entry {
    const id = basicId(shape);
    const target = shape.kind === "opaque" && type !== type.base ? this.#entryOf(type.base) : undefined;
    return { type, shape, target, id, sent: id !== 0, name: "", inner: 0, open: false };
  }

  /** Gives ids to a type and to what it is made of. */
  #number(entry: Entry, name: string): void {
    if (entry.id !== 0 || entry.open) return;
    const { shape, target } = entry;
    this.#touch(entry);
    entry.name = name;
    if (target !== undefined) {
      this.#number(target, name);
      entry.id = target.id;
      return;
    }
    entry.open = true;
    const isStruct = shape.kind === "struct";
    if (isStruct) this.#giveId(entry);
    for (const part of partsOf(shape)) {
      const { names } = part.base;
      const child = this.#entryOf(part);
      this.#number(child, names.short === "" && isStruct ? names.printed : names.short);
      // One that is open holds this one, which may not wait for it.
      if (isStruct) this.#giveId(child);
    }
    this.#giveId(entry);
    for (const part of partsOf(shape)) this.#giveId(this.#entryOf(part));
    entry.open = false;
  }

  #giveId(entry: Entry): void {
    if (entry.id === 0) entry.id = this.#nextId++;
  }

  /** Writes the definition of a type, then those of what it is made of. */
  #send(entry: Entry): void {
    if (entry.sent) return;
    if (entry.target !== undefined) {
      if (!entry.target.sent) this.#sendPointer(entry, entry.target);
      return;
    }
    this.#write(entry, entry.id, entry.name);
    for (const part of partsOf(entry.shape)) this.#send(this.#entryOf(part));
  }

  #sendPointer(entry: Entry, target: Entry): void {
    this.#touch(entry);
    if (entry.inner === 0) entry.inner = this.#nextId++;
    if (!target.sent) this.#write(target, entry.inner, "");
    entry.sent = true;
  }

  /** Keeps how an entry was before it changes. */
  #touch(entry: Entry): void {
    const { id, sent, name, inner } = entry;
    this.#undo.push({ entry, state: { id, sent, name, inner } });
  }

  /** One message: the id, negative, and a `wireType`. */
  #write(entry: Entry, inner: number, name: string): void {
    this.#touch(entry);
    entry.sent = true;
    const to = this.pending;
    const { shape } = entry;
    const message = to.reserve();
    to.signed(-entry.id);
    to.byte(wireField(shape));
    to.byte(1);
    writeCommon(to, name, inner);
    if (shape.kind === "struct") this.#writeFields(to, shape.fields);
    else
      for (const part of partsOf(shape)) {
        to.byte(1);
        to.signed(this.#entryOf(part).id);
      }
    if (shape.kind === "array" && shape.length > 0) {
      to.byte(1);
      to.signed(shape.length);
    }
    to.byte(0);
    to.byte(0);
    to.count(message);
  }

  #writeFields(to: Writer, fields: readonly Field[]): void {
    if (fields.length === 0) return;
    to.byte(1);
    to.unsigned(fields.length);
    for (const { name, type } of fields) {
      to.byte(1);
      to.string(name);
      to.byte(1);
      to.signed(this.#entryOf(type).id);
      to.byte(0);
    }
  }
}

/** A `CommonType`: what every definition begins with. */
function writeCommon(to: Writer, name: string, id: number): void {
  if (name !== "") {
    to.byte(1);
    to.string(name);
  }
  to.byte(name === "" ? 2 : 1);
  to.signed(id);
  to.byte(0);
}

function wireField(shape: Shape): number {
  switch (shape.kind) {
    case "array":
      return ARRAY_T;
    case "slice":
      return SLICE_T;
    case "struct":
      return STRUCT_T;
    case "map":
      return MAP_T;
    case "opaque":
      return OPAQUE_T[shape.form];
    default:
      throw new Error(`A ${shape.kind} has no definition`);
  }
}
