import { bytesOf, printable } from "../../core/text.ts";
import { plaintextCredential } from "../../transports/guard.ts";
import type { HttpHeaders } from "./reply.ts";

/** Who calls over HTTP. */
export interface CallerOptions {
  /**
   * Headers of each request: `{ authorization: "Bearer …" }`, or what gives them anew for each. Not `content-type` and
   * `content-length`, which are those of the message.
   */
  readonly headers?: HttpHeaders | (() => HttpHeaders | Promise<HttpHeaders>) | undefined;
  /**
   * Lets credentials (authorization, cookies, the password or token of an address) cross a network as plain text, where
   * anybody on the way can read them. Default: false.
   */
  readonly plaintextCredentials?: boolean | undefined;
}

/** Where a caller's requests go, and what each of them says of it. */
export interface Caller {
  /** For errors; without credentials and query. */
  readonly address: string;
  /** Without user, password and fragment. */
  readonly url: URL;
  /** The headers of the next request, with names in small letters. Throws `TypeError` for those that cannot be used. */
  headers(): HttpHeaders | Promise<HttpHeaders>;
}

/**
 * Reads an address of HTTP and checks the headers that go there. Throws `TypeError` for what cannot be used, and for
 * credentials that would leave this machine as plain text.
 */
export function callerOf(target: CallerOptions & { readonly url: string | URL }): Caller {
  const { headers: given = {} } = target;
  const parsed = checkedUrl(target.url);
  const address = `${parsed.protocol}//${parsed.host}${parsed.pathname}`;
  const checked = (headers: HttpHeaders): HttpHeaders => {
    const credential = target.plaintextCredentials === true ? undefined : plaintextCredential(parsed, headers);
    if (credential === undefined) return headersOf(headers, parsed);
    const advice = "Use https://, or set plaintextCredentials";
    throw new TypeError(`Cannot connect to ${address}: ${credential} would cross the network as plain text. ${advice}`);
  };
  const fixed = checked(typeof given === "function" ? {} : given);
  return {
    address,
    url: withoutUser(parsed),
    headers: typeof given === "function" ? async () => checked(await given()) : () => fixed,
  };
}

function checkedUrl(url: string | URL): URL {
  const text = String(url);
  // Not the text, which may have a password in it.
  if (!URL.canParse(text)) throw new TypeError("The address is no URL: write http://host:port/path");
  const parsed = new URL(text);
  if (parsed.protocol === "http:" || parsed.protocol === "https:") return parsed;
  throw new TypeError(
    `Bad address of the kind ${printable(parsed.protocol)}: write http://host:port/path or https://…`,
  );
}

/** The headers in small letters, with the user and password of the address unless they say who calls themselves. */
function headersOf(given: HttpHeaders, { username, password }: URL): HttpHeaders {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(given)) {
    if (/^content-(?:type|length)$/i.test(name)) {
      throw new TypeError(`The header "${printable(name)}" cannot be set: it is that of the message`);
    }
    try {
      headers[name.toLowerCase()] = new Headers([[name, value]]).get(name) ?? value;
    } catch {
      throw new TypeError(`The header "${printable(name)}" cannot be sent: its name or value has a bad character`);
    }
  }
  if ((username === "" && password === "") || "authorization" in headers) return headers;
  const pair = bytesOf(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
  return { ...headers, authorization: `Basic ${btoa(String.fromCharCode(...pair))}` };
}

function withoutUser(parsed: URL): URL {
  const url = new URL(parsed);
  url.username = "";
  url.password = "";
  url.hash = "";
  return url;
}
