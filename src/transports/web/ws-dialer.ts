import { RpcError } from "../../core/errors.ts";
import { printable } from "../../core/text.ts";
import type { Dialer } from "../../core/wire.ts";
import { plaintextCredential } from "../guard.ts";
import { webSocketChannel } from "./ws-channel.ts";

/** How a page opens WebSocket connections. It cannot send headers of its own: cookies and the address must do. */
export interface WebSocketOptions {
  /** The subprotocols that are offered; the server must take one of them. Default: none. */
  readonly protocols?: readonly string[] | undefined;
  /**
   * Lets a token in the address cross a network as plain text, where anybody on the way can read it. Default: false.
   */
  readonly plaintextCredentials?: boolean | undefined;
}

/** Where a WebSocket server is, and how it is spoken to. */
export interface WebSocketTarget extends WebSocketOptions {
  /** `ws://host:port/path?query` or `wss://…`. */
  readonly url: string | URL;
}

/** Begins to open a WebSocket, as the platform's class does; may throw. */
export type MakeWebSocket = (url: string, protocols: string[]) => WebSocket;

/**
 * Dials a WebSocket server with the platform's own `WebSocket`, or with what `make` gives. An attempt that fails rejects
 * with `unavailable`: a page learns that there is no connection, and never why. Throws `TypeError` for an address or
 * option that cannot be used, and for a token in an address that would leave this machine as plain text.
 */
export function webSocketDialer(
  target: WebSocketTarget,
  make: MakeWebSocket = (url, protocols) => new WebSocket(url, protocols),
): Dialer {
  const { protocols = [], plaintextCredentials = false } = target;
  const url = checkedUrl(String(target.url));
  const address = `${url.protocol}//${url.host}${url.pathname}`;
  const credential = plaintextCredentials ? undefined : plaintextCredential(url, {});
  if (credential !== undefined) {
    const advice = "Use wss://, or set plaintextCredentials";
    throw new TypeError(`Cannot connect to ${address}: ${credential} would cross the network as plain text. ${advice}`);
  }
  return (signal, terms) =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted();
      let socket: WebSocket;
      try {
        socket = make(url.href, [...protocols]);
      } catch (cause) {
        // For one, a page that came over TLS may not open ws://.
        const why = printable(String(cause));
        throw new RpcError("failed_precondition", `Cannot connect to ${address}: ${why}`, { cause, executed: "no" });
      }
      const fail = (error: unknown): void => {
        signal.removeEventListener("abort", onAbort);
        socket.onopen = socket.onclose = null;
        socket.close();
        reject(error);
      };
      const onAbort = (): void => fail(signal.reason);
      signal.addEventListener("abort", onAbort);
      socket.onclose = ({ code }) => {
        const error = new RpcError("unavailable", whyNot(address), { executed: "no", wireCode: code });
        fail(error);
      };
      socket.onopen = () => {
        signal.removeEventListener("abort", onAbort);
        socket.onopen = null;
        // At once: what the server has sent is on its way already.
        resolve({ channel: webSocketChannel(socket, terms), remoteAddress: url.host });
      };
    });
}

/** Everything that a page can know: the platform hides the cause, so that pages cannot look around in a network. */
function whyNot(address: string): string {
  const { navigator, origin } = globalThis as { navigator?: { onLine?: boolean }; origin?: string };
  if (navigator?.onLine === false) return `Cannot connect to ${address}: this machine is offline`;
  const page = origin === undefined ? "this origin" : printable(origin);
  return `Cannot connect to ${address}: nobody listens there, nothing is at this path, or pages of ${page} may not (a page is not told which)`;
}

function checkedUrl(given: string): URL {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url === undefined || !/^wss?:$/.test(url.protocol) || url.hash !== "") {
    // A password does not belong into errors and logs.
    const shown = printable(given.replace(/\/\/[^/]*@/, "//…@"));
    throw new TypeError(`Bad address "${shown}": write ws://host:port/path or wss://host:port/path`);
  }
  if (url.username === "" && url.password === "") return url;
  throw new TypeError(`A page cannot send the user and password of an address: put a token into the query instead`);
}
