import type { IncomingMessage, Server, ServerResponse } from "node:http";
import https from "node:https";
import type { Duplex } from "node:stream";
import { RpcError } from "../../core/errors.ts";
import { printable } from "../../core/text.ts";
import type { Guard } from "../guard.ts";
import { refusalOf, refuse, refuseUpgrade } from "./http-host-refusal.ts";
import { attach, type BoundServer, feedServer, HEADERS_MS, openServer, type Router } from "./http-host-server.ts";
import { checkPort, hostAndPort, LOOPBACK, type TcpTarget } from "./tcp.ts";
import { type TlsServeOptions, tlsServerOptions } from "./tls.ts";

/** Where an HTTP server shall be; with `tls` it is an HTTPS server. */
export interface HttpTarget extends TcpTarget {
  readonly tls?: TlsServeOptions | undefined;
}

/** Which host a listener uses: a new one, one that several listeners share, or that of a user's own server. */
export type HttpSpot = HttpTarget | { readonly at: HttpHost } | { readonly server: Server };

/** What happens at one path. Nothing reaches it that its guard refuses. */
export interface HttpRoute {
  readonly guard: Guard;
  /** Told of each request that was refused, and why, in text that is safe to print. */
  readonly onRefused?: ((remoteAddress: string, why: string) => void) | undefined;
  /** Gets each request that wants to be a WebSocket, and its socket, whose errors nobody listens to yet. */
  readonly upgrade?: ((request: IncomingMessage, socket: Duplex, head: Buffer) => void) | undefined;
  /** Gets each other request, and answers it. */
  readonly request?: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  /** `request` gets those to the paths below, too, that nothing else is served at. */
  readonly below?: boolean | undefined;
}

/** A route that is served. */
export interface HttpPlace {
  /** The real `host:port`; `undefined` while a user's own server does not listen. */
  readonly authority: string | undefined;
  readonly secure: boolean;
  /** Takes the route away; requests and sockets that it got live on. May be called twice. */
  close(): void;
  /** Resolves when the answers that were given whole have left, or after `withinMs`. */
  flushed(withinMs: number): Promise<void>;
}

/** A user's server knows its host, so that several listeners on one server share it. */
const HOST: unique symbol = Symbol("host");

/**
 * The paths of one HTTP server. A server of its own listens while it has routes; of a user's own only the requests to its
 * paths are taken.
 */
export class HttpHost {
  readonly #open: (router: Router) => Promise<BoundServer>;
  readonly #name: string;
  readonly #upgrades = new Map<string, HttpRoute>();
  readonly #requests = new Map<string, HttpRoute>();
  #bound: Promise<BoundServer> | undefined = undefined;

  private constructor(name: string, open: (router: Router) => Promise<BoundServer>) {
    this.#name = name;
    this.#open = open;
  }

  /** The host of a spot. Throws `RangeError` or `TypeError` for one that cannot be. */
  static at(spot: HttpSpot): HttpHost {
    if ("at" in spot) return spot.at;
    return "server" in spot ? HttpHost.of(spot.server) : HttpHost.own(spot);
  }

  /** Makes a host whose server listens there as soon as it has a route. Throws `TypeError` for unusable certificates. */
  static own({ host = LOOPBACK, port, tls }: HttpTarget): HttpHost {
    checkPort(port);
    const address = `${tls === undefined ? "http" : "https"}://${hostAndPort(host, port)}`;
    const secured = tls && tlsServerOptions(address, tls, HEADERS_MS);
    return new HttpHost(address, (router) => openServer(address, { host, port }, secured, router));
  }

  /** The host of a user's own server, which others may use and only its owner starts and closes. */
  static of(server: Server & { [HOST]?: HttpHost }): HttpHost {
    server[HOST] ??= new HttpHost("the server", async (router) => attach(server, router));
    return server[HOST];
  }

  /**
   * Makes a host of a server of `newServer` that listens nowhere: whoever makes it gives the server its sockets, by
   * `emit("connection")`. `around` may answer what comes before, or after, the routes do.
   */
  static fed(server: Server, around: (router: Router) => Router): HttpHost {
    return new HttpHost("the port", async (router) => feedServer(server, around(router)));
  }

