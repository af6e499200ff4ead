import { printable } from "../core/text.ts";

/** Whom a server answers over HTTP and WebSocket, beside those who use its own address. */
export interface GuardOptions {
  /**
   * Names under which this server is reached: `example.org` (with the usual port, or the one that it listens on) or
   * `example.org:8443`. `*`, which stands alone and never in a name, allows any, and with it every web page whose name somebody
   * points to this machine.
   */
  readonly hosts?: readonly string[] | undefined;
  /** Web pages that may call it beside its own: `https://app.example.org`, `null` for those without an origin, `*` for any. */
  readonly origins?: readonly string[] | undefined;
}

/** What the guard must know of a request. */
export interface Visit {
  /** The header Host. */
  readonly host: string | undefined;
  /** The header Origin: browsers send it, hardly anybody else does. */
  readonly origin: string | undefined;
  /** The header Sec-Fetch-Site, by which a browser tells of requests without an origin whose page made them. */
  readonly fetchSite?: string | undefined;
  /** It came over TLS. */
  readonly secure: boolean;
  /** This end of the connection, `undefined` where there is no network, as on a Unix socket. */
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
}

/** A host with its port, as headers and origins have it: in small letters, without the brackets of IPv6. */
interface Authority {
  readonly name: string;
  readonly port: number | undefined;
}

const LOOPBACK_NAMES: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "::1"]);
const USUAL_PORTS: Readonly<Record<string, number>> = { http: 80, https: 443 };

/**
 * Decides who may come in, the same for every kind of request. Host must be this end's own address (on loopback also
 * `localhost`, `127.0.0.1`, `[::1]`) with its port, or be listed: a name that somebody else points to this machine (DNS
 * rebinding) is not. Origin, where there is one, must be of such a host, or be listed. The constructor throws `TypeError`
 * for an entry that no header could match.
 */
export class Guard {
  readonly #hosts: readonly Authority[];
  readonly #anyHost: boolean;
  readonly #origins: ReadonlySet<string>;

  constructor({ hosts = [], origins = [] }: GuardOptions = {}) {
    this.#anyHost = hosts.includes("*");
    this.#hosts = hosts.filter((host) => host !== "*").map(checkedHost);
    this.#origins = new Set(origins.map(checkedOrigin));
  }

  /** Says why a request is refused and which option would let it in, or `undefined` for one that is welcome. */
  refuses(visit: Visit): string | undefined {
    const { host, origin, fetchSite } = visit;
    if (host === undefined) return "A request must have a Host header";
    const authority = authorityOf(host);
    if (authority === undefined) return `"${printable(host)}" is no host`;
    if (!this.#anyHost && !this.#allows(authority, visit.secure ? "https" : "http", visit)) {
      return `The host "${printable(host)}" is not allowed here: list it in the option hosts`;
    }
    if (this.#origins.has("*")) return undefined;
    if (origin !== undefined) {
      if (this.#origins.has(normalOrigin(origin)) || this.#isOwn(origin, visit, authority)) return undefined;
      return `The origin "${printable(origin)}" is not allowed here: list it in the option origins`;
    }
    if (fetchSite === undefined || fetchSite === "same-origin" || fetchSite === "none") return undefined;
    return "Requests that another web page makes without an Origin are not allowed here";
  }

  /** Whether a page of this origin came from a host that is allowed; where any is, from the one that the request names. */
  #isOwn(origin: string, visit: Visit, host: Authority): boolean {
    const [, scheme = "", rest = ""] = /^(https?):\/\/(.*)$/.exec(normalOrigin(origin)) ?? [];
    const authority = authorityOf(rest);
    // A page that came as plain text may be anybody's. The other way round there is a proxy that does TLS for us.
    if (authority === undefined || (visit.secure && scheme === "http")) return false;
    if (this.#anyHost) return authority.name === host.name && authority.port === host.port;
    return this.#allows(authority, scheme, visit);
  }

  #allows({ name, port }: Authority, scheme: string, { localAddress, localPort }: Visit): boolean {
    const isOwnPort = localPort === undefined || (port ?? USUAL_PORTS[scheme]) === localPort;
    const own = localAddress === undefined ? "localhost" : addressOf(localAddress);
    if (isOwnPort && (name === own || (isLoopback(own) && LOOPBACK_NAMES.has(name)))) return true;
    return this.#hosts.some((listed) => {
      if (listed.name !== name) return false;
      if (listed.port !== undefined) return listed.port === (port ?? USUAL_PORTS[scheme]);
      return isOwnPort || port === undefined || Object.values(USUAL_PORTS).includes(port);
    });
  }
}

