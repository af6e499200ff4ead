/** The name in an identity: the text that it is, or the common name of its subject. */
export function nameOfIdentity(identity: unknown): string | undefined {
  if (typeof identity === "string") return identity;
  if (typeof identity !== "object" || identity === null || !("subject" in identity)) return undefined;
  const { subject } = identity;
  if (typeof subject !== "object" || subject === null || !("CN" in subject)) return undefined;
  return typeof subject.CN === "string" ? subject.CN : undefined;
}
