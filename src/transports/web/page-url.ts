import { printable } from "../../core/text.ts";

/** The schemes of WebSocket for those of pages. */
const SCHEMES: Readonly<Record<string, string>> = { "http:": "ws:", "https:": "wss:" };

/**
 * The URL that an address means on this page, or in this worker. One without a scheme is relative to where the page came
 * from, and there it is a WebSocket; `poll:/path` and `beat:/path` are relative, too. Throws `TypeError` for what is no address,
 * and for a relative one where there is no page.
 */
export function pageUrl(address: string | URL): URL {
  const text = String(address);
  const [, way = "", path = text] = /^(poll|beat):(.*)$/i.exec(text) ?? [];
  if (way === "" && URL.canParse(text)) return new URL(text);
  // A worker that was made of a blob has the page's origin in its own address.
  const page = globalThis.location?.href.replace(/^blob:/, "");
  if (!URL.canParse(path, page)) {
    throw new TypeError(
      `Bad address "${printable(text)}": write ws://host:port/path, or /path for the page's own server`,
    );
  }
  const url = new URL(path, page);
  if (way !== "") return new URL(`${way}+${url.href}`);
  const scheme = SCHEMES[url.protocol];
  if (scheme !== undefined) url.protocol = scheme;
  return url;
}