  /**
   * Serves a path, given as in the request line, without a query. Rejects with `already_exists` when it is taken, and with
   * `unavailable` when the server cannot listen.
   */
  async route(path: string, route: HttpRoute): Promise<HttpPlace> {
    if (!/^\/[^?#\s]*$/.test(path)) throw new TypeError(`Bad path "${printable(path)}": write /name`);
    const isTaken = (kind: "upgrade" | "request", routes: ReadonlyMap<string, HttpRoute>): boolean =>
      route[kind] !== undefined && routes.has(path);
    if (isTaken("upgrade", this.#upgrades) || isTaken("request", this.#requests)) {
      const advice = "close the listener that has this path first";
      throw new RpcError("already_exists", `Cannot listen on ${this.#name}${path}: ${advice}`);
    }
    if (route.upgrade !== undefined) this.#upgrades.set(path, route);
    if (route.request !== undefined) this.#requests.set(path, route);
    const remove = (): void => this.#remove(path, route);
    try {
      this.#bound ??= this.#open(this.#router);
      const { server, takeUpgrades, flushed } = await this.#bound;
      if (route.upgrade !== undefined) takeUpgrades();
      return {
        get authority() {
          return authorityOf(server);
        },
        secure: server instanceof https.Server,
        close: remove,
        flushed,
      };
    } catch (thrown) {
      this.#bound = undefined;
      remove();
      throw thrown;
    }
  }

  /** Who has the requests to a path: its own route, or one above that takes what is below. */
  #requestsAt(path: string): HttpRoute | undefined {
    const own = this.#requests.get(path);
    if (own !== undefined || this.#upgrades.has(path)) return own;
    // The routes are gone through and not what stands above the path, which may be 16 KiB of slashes.
    let longest = 0;
    let above: HttpRoute | undefined;
    for (const [place, route] of this.#requests) {
      if (route.below !== true || place.length <= longest) continue;
      if (!path.startsWith(place) || (place !== "/" && path[place.length] !== "/")) continue;
      longest = place.length;
      above = route;
    }
    return above;
  }

  #remove(path: string, route: HttpRoute): void {
    for (const routes of [this.#upgrades, this.#requests]) if (routes.get(path) === route) routes.delete(path);
    if (this.#upgrades.size + this.#requests.size > 0) return;
    const bound = this.#bound;
    this.#bound = undefined;
    void bound?.then(({ close }) => close());
  }

  readonly #router: Router = {
    owns: (request) => {
      const path = pathOf(request);
      return this.#upgrades.has(path) || this.#requestsAt(path) !== undefined;
    },
    upgrade: (request, socket, head) => {
      const path = pathOf(request);
      const route = this.#upgrades.get(path);
      if (route?.upgrade !== undefined) {
        const refusal = refusalOf(request, route);
        if (refusal === undefined) route.upgrade(request, socket, head);
        else refuseUpgrade(socket, ...refusal);
        return true;
      }
      if (!this.#requests.has(path)) return false;
      refuseUpgrade(socket, 400, "There is nothing to upgrade to at this path: leave out the header Upgrade");
      return true;
    },
    request: (request, response) => {
      const route = this.#requestsAt(pathOf(request));
      if (route?.request === undefined) return false;
      const refusal = refusalOf(request, route);
      if (refusal === undefined) route.request(request, response);
      else refuse(response, ...refusal);
      return true;
    },
    otherwise: (request, response) => {
      if (!this.#upgrades.has(pathOf(request))) return refuse(response, 404, "There is nothing at this path");
      response.setHeader("Upgrade", "websocket");
      refuse(response, 426, "This path speaks WebSocket only");
    },
  };
}

/** The HTTP servers of one `serve`: addresses with the same host and port share one. */
export class HttpHosts {
  readonly #hosts = new Map<string, HttpHost>();

  /** Gives the host at this place, and makes it if nobody has asked for it before. Throws as `HttpHost.own` does. */
  at(target: HttpTarget): HttpHost {
    const key = `${target.tls === undefined ? "http" : "https"}://${hostAndPort(target.host ?? LOOPBACK, target.port)}`;
    const host = this.#hosts.get(key) ?? HttpHost.own(target);
    this.#hosts.set(key, host);
    return host;
  }
}

/** The path as it stands in the request line. */
function pathOf({ url = "" }: IncomingMessage): string {
  return url.replace(/\?.*$/s, "");
}

function authorityOf(server: Server): string | undefined {
  const bound = server.address();
  return bound === null || typeof bound === "string" ? undefined : hostAndPort(bound.address, bound.port);
}
