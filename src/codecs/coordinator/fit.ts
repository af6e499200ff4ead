import { type DescField, type DescMessage, type DescOneof, ScalarType } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { RpcError } from "../../core/errors.ts";
import { printable } from "../../core/text.ts";
import { kindOf, Unfit } from "../../core/unfit.ts";

/** A field that is never absent, as descriptors number it: in a message it must have a value. */
const IMPLICIT = 2;
const DECIMAL = /^-?\d+$/;
const STRUCT = "google.protobuf.Struct";
/** A list or an object of JSON, and the value that it is, are a message each. */
const LEVELS_OF_JSON = 2;

/**
 * Checks that a value, a message or an object of its fields, can be written as this type and means the same then: the
 * library itself would make texts of numbers, and leave out what it does not know. Throws `Unfit`, whose path leads to
 * what is wrong, and `RpcError` `resource_exhausted` where messages stand more than `levels` deep in one another.
 */
export function checkFit(type: DescMessage, value: unknown, levels: number): void {
  if (levels <= 0) throw tooDeep();
  if (!isObject(value)) throw new Unfit(`an object of the fields of ${type.typeName} is needed, not ${kindOf(value)}`);
  const given = value["$typeName"];
  if (given !== undefined && given !== type.typeName) {
    throw new Unfit(`a message of type ${type.typeName} is needed, not of ${printable(String(given))}`);
  }
  let at = "";
  try {
    for (const member of type.members) {
      at = member.localName;
      checkMember(member, value[at], given !== undefined, levels);
    }
    for (const key of Object.keys(value)) {
      at = key;
      if (!isMember(type, key)) throw new Unfit(`${type.typeName} has no such field`);
    }
  } catch (thrown) {
    throw under(thrown, `.${at}`);
  }
}

function isMember(type: DescMessage, key: string): boolean {
  const field = Object.hasOwn(type.field, key) ? type.field[key] : undefined;
  if (field !== undefined && field.oneof === undefined) return true;
  return key === "$typeName" || key === "$unknown" || type.oneofs.some(({ localName }) => localName === key);
}

/** `isMade`: it stands in a message, where nothing is filled in any more. */
function checkMember(member: DescField | DescOneof, value: unknown, isMade: boolean, levels: number): void {
  if (value === undefined || value === null) {
    if (isMade && (value === null || isNeeded(member))) throw new Unfit(`a value is needed, not ${kindOf(value)}`);
    return;
  }
  if (member.kind === "oneof") return checkOneof(member, value, levels);
  switch (member.fieldKind) {
    case "list":
      if (!Array.isArray(value)) throw new Unfit(`an array is needed, not ${kindOf(value)}`);
      return checkParts(member, value, levels);
    case "map":
      if (!isObject(value)) throw new Unfit(`an object is needed, not ${kindOf(value)}`);
      return checkEntries(member, value, levels);
    default:
      return checkOne(member, value, levels);
  }
}

function isNeeded(member: DescField | DescOneof): boolean {
  return member.kind === "oneof" || member.presence === IMPLICIT;
}

function checkOneof(oneof: DescOneof, value: unknown, levels: number): void {
  if (!isObject(value)) throw new Unfit(`{ case, value } is needed, not ${kindOf(value)}`);
  const { case: chosen, value: part } = value as { readonly case?: unknown; readonly value?: unknown };
  if (chosen === undefined || chosen === null) return;
  const field = oneof.fields.find(({ localName }) => localName === chosen);
  if (field === undefined) {
    const cases = oneof.fields.map(({ localName }) => `"${localName}"`).join(", ");
    throw new Unfit(`the case must be one of ${cases}`);
  }
  try {
    checkOne(field, part, levels);
  } catch (thrown) {
    throw under(thrown, ".value");
  }
}

function checkParts(
  field: DescField & { readonly fieldKind: "list" },
  parts: readonly unknown[],
  levels: number,
): void {
  let at = 0;
  try {
    for (; at < parts.length; at++) checkOne(field, parts[at], levels);
  } catch (thrown) {
    throw under(thrown, `[${at}]`);
  }
}

