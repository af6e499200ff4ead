/** Who asks to be let in, beside the key or token itself. */
export interface Applicant {
  /** What the client says it is: any text, unproven; empty when it says nothing. */
  readonly userAgent: string;
  readonly remoteAddress: string | undefined;
}

/**
 * Says who the owner of a public key or token is: a function, asked once for each handshake, or a table. What is found becomes
 * `context.identity`; `undefined`, `null` and `false` refuse.
 */
export type Authorize =
  | ((credential: string, applicant: Applicant) => unknown)
  | ReadonlyMap<string, unknown>
  | Readonly<Record<string, unknown>>;

/** Checks what a user gave and gives its entries, or `undefined` for a function. Throws `TypeError` for anything else. */
export function entriesOf(authorize: Authorize): (readonly [string, unknown])[] | undefined {
  if (typeof authorize === "function") return undefined;
  if (typeof authorize !== "object" || authorize === null) {
    throw new TypeError("authorize must be a function, a Map or an object");
  }
  return isMap(authorize) ? [...authorize] : Object.entries(authorize);
}

/** Whether what was found lets its owner in. */
export function letsIn(identity: unknown): boolean {
  return identity !== undefined && identity !== null && identity !== false;
}

function isMap(
  table: ReadonlyMap<string, unknown> | Readonly<Record<string, unknown>>,
): table is ReadonlyMap<string, unknown> {
  return table instanceof Map;
}
