import type { IncomingMessage, ServerResponse } from "node:http";
import type { Listener } from "../../core/wire.ts";
import { HttpHost } from "./http-host.ts";
import { newServer, type Router } from "./http-host-server.ts";
import type { HttpService, SocketService } from "./port-doors.ts";
import { beginsHttp } from "./port-strangers.ts";

/**
 * Joins everything that a port serves over HTTP: one server for all of it, which has the guards, the bounds and the times of
 * `HttpHost`. `GET /` is answered with `page` where nothing else is served there, and always when a browser shows it to a person.
 */
export function httpDoor(services: readonly HttpService[], page: string): SocketService {
  return {
    name: services.map(({ name }) => name).join(", "),
    begins: beginsHttp,
    async open(accept, terms) {
      const server = newServer();
      const host = HttpHost.fed(server, (router) => withPage(router, page));
      const listeners: Listener[] = [];
      const close = async (): Promise<void> => {
        await Promise.all(listeners.map((listener) => listener.close()));
      };
      try {
        for (const { listenAt } of services) listeners.push(await listenAt(host)(accept, terms));
      } catch (thrown) {
        await close();
        throw thrown;
      }
      return {
        take: (socket) => void server.emit("connection", socket),
        close,
        flushed: (withinMs) => allFlushed(listeners, withinMs),
      };
    },
  };
}

/** Resolves when nothing is left to leave by any of them. */
export async function allFlushed(places: readonly Pick<Listener, "flushed">[], withinMs: number): Promise<void> {
  await Promise.all(places.map((place) => place.flushed?.(withinMs)));
}

function withPage(router: Router, page: string): Router {
  return {
    ...router,
    request(request, response) {
      if (!isVisit(request) || !/\btext\/html\b/i.test(request.headers.accept ?? "")) {
        return router.request(request, response);
      }
      show(response, page);
      return true;
    },
    otherwise(request, response) {
      if (isVisit(request)) show(response, page);
      else router.otherwise(request, response);
    },
  };
}

function isVisit({ method, url = "" }: IncomingMessage): boolean {
  return (method === "GET" || method === "HEAD") && /^\/(?:\?|$)/.test(url);
}

function show(response: ServerResponse, page: string): void {
  const body = Buffer.from(page);
  response.writeHead(200, {
    "Content-Type": "text/plain; charset=utf-8",
    "X-Content-Type-Options": "nosniff",
    "Content-Length": body.length,
  });
  response.end(body);
}