function checkEntries(field: DescField & { readonly fieldKind: "map" }, entries: Fields, levels: number): void {
  let at = "";
  try {
    for (at of Object.keys(entries)) {
      if (field.mapKey === ScalarType.STRING) checkText(at);
      checkOne(field, entries[at], levels);
    }
  } catch (thrown) {
    throw under(thrown, `[${JSON.stringify(at)}]`);
  }
}

/** One value of a field, of a list or of a map. */
function checkOne(field: DescField, value: unknown, levels: number): void {
  const { message, scalar } = field;
  if (scalar !== undefined) return checkScalar(scalar, value);
  if (message === undefined) return checkInteger(value);
  if (message.typeName === STRUCT && field.parent.typeName !== "google.protobuf.Value") {
    if (!isObject(value)) throw new Unfit(`an object is needed, not ${kindOf(value)}`);
    return checkJson(value, levels);
  }
  // The library has wrappers as the values that they wrap, but not in a oneof.
  if (field.fieldKind === "message" && field.oneof === undefined && isWrapperDesc(message)) {
    return checkScalar(message.fields[0].scalar, value);
  }
  checkFit(message, value, levels - 1);
}

function checkScalar(type: ScalarType, value: unknown): void {
  switch (type) {
    case ScalarType.STRING:
      return checkText(value);
    case ScalarType.BOOL:
      if (typeof value !== "boolean") throw new Unfit(`a boolean is needed, not ${kindOf(value)}`);
      return;
    case ScalarType.BYTES:
      if (!(value instanceof Uint8Array)) throw new Unfit(`a Uint8Array is needed, not ${kindOf(value)}`);
      return;
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      if (typeof value !== "number") throw new Unfit(`a number is needed, not ${kindOf(value)}`);
      return;
    case ScalarType.INT64:
    case ScalarType.UINT64:
    case ScalarType.SINT64:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      if (typeof value === "bigint" || (typeof value === "string" && DECIMAL.test(value))) return;
      return checkInteger(value);
    default:
      return checkInteger(value);
  }
}

/** Its range is the library's own matter. */
function checkInteger(value: unknown): void {
  if (Number.isInteger(value)) return;
  throw new Unfit(`an integer is needed, not ${typeof value === "number" ? value : kindOf(value)}`);
}

function checkText(value: unknown): void {
  if (typeof value !== "string") throw new Unfit(`a string is needed, not ${kindOf(value)}`);
  if (!value.isWellFormed()) throw new Unfit("the string has half a surrogate pair");
}

/** A `google.protobuf.Value` of JSON, in which lists and objects are messages of their own; a Struct as if it stood in one. */
function checkJson(value: unknown, levels: number): void {
  if (levels <= 0) throw tooDeep();
  if (value === null || typeof value === "boolean" || typeof value === "number") return;
  if (typeof value === "string") return checkText(value);
  if (!Array.isArray(value) && !isObject(value)) throw new Unfit(`JSON is needed, not ${kindOf(value)}`);
  if (levels === 1) throw tooDeep();
  let at = "";
  try {
    for (at of Object.keys(value)) {
      checkText(at);
      checkJson((value as Fields)[at], levels - LEVELS_OF_JSON);
    }
  } catch (thrown) {
    throw under(thrown, `[${JSON.stringify(at)}]`);
  }
}

type Fields = Readonly<Record<string, unknown>>;

/** An object that is nothing else: no array, no date, no promise. */
function isObject(value: unknown): value is Fields {
  if (typeof value !== "object" || value === null) return false;
  return (
    Object.getPrototypeOf(value) === Object.prototype || Object.prototype.toString.call(value) === "[object Object]"
  );
}

function tooDeep(): RpcError {
  return new RpcError("resource_exhausted", "The message is nested deeper than maxDepth allows");
}

function under(thrown: unknown, step: string): unknown {
  return thrown instanceof Unfit ? thrown.under(step) : thrown;
}
