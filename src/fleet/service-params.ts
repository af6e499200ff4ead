import { RpcError } from "../core/errors.ts";
import { isLabels } from "../core/hello.ts";

/** The params of an operator's request, read member by member. Each throws `invalid_argument` for a value of another type. */
export interface Fields {
  /** What the member is called with, as it came. */
  readonly params: unknown;
  text(name: string): string;
  ms(name: string): number | undefined;
  count(name: string): number | undefined;
  token(name: string): string | number | undefined;
  labels(name: string): Readonly<Record<string, string>> | undefined;
}

/** Reads the one object that an operator's method takes; none is an empty one. */
export function fieldsOf(method: string, value: unknown): Fields {
  const wrong = (what: string): RpcError =>
    new RpcError("invalid_argument", `Cannot call "${method}": ${what}`, { executed: "no" });
  if (value !== undefined && (typeof value !== "object" || value === null || Array.isArray(value))) {
    throw wrong("its params must be an object");
  }
  const given = new Map<string, unknown>(Object.entries(value ?? {}));
  /** A member that may be left out, or null. */
  const optional = <Type>(name: string, what: string, isOne: (found: unknown) => found is Type): Type | undefined => {
    const found = given.get(name) ?? undefined;
    if (found === undefined || isOne(found)) return found;
    throw wrong(`${name} must be ${what}`);
  };
  return {
    params: given.get("params"),
    text(name) {
      const found = optional(name, "a text", (each): each is string => typeof each === "string");
      if (found === undefined) throw wrong(`${name} is missing`);
      return found;
    },
    ms: (name) => optional(name, "0 or more milliseconds", (each): each is number => isNumber(each) && each >= 0),
    count: (name) => optional(name, "a number of at least 1", (each): each is number => isNumber(each) && each >= 1),
    token: (name) =>
      optional(
        name,
        "a text or a number",
        (each): each is string | number => isNumber(each) || typeof each === "string",
      ),
    labels: (name) => optional(name, "an object of texts", isLabels),
  };
}

function isNumber(value: unknown): value is number {
  return typeof value === "number";
}
