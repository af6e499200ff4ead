// A gob decoder as one writes it first, to measure Convoke's by: for every value it walks the definition in the stream and
// the described type side by side, and finds fields by their names. It is correct for described types and gives the same
// values, but trusts its input: it has none of the limits.

/** A message ended inside a value, which goes on in the next. */
class Cut extends Error {}

export class WalkingDecoder {
  #types = new Map(
    ["bool", "int", "uint", "float", "bytes", "string", "complex", "interface"].map((kind, at) => [at + 1, { kind }]),
  );
  #described = new Map();
  #text = new TextDecoder();
  #double = new DataView(new ArrayBuffer(8));
  #bytes;
  #at = 0;
  /** The messages of a value that is not complete, and how many of them were read. */
  #pieces = [];
  #next = 0;

  constructor({ types }) {
    for (const type of types) this.#described.set(type.names.registered, type);
  }

  /** Takes a message with its count in front; gives the value that it completes. */
  message(bytes, type) {
    this.#bytes = bytes;
    this.#at = 0;
    this.#unsigned();
    const body = bytes.subarray(this.#at);
    this.#load(body);
    const id = this.#signed();
    if (id < 0) {
      this.#define(-id);
      if (this.#at === body.length) return undefined;
    }
    this.#pieces.push(body);
    this.#load(this.#pieces[0]);
    this.#next = 1;
    try {
      const value = this.#value(this.#topId(), type);
      this.#pieces = [];
      return { value };
    } catch (error) {
      if (error instanceof Cut) return undefined;
      throw error;
    }
  }

  #load(body) {
    this.#bytes = body;
    this.#at = 0;
  }

  #topId() {
    const id = this.#signed();
    if (this.#types.get(id).kind !== "struct") this.#unsigned();
    return id;
  }

  #unsigned() {
    const first = this.#bytes[this.#at++];
    if (first < 128) return first;
    const length = 256 - first;
    if (length <= 6) {
      let small = 0;
      for (let left = length; left > 0; left--) small = small * 256 + this.#bytes[this.#at++];
      return small;
    }
    let large = 0n;
    for (let left = length; left > 0; left--) large = (large << 8n) | BigInt(this.#bytes[this.#at++]);
    return large <= Number.MAX_SAFE_INTEGER ? Number(large) : large;
  }

  #signed() {
    const value = this.#unsigned();
    if (typeof value === "number") return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    const signed = (value & 1n) === 0n ? value >> 1n : ~(value >> 1n);
    const isSafe = signed >= Number.MIN_SAFE_INTEGER && signed <= Number.MAX_SAFE_INTEGER;
    return isSafe ? Number(signed) : signed;
  }

  /** The bytes of a double, the last first, without the zeros in front. */
  #float() {
    const first = this.#bytes[this.#at++];
    const length = first < 128 ? 1 : 256 - first;
    this.#double.setFloat64(0, 0);
    if (first < 128) this.#double.setUint8(0, first);
    else for (let left = length; left > 0; left--) this.#double.setUint8(left - 1, this.#bytes[this.#at++]);
    return this.#double.getFloat64(0);
  }

  #take() {
    const length = this.#unsigned();
    const bytes = this.#bytes.slice(this.#at, this.#at + length);
    this.#at += length;
    return bytes;
  }

  #string() {
    return this.#text.decode(this.#take());
  }

  /** Calls `read` with the number of each field that comes. */
  #fields(read) {
    let field = -1;
    for (let delta = this.#unsigned(); delta > 0; delta = this.#unsigned()) {
      field += delta;
      read(field);
    }
  }

  #define(id) {
    const type = {};
    this.#fields((kind) => {
      type.kind = ["array", "slice", "struct", "map", "opaque", "opaque", "opaque"][kind];
      this.#fields((field) => {
        if (field === 0) this.#fields((part) => (part === 0 ? this.#string() : this.#signed()));
        else if (type.kind === "struct") type.fields = this.#fieldList();
        else if (field === 1) type.first = this.#signed();
        else type.second = this.#signed();
      });
    });
    this.#types.set(id, type);
  }

  #fieldList() {
    const fields = [];
    for (let left = this.#unsigned(); left > 0; left--) {
      const field = {};
      this.#fields((part) => {
        if (part === 0) field.name = this.#string();
        else field.id = this.#signed();
      });
      fields.push(field);
    }
    return fields;
  }

  /** A struct remembers the type `as` which it was described: it may be a pointer's. */
  #value(id, type, as = type) {
    const wire = this.#types.get(id);
    const { shape } = type;
    if (shape.kind === "pointer") return this.#value(id, shape.to, as);
    if (shape.kind !== wire.kind) throw new TypeError(`A ${wire.kind} came for ${type.names.registered}`);
    switch (shape.kind) {
      case "bool":
        return this.#unsigned() !== 0;
      case "int":
        return fit(this.#signed(), shape, type);
      case "uint":
        return fit(this.#unsigned(), shape, type);
      case "float":
        return shape.bits === 32 ? Math.fround(this.#float()) : this.#float();
      case "complex":
        return { real: this.#float(), imaginary: this.#float() };
      case "string":
        return this.#string();
      case "bytes":
        return this.#take();
      case "opaque":
        return shape.coder.decode(this.#take());
      case "slice":
      case "array": {
        const list = [];
        for (let left = this.#unsigned(); left > 0; left--) list.push(this.#value(wire.first, shape.element));
        return list;
      }
      case "map": {
        const map = new Map();
        for (let left = this.#unsigned(); left > 0; left--) {
          const key = this.#value(wire.first, shape.key);
          map.set(key, this.#value(wire.second, shape.value));
        }
        return map;
      }
      case "interface":
        return this.#interface();
      case "struct":
        return this.#struct(wire, as, shape);
    }
  }

  #struct(wire, type, shape) {
    const value = Object.create(type.prototype);
    for (const field of shape.fields) value[field.name] = zero(field.type);
    this.#fields((at) => {
      const { name, id } = wire.fields[at];
      const field = shape.fields.find((each) => each.name === name);
      if (field === undefined) throw new TypeError(`${type.names.registered} has no field ${name}`);
      value[name] = this.#value(id, field.type);
    });
    return value;
  }

  #interface() {
    const name = this.#string();
    if (name === "") return null;
    const type = this.#described.get(name);
    if (type === undefined) throw new TypeError(`${name} is not described`);
    let id = this.#nextId();
    while (id < 0) {
      // A value in pieces is read again from its start, and then its types are known.
      this.#define(-id);
      if (this.#at < this.#bytes.length) this.#unsigned();
      id = this.#nextId();
    }
    this.#unsigned();
    if (this.#types.get(id).kind !== "struct") this.#unsigned();
    return this.#value(id, type);
  }

  #nextId() {
    if (this.#at === this.#bytes.length) {
      if (this.#next === this.#pieces.length) throw new Cut();
      this.#load(this.#pieces[this.#next++]);
    }
    return this.#signed();
  }
}

/** A whole number as its description has it. */
function fit(value, { kind, bits, as }, type) {
  const bound = 2 ** (kind === "int" ? bits - 1 : bits);
  if (value >= bound || value < (kind === "int" ? -bound : 0))
    throw new RangeError(`${value} is outside of ${type.names.registered}`);
  if (as === "bigint") return BigInt(value);
  if (typeof value === "bigint") throw new RangeError(`${value} does not fit a number`);
  return value;
}

function zero(type) {
  const { shape } = type;
  switch (shape.kind) {
    case "bool":
      return false;
    case "int":
    case "uint":
      return shape.as === "bigint" ? 0n : 0;
    case "float":
      return 0;
    case "complex":
      return { real: 0, imaginary: 0 };
    case "string":
      return "";
    case "bytes":
      return new Uint8Array();
    case "slice":
      return [];
    case "array":
      return Array.from({ length: shape.length }, () => zero(shape.element));
    case "map":
      return new Map();
    case "opaque":
      return shape.coder.zero();
    case "struct": {
      const value = Object.create(type.prototype);
      for (const field of shape.fields) value[field.name] = zero(field.type);
      return value;
    }
    default:
      return null;
  }
}
