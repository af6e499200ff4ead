import type { Address } from "../transports/node/address.ts";

/** Which addresses an option is for. */
const KINDS: ReadonlyMap<string, readonly Address["kind"][]> = new Map<string, readonly Address["kind"][]>([
  ["tls", ["tls", "wss", "https", "poll+https", "beat+https", "grpcs"]],
  ["ws", ["ws", "wss"]],
  ["http", ["http", "https"]],
  ["poll", ["poll+http", "poll+https", "beat+http", "beat+https"]],
  ["grpc", ["grpc", "grpcs"]],
  ["exec", ["exec"]],
]);

/** What gets an option in the place of an address. */
const LISTENERS: Readonly<Record<string, string>> = { ws: "wsListen", http: "httpListen", poll: "pollListen" };

/**
 * Throws `TypeError` for an option that belongs to other kinds of addresses than these, or where there is none: who gives it
 * expects something of it. Options that are no address's own are not looked at.
 */
export function checkKinds(
  addresses: readonly Address[],
  options: Readonly<Record<string, unknown>>,
  own: "listener" | "dialer",
): void {
  for (const [name, kinds] of KINDS) {
    if (options[name] === undefined || addresses.some(({ kind }) => kinds.includes(kind))) continue;
    if (addresses.length === 0) throw notGiven(name, own);
    const given = [...new Set(addresses.map(({ kind }) => kind))].join(" or ");
    const wanted = `${kinds.map((kind) => (kind === "exec" ? "exec:" : `${kind}://`)).join(", ")}`.replace(
      /, (?=[^,]*$)/,
      " or ",
    );
    throw new TypeError(`The option ${name} belongs to an address ${wanted}, not to one of the kind ${given}`);
  }
}

/** Throws `TypeError` for what says who gets in at addresses, where a listener of the user's own stands beside them and does not ask. */
export function checkBeside(options: Readonly<Record<string, unknown>>): void {
  const name = Object.keys(LISTENERS).find((each) => options[each] !== undefined);
  if (name !== undefined) throw notGiven(name, "listener");
}

function notGiven(name: string, own: "listener" | "dialer"): TypeError {
  const taker = own === "listener" ? LISTENERS[name] : undefined;
  const advice = taker === undefined ? "give it where that is made" : `give it to ${taker}({ … })`;
  return new TypeError(`The option ${name} is for addresses, and a ${own} of your own does not get it: ${advice}`);
}

/** Those of the options that an address of this kind has; one that is no address's own is left out, too. */
export function optionsOf<Options extends object>(address: Address, options: Options): Partial<Options> {
  const own = Object.entries(options).filter(([name]) => KINDS.get(name)?.includes(address.kind) === true);
  return Object.fromEntries(own) as Partial<Options>;
}

/** Throws `TypeError` for an authenticator at an address of HTTP, where each request is a link of its own. */
export function checkRoom({ kind }: Address, authenticator: unknown): void {
  if (authenticator === undefined || (kind !== "http" && kind !== "https")) return;
  const advice = "say who calls by headers and the server's http.identify, or use ws://";
  throw new TypeError(`An address ${kind}:// has no room for an authenticator: ${advice}`);
}
