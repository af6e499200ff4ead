import type { Hello } from "../core/message.ts";
import { Refusal } from "../core/opening.ts";
import { printable } from "../core/text.ts";
import { isCertificate, nameOfIdentity } from "./identity.ts";
import type { FleetRules } from "./options.ts";

/** The longest name, and the longest key or value of a label, in UTF-16 units. */
const LONGEST = 256;

/**
 * The name under which an end comes in; `undefined` for a client that wants no name and may do without. Throws the
 * `Refusal` of any other.
 */
export function nameFor(hello: Hello, identity: unknown, rules: FleetRules, redialAfterMs: number): string | undefined {
  const said = hello.name === "" ? undefined : hello.name;
  if (said === undefined && rules.nameless === "serve") return undefined;
  const bound = identity === undefined ? undefined : boundName(identity, hello, rules, redialAfterMs);
  const name = said ?? bound;
  if (name === undefined) {
    const why =
      'Cannot join without a name: connect with the option name (clients without one need nameless: "serve" of the fleet)';
    throw new Refusal("invalid_argument", why, redialAfterMs);
  }
  if (bound !== undefined && name !== bound) {
    const why = `Cannot join as "${printable(name)}": this end was authenticated as "${printable(bound)}"`;
    throw new Refusal("permission_denied", why, redialAfterMs);
  }
  if (name.length > LONGEST) {
    const why = `Cannot join as "${printable(name, 32)}": a name has at most ${LONGEST} characters`;
    throw new Refusal("invalid_argument", why, redialAfterMs);
  }
  return name;
}

/** The only name that an authenticated end may have; `undefined`: any, which `nameOf` alone may say. */
function boundName(identity: unknown, hello: Hello, { nameOf }: FleetRules, redialAfterMs: number): string | undefined {
  if (nameOf !== undefined) return nameOf(identity, hello);
  const name = nameOfIdentity(identity);
  if (name !== undefined) return name;
  const as = hello.name === undefined || hello.name === "" ? "" : ` as "${printable(hello.name)}"`;
  const what = isCertificate(identity) ? "the certificate has no single common name" : "its identity has no name";
  const why = `Cannot join${as}: ${what}, give the fleet the option nameOf`;
  throw new Refusal("permission_denied", why, redialAfterMs);
}

/** A copy of the labels that nobody changes. Throws a `Refusal` for too many or too long ones. */
export function labelsFor({ labels = {} }: Hello, maxLabels: number, redialAfterMs: number): MemberLabels {
  const entries = Object.entries(labels);
  if (entries.length > maxLabels) {
    throw new Refusal("invalid_argument", `Cannot join with more than ${maxLabels} labels`, redialAfterMs);
  }
  if (entries.some(([key, value]) => key.length > LONGEST || value.length > LONGEST)) {
    const why = `Cannot join: a label has at most ${LONGEST} characters, and its value as well`;
    throw new Refusal("invalid_argument", why, redialAfterMs);
  }
  return Object.freeze({ ...labels });
}

export type MemberLabels = Readonly<Record<string, string>>;
