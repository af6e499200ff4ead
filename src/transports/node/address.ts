import { isIPv6 } from "node:net";
import { printable } from "../../core/text.ts";
import { joinCommand, splitCommand } from "./command-line.ts";
import { hostAndPort, LOOPBACK } from "./tcp.ts";

/** Where to dial or listen. */
export type Address =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "tls"; readonly host: string; readonly port: number }
  | { readonly kind: "grpc"; readonly host: string; readonly port: number }
  | { readonly kind: "grpcs"; readonly host: string; readonly port: number }
  | WebAddress
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "stdio" }
  | { readonly kind: "exec"; readonly command: string; readonly args: readonly string[] };

/** What follows `scheme:` in an address. */
interface Rest {
  readonly text: string;
  /** Makes the error that says what is wrong and how the scheme is written. */
  readonly bad: (why: string) => TypeError;
}

/** An address that HTTP servers have, written as `URL` writes it: with a query, a user and a password if there are any. */
export interface WebAddress {
  readonly kind: "ws" | "wss" | "http" | "https" | "poll+http" | "poll+https" | "beat+http" | "beat+https";
  readonly url: string;
}

interface Scheme {
  /** How an address of this scheme is written; errors show it. */
  readonly form: string;
  parse(rest: Rest): Address;
}

/** The schemes that there are; a new one is a line here. A Map, so that `constructor:` is unknown. */
const SCHEMES: ReadonlyMap<string, Scheme> = new Map<string, Scheme>([
  ["tcp", { form: "tcp://host:port", parse: (rest) => ({ kind: "tcp", ...parseHostAndPort(rest) }) }],
  ["tls", { form: "tls://host:port", parse: (rest) => ({ kind: "tls", ...parseHostAndPort(rest) }) }],
  ["grpc", { form: "grpc://host:port", parse: (rest) => ({ kind: "grpc", ...parseHostAndPort(rest) }) }],
  ["grpcs", { form: "grpcs://host:port", parse: (rest) => ({ kind: "grpcs", ...parseHostAndPort(rest) }) }],
  ["ws", webScheme("ws")],
  ["wss", webScheme("wss")],
  ["http", webScheme("http")],
  ["https", webScheme("https")],
  ["poll+http", webScheme("poll+http")],
  ["poll+https", webScheme("poll+https")],
  ["beat+http", webScheme("beat+http")],
  ["beat+https", webScheme("beat+https")],
  ["unix", { form: "unix:/path", parse: (rest) => ({ kind: "unix", path: parsePath(rest) }) }],
  ["stdio", { form: "stdio:", parse: parseStdio }],
  ["exec", { form: "exec:program args", parse: parseExec }],
]);

/** All of them, for errors. */
const FORMS = [...SCHEMES.values()]
  .map(({ form }) => form)
  .join(", ")
  .concat(", host:port or a path");

/** The service names that stand for a port. Others differ from machine to machine, or are not known there. */
const SERVICES: ReadonlyMap<string, number> = new Map([
  ["http", 80],
  ["https", 443],
]);

/**
 * Reads an address: a URL (`tcp://host:port`, `tls://host:port`, `ws://host:port/path`, `wss://`, `http://`, `https://`,
 * `poll+http://`, `poll+https://`, `beat+http://` and `beat+https://` alike, `grpc://host:port`, `grpcs://host:port`, `unix:/path`, `stdio:`, `exec:program args`), or without a scheme a
 * `host:port` or the path of a Unix socket, told apart by `guessKind`. A host that is left out is `127.0.0.1`. The path of a
 * `unix:` URL may have `%20` and the like, a path without a scheme is taken as it is. Throws `TypeError` for anything else,
 * and never repeats a password that stands in the text.
 */
export function parseAddress(text: string): Address {
  if (text === "") throw new TypeError(`The address is empty: write ${FORMS}`);
  const [, name = "", rest = ""] = /^([a-z][a-z0-9+.-]*):(.*)$/is.exec(text) ?? [];
  const scheme = SCHEMES.get(name.toLowerCase());
  if (scheme !== undefined) return scheme.parse({ text: rest, bad: badAddress(text, scheme.form) });
  if (rest.startsWith("//")) throw badAddress(text, FORMS)(`the scheme "${printable(name)}" is unknown`);
  if (guessKind(text) === "unix") return { kind: "unix", path: checkedPath(text, badAddress(text, FORMS)) };
  return { kind: "tcp", ...parseHostAndPort({ text: `//${text}`, bad: badAddress(text, "host:port") }) };
}

/**
 * Guesses what an address without a scheme means, by the rules of jrpc2's `Network`: with a port or the name of a
 * service after its last colon, and no slash before, it is `tcp`; anything else is a path.
 */
export function guessKind(text: string): "tcp" | "unix" {
  return /^[^/]*:[a-z0-9-]+$/i.test(text) ? "tcp" : "unix";
}

/** Writes an address so that `parseAddress` gives it back. */
export function formatAddress(address: Address): string {
  switch (address.kind) {
    case "tcp":
    case "tls":
    case "grpc":
    case "grpcs":
      return `${address.kind}://${hostAndPort(address.host, address.port)}`;
    case "ws":
    case "wss":
    case "http":
    case "https":
    case "poll+http":
    case "poll+https":
    case "beat+http":
    case "beat+https":
      return address.url;
    case "unix":
      return `unix:${address.path.replace(/[%?#]|^\/(?=\/)/g, encodeURIComponent)}`;
    case "stdio":
      return "stdio:";
    case "exec":
      return `exec:${joinCommand([address.command, ...address.args])}`;
    default:
      throw new TypeError(`There is no address of the kind ${JSON.stringify(address satisfies never)}`);
  }
}

