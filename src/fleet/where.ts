import type { MemberInfo } from "./member.ts";

/** Which members are meant: those that have all of these labels, or those for which a function says yes. */
export type Where = Readonly<Record<string, string>> | ((member: MemberInfo) => boolean);

/** The function of a `where`; none means everybody. */
export function matcherOf(where: Where | undefined): (member: MemberInfo) => boolean {
  if (where === undefined) return () => true;
  if (typeof where === "function") return where;
  const wanted = Object.entries(where);
  return ({ labels }) => wanted.every(([key, value]) => Object.hasOwn(labels, key) && labels[key] === value);
}