/** Whether this name or address always means the own machine. IPv6 addresses may stand in brackets. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, "$1");
  return name === "localhost" || name === "::1" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name);
}

/** What must not cross a network as plain text: part of a URL, as the class `URL` has it. */
export interface UrlParts {
  readonly protocol: string;
  readonly hostname: string;
  readonly username: string;
  readonly password: string;
  readonly search: string;
}

/** Names of headers and query parameters whose values prove who somebody is. */
const SECRET = /^(proxy-)?authorization$|^cookie$|api[-_]?key|token|secret|passw/i;

/**
 * Names the credential that a request would carry in the clear to another machine, or `undefined` when there is none, the
 * connection is encrypted, or it does not leave this machine.
 */
export function plaintextCredential(url: UrlParts, headers: Readonly<Record<string, unknown>>): string | undefined {
  if (url.protocol === "wss:" || url.protocol === "https:" || isLoopback(url.hostname)) return undefined;
  if (url.username !== "" || url.password !== "") return "the user or password of the address";
  const header = Object.keys(headers).find((name) => headers[name] !== undefined && SECRET.test(name));
  if (header !== undefined) return `the header "${printable(header)}"`;
  const parameter = url.search
    .slice(1)
    .split("&")
    .map((each) => each.replace(/=.*$/s, ""))
    .find((name) => SECRET.test(name));
  return parameter === undefined ? undefined : `the query parameter "${printable(parameter)}"`;
}

function authorityOf(text: string): Authority | undefined {
  const [, ip6, name, port] = /^(?:\[([0-9a-f:.]+)\]|([^\s:/?#@[\]\\]+))(?::(\d{1,5}))?$/i.exec(text) ?? [];
  const host = ip6 ?? name;
  if (host === undefined) return undefined;
  // A name may end in the dot of the root, and means the same.
  return { name: host.toLowerCase().replace(/\.$/, ""), port: port === undefined ? undefined : Number(port) };
}

/** An address as the system writes it, as a URL has it: an IPv4 address that came through an IPv6 socket is IPv4. */
function addressOf(local: string): string {
  return local
    .toLowerCase()
    .replace(/^::ffff:(?=\d+\.)/, "")
    .replace(/%.*$/, "");
}

/** In small letters and without the usual port, which browsers leave out. */
function normalOrigin(origin: string): string {
  return origin.toLowerCase().replace(/^(http:\/\/.*):80$|^(https:\/\/.*):443$/, "$1$2");
}

function checkedHost(host: string): Authority {
  checkStar("hosts", host);
  const authority = authorityOf(host);
  if (authority !== undefined) return authority;
  throw new TypeError(`Bad entry "${printable(host)}" in hosts: write example.org, example.org:8443 or [2001:db8::1]`);
}

function checkedOrigin(origin: string): string {
  checkStar("origins", origin);
  if (origin === "*" || origin === "null" || /^[a-z][a-z0-9+.-]*:\/\/[^/?#\s]+$/i.test(origin)) {
    return normalOrigin(origin);
  }
  const forms = "https://app.example.org without a path, null, or *";
  throw new TypeError(`Bad entry "${printable(origin)}" in origins: write ${forms}`);
}

function checkStar(option: "hosts" | "origins", entry: string): void {
  if (entry === "*" || !entry.includes("*")) return;
  const advice = "only * alone stands for any, so list each name";
  throw new TypeError(`Bad entry "${printable(entry)}" in ${option}: ${advice}`);
}
