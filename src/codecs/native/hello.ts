import { protocolError } from "../../core/errors.ts";
import { helloOf, isCount } from "../../core/hello.ts";
import type { Hello } from "../../core/message.ts";
import type { BodyName } from "./body.ts";

/** The version of the wire that this page of code speaks. */
export const VERSION = 1;

/** The bodies that this end reads, the one that it likes best first. */
const BODIES: readonly BodyName[] = ["msgpack", "json"];

/** What hello and welcome carry beside what the engine says of itself. */
export interface Terms {
  /** The versions that the sender speaks. */
  readonly versions: readonly number[];
  /** Hello: the bodies that the sender reads, the one that it likes best first. Welcome: the one that both write from now on. */
  readonly bodies: readonly BodyName[];
  /** The deepest value that the sender takes. */
  readonly maxDepth: number;
}

/** What one end offers; `body` is what its user asked for. */
export function offer(body: BodyName | undefined, maxDepth: number): Terms {
  const bodies = body === undefined ? BODIES : [body, ...BODIES.filter((each) => each !== body)];
  return { versions: [VERSION], bodies, maxDepth };
}

/** What the accepter agrees to. Its user's wish goes first, then the dialler's order. */
export function agree(theirs: Terms, wish: BodyName | undefined, maxDepth: number): Terms {
  const body = theirs.bodies.find((each) => each === wish) ?? theirs.bodies[0];
  return { versions: [VERSION], bodies: body === undefined ? [] : [body], maxDepth };
}

/** The object of a hello or welcome. */
export function helloFields(hello: Hello, terms: Terms): object {
  return { ...hello, ...terms };
}

/** Reads the object of a hello or welcome. Throws for one that is none, and for a version that this end does not speak. */
export function readHello(value: unknown): { readonly hello: Hello; readonly terms: Terms } {
  if (typeof value !== "object" || value === null) throw protocolError("A hello must be an object");
  const given = value as { readonly [Name in keyof Hello | keyof Terms]?: unknown };
  const versions = listOf(given.versions);
  if (!versions.includes(VERSION)) {
    throw protocolError(
      `The other side speaks other versions of the native wire than ${VERSION}: use the same release`,
    );
  }
  const bodies = bodiesOf(given.bodies);
  if (bodies.length === 0) throw protocolError("The other side reads no body that this end can write");
  const maxDepth = isCount(given.maxDepth) ? given.maxDepth : Number.POSITIVE_INFINITY;
  return { hello: helloOf(given), terms: { versions: [VERSION], bodies, maxDepth } };
}

function bodiesOf(value: unknown): BodyName[] {
  return listOf(value).filter((each): each is BodyName => BODIES.includes(each as BodyName));
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}
