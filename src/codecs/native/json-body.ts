import { protocolError, RpcError } from "../../core/errors.ts";
import type { FieldReader, FieldWriter } from "./body.ts";
import { isBare, isOpaque, tagOf } from "./opaque.ts";
import type { BodyLimits } from "./pack.ts";

/** Writes one JSON array of all fields. Throws for what JSON would change; members that are `undefined` are left out. */
export class JsonWriter implements FieldWriter {
  readonly #limits: BodyLimits;
  #fields: unknown[] = [];

  constructor(limits: BodyLimits) {
    this.#limits = limits;
  }

  put(value: unknown): void {
    if (typeof value !== "string") this.#check(value, 0);
    this.#fields.push(value);
  }

  take(): string {
    const fields = this.#fields;
    this.#fields = [];
    return JSON.stringify(fields);
  }

  reset(): void {
    this.#fields = [];
  }

  #check(value: unknown, depth: number): void {
    switch (typeof value) {
      case "string":
      case "boolean":
        return;
      case "number":
        if (Number.isFinite(value)) return;
        throw unsayable(String(value));
      case "object":
        if (value !== null) this.#checkObject(value, depth + 1);
        return;
      default:
        throw unsayable(`A value of type ${typeof value}`);
    }
  }

  #checkObject(value: object, depth: number): void {
    const { maxDepth } = this.#limits;
    if (depth > maxDepth) {
      throw new RpcError("resource_exhausted", `The message is nested deeper than ${maxDepth} levels`);
    }
    if (Array.isArray(value)) {
      for (let at = 0; at < value.length; at++) this.#check(value[at], depth);
      return;
    }
    const { constructor: made } = value;
    if (made !== Object && made !== undefined) {
      if (value instanceof Date || isOpaque(value)) throw unsayable(`A value of class ${tagOf(value)}`);
    }
    // What it says of itself is its own business.
    if (typeof (value as { readonly toJSON?: unknown }).toJSON === "function") return;
    const keys = Object.keys(value);
    if (keys.length === 0 && !isBare(value)) throw unsayable(`A value of class ${tagOf(value)}`);
    for (const key of keys) {
      const member = (value as Readonly<Record<string, unknown>>)[key];
      if (typeof member !== "string" && member !== undefined) this.#check(member, depth);
    }
  }
}

/** Reads the fields of a JSON array. */
export class JsonReader implements FieldReader {
  readonly #fields: readonly unknown[];
  #at = 0;

  constructor(fields: readonly unknown[]) {
    this.#fields = fields;
  }

  get done(): boolean {
    return this.#at >= this.#fields.length;
  }

  next(): unknown {
    if (this.#at >= this.#fields.length) throw protocolError("The frame ended inside a message");
    return this.#fields[this.#at++];
  }

  name(): unknown {
    return this.next();
  }
}

function unsayable(what: string): TypeError {
  return new TypeError(`${what} cannot be sent as JSON: native({ body: "msgpack" }) carries more`);
}