function webScheme(kind: WebAddress["kind"]): Scheme {
  return {
    form: `${kind}://host:port/path`,
    parse({ text, bad }) {
      if (!text.startsWith("//")) throw bad("the two slashes are missing");
      if (text.includes("#")) throw bad("a fragment is not understood there; write %23 for # in a path");
      // URL knows the rules of hosts and paths for the schemes of the web only.
      const [, over = "", inner = kind] = /^((?:poll|beat)\+)(.*)$/.exec(kind) ?? [];
      const url = `${inner}:${text.replace(/^\/\/((?:[^/?@]*@)?)(?=:)/, `//$1${LOOPBACK}`)}`;
      if (!URL.canParse(url)) throw bad("it is no URL");
      return { kind, url: over + new URL(url).href };
    },
  };
}

/**
 * Where to listen for the addresses of the web, which have a path only. Throws `TypeError` for one with a query, a user or
 * a password.
 */
export function webPlace(address: WebAddress): { readonly host: string; readonly port: number; readonly path: string } {
  const url = address.url.replace(/^(poll|beat)\+/, "");
  const { protocol, hostname, port, pathname, search, username, password } = new URL(url);
  const bad = badAddress(address.url, `${address.kind}://host:port/path`);
  if (username !== "" || password !== "") throw bad("who listens has no user and no password there");
  if (search !== "") throw bad(`"${printable(search)}" is not understood where a server listens`);
  const usual = protocol === "wss:" || protocol === "https:" ? 443 : 80;
  return {
    host: hostname.replace(/^\[(.*)\]$/, "$1"),
    port: port === "" ? usual : Number(port),
    path: pathname,
  };
}

/** Reads `//host:port`, with a slash after it or not, and nothing else. */
function parseHostAndPort({ text, bad }: Rest): { readonly host: string; readonly port: number } {
  if (!text.startsWith("//")) throw bad("the two slashes are missing");
  const [, authority = "", path = ""] = /^\/\/([^/?#]*)(.*)$/s.exec(text) ?? [];
  if (authority.includes("@")) throw bad("an address must not have a user or a password");
  const query = /[?#].*$/s.exec(path)?.[0];
  if (query !== undefined) throw bad(`"${printable(query)}" is not understood there`);
  if (path !== "" && path !== "/") throw bad(`the path "${printable(path)}" is not understood there`);
  // Colons inside of brackets belong to the host.
  const colon = authority.indexOf(":", authority.lastIndexOf("]") + 1);
  const port = colon < 0 ? "" : authority.slice(authority.lastIndexOf(":") + 1);
  if (port === "") throw bad("the port is missing");
  return { host: parseHost(authority.slice(0, authority.lastIndexOf(":")), bad), port: parsePort(port, bad) };
}

function parseHost(text: string, bad: Rest["bad"]): string {
  if (text === "") return LOOPBACK;
  const bracketed = /^\[(.*)\]$/s.exec(text)?.[1];
  if (bracketed !== undefined) {
    if (!isIPv6(bracketed)) throw bad(`"${printable(bracketed)}" is no IPv6 address`);
    return bracketed;
  }
  if (text.includes(":")) throw bad("an IPv6 address must stand in brackets");
  if (!/^[\p{L}\p{N}._-]+$/u.test(text)) throw bad(`"${printable(text)}" is no host name`);
  return text;
}

function parsePort(text: string, bad: Rest["bad"]): number {
  if (/^\d+$/.test(text)) {
    const port = Number(text);
    if (port > 65_535) throw bad(`${printable(text, 20)} is no port: they end at 65535`);
    return port;
  }
  const port = SERVICES.get(text.toLowerCase());
  if (port === undefined) throw bad(`the port "${printable(text)}" is not known by name here, write its number`);
  return port;
}

/** Reads the path of `unix:/path`, `unix:relative` or `unix:///path`. */
function parsePath({ text, bad }: Rest): string {
  if (/[?#]/.test(text)) throw bad("a query is not understood there; write %3F for ? and %23 for # in a path");
  if (/^\/\/[^/]/.test(text)) throw bad("a host is not understood there");
  try {
    return checkedPath(decodeURIComponent(text.replace(/^\/\/(?=\/|$)/, "")), bad);
  } catch (error) {
    if (error instanceof URIError) throw bad("it has a % that two hexadecimal digits do not follow; write %25 for %");
    throw error;
  }
}

function checkedPath(path: string, bad: Rest["bad"]): string {
  if (path === "") throw bad("the path is missing");
  if (path.includes("\0")) throw bad("a path must not contain NUL");
  return path;
}

function parseStdio({ text, bad }: Rest): Address {
  if (text !== "" && text !== "//") throw bad("nothing may follow");
  return { kind: "stdio" };
}

function parseExec({ text, bad }: Rest): Address {
  if (text.startsWith("//")) throw bad("a program is named without the two slashes");
  const [command, ...args] = splitCommand(text);
  if (command === undefined || command === "") throw bad("the program is missing");
  return { kind: "exec", command, args };
}

function badAddress(text: string, forms: string): Rest["bad"] {
  // A password does not belong into errors and logs.
  const shown = printable(text.replace(/(^|\/\/)[^/]*@/, "$1…@"));
  return (why) => new TypeError(`Bad address "${shown}": ${why}. Write ${forms}`);
}
