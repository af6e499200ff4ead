import { counted, signed, text, unsigned } from "./bytes.ts";

/** The ids that every stream knows (rule 15). */
export const ID = { bool: 1, int: 2, uint: 3, float: 4, bytes: 5, string: 6, complex: 7, interface: 8 } as const;

/** CommonType: a name for people, or none, and the id. */
const common = (id: number, name: string): string => `01${name === "" ? "02" : `01${text(name)}01`}${signed(id)}00`;
const definition = (id: number, field: number, body: string): string =>
  counted(`${signed(-id)}${unsigned(field + 1)}${body}0000`);

/** Messages that define types, hex (rule 16). */
export const arrayType = (id: number, element: number, length: number | bigint, name = ""): string =>
  definition(id, 0, `${common(id, name)}01${signed(element)}${length === 0 ? "" : `01${signed(length)}`}`);
export const sliceType = (id: number, element: number, name = ""): string =>
  definition(id, 1, `${common(id, name)}01${signed(element)}`);
export const structType = (id: number, name: string, fields: readonly (readonly [string, number])[]): string => {
  const each = fields.map(([field, of]) => `01${text(field)}01${signed(of)}00`).join("");
  return definition(id, 2, `${common(id, name)}${fields.length === 0 ? "" : `01${unsigned(fields.length)}${each}`}`);
};
export const mapType = (id: number, key: number, value: number, name = ""): string =>
  definition(id, 3, `${common(id, name)}01${signed(key)}01${signed(value)}`);
/** A type that encodes itself; Go writes some other id inside. */
export const selfType = (id: number, form: "gob" | "binary" | "text", inner: number = id, name = ""): string =>
  definition(id, { gob: 4, binary: 5, text: 6 }[form], common(inner, name));

/** A message with a value of a type, hex; one that is no struct has a zero in front. */
export const structValue = (id: number, body: string): string => counted(`${signed(id)}${body}`);
export const singleton = (id: number, body: string): string => counted(`${signed(id)}00${body}`);
/** The value of an interface, hex (rule 20): a struct's, or that of any other type. */
export const holdsStruct = (name: string, id: number, body: string): string =>
  `${text(name)}${signed(id)}${counted(body)}`;
export const holds = (name: string, id: number, body: string): string => holdsStruct(name, id, `00${body}`);
