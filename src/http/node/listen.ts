import type { Server } from "node:http";
import type { Listen } from "../../core/wire.ts";
import { HttpHost, type HttpTarget } from "../../transports/node/http-host.ts";
import { HttpBridge } from "../bridge.ts";
import { checkWire } from "../json-wire.ts";
import type { HttpOptions } from "../options.ts";
import { answerOver } from "./answer.ts";

/** Where JSON-RPC is served over HTTP: at a server of its own, at one that several paths share, or at a user's own. */
export type HttpListenTarget = HttpOptions & (HttpTarget | { readonly at: HttpHost } | { readonly server: Server });

/**
 * Serves JSON-RPC at one path of an HTTP server, each request as a link of its own. Requests whose Host or Origin is not
 * allowed get 403 and a text that says which option would allow them. Throws `TypeError` or `RangeError` at once for
 * options that cannot be used, and rejects with `TypeError` for another wire than JSON-RPC.
 */
export function httpListen(target: HttpListenTarget): Listen {
  const bridge = new HttpBridge(target);
  const host = hostOf(target);
  const { path, takesBelow: below } = bridge.rules;
  return async (accept, terms) => {
    checkWire(terms.wire, `An address http://…${path}`);
    const listener = await bridge.listen(accept, terms);
    try {
      const place = await host.route(path, {
        guard: bridge.guard,
        below,
        onRefused: (from, why) => bridge.refused(from, why),
        request: (request, response) => void answerOver(bridge, request, response),
      });
      return {
        get address() {
          const scheme = place.secure ? "https:" : "http:";
          return place.authority === undefined ? `${scheme}${path}` : `${scheme}//${place.authority}${path}`;
        },
        async close() {
          place.close();
          await listener.close();
        },
        flushed: (withinMs) => place.flushed(withinMs),
      };
    } catch (thrown) {
      await listener.close();
      throw thrown;
    }
  };
}

function hostOf(target: HttpListenTarget): HttpHost {
  if ("at" in target) return target.at;
  return "server" in target ? HttpHost.of(target.server) : HttpHost.own(target);
}
