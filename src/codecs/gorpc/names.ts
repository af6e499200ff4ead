/** The method of a request that is no dispatcher's: there is one handler for all of them. */
export const RAW = "";

/**
 * The name of a method on the wire. A function stands in the service without a name: "Echo" is ".Echo". A method of a
 * service, and a name that begins with the dot already, are as they are.
 */
export function toWire(method: string): string {
  return method.includes(".") ? method : `.${method}`;
}

/** The method of a name on the wire; nothing for a name that is none: it has no dot, or nothing behind its first dot. */
export function fromWire(name: string): string | undefined {
  const dot = name.indexOf(".");
  if (dot < 0 || dot === name.length - 1) return undefined;
  // A function whose own name has a dot keeps the first one: without it, it would be a method of a service.
  return dot === 0 && !name.includes(".", 1) ? name.slice(1) : name;
}
