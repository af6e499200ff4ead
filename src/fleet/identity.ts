/**
 * The name in an identity: the text that it is, the one common name of a certificate's subject, or the `name` of any other
 * object. `undefined` where there is none, or no single one.
 */
export function nameOfIdentity(identity: unknown): string | undefined {
  const name = isCertificate(identity) ? memberOf(identity.subject, "CN") : memberOf(identity, "name");
  const found = typeof identity === "string" ? identity : name;
  return typeof found === "string" && found !== "" ? found : undefined;
}

/** Whether an identity is what a certificate says: it has a subject. */
export function isCertificate(identity: unknown): identity is { readonly subject: unknown } {
  return typeof identity === "object" && identity !== null && "subject" in identity;
}

function memberOf(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>)[key] : undefined;
}
