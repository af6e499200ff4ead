import type { Listen } from "../../core/wire.ts";
import { HttpHost, type HttpSpot } from "../../transports/node/http-host.ts";
import type { PollMode, PollServeOptions } from "../poll/options.ts";
import { PollServer } from "../poll/poll-server.ts";
import { answerOver } from "./answer.ts";

/** Where links of plain requests are served: at a server of its own, at one that several paths share, or at a user's own. */
export type PollListenTarget = PollServeOptions &
  HttpSpot & {
    /** What its address begins with; clients of both kinds are served. Default `poll`. */
    readonly scheme?: PollMode | undefined;
  };

/**
 * Serves links of plain requests at one path of an HTTP server, to clients that ask by long-poll or heartbeat. Requests whose
 * Host or Origin is not allowed get 403 and a text that says which option would allow them. A listener that is closed keeps
 * its path until the links that it has have ended. Throws `TypeError` or `RangeError` at once for options that cannot be used.
 */
export function pollListen(target: PollListenTarget): Listen {
  const server = new PollServer(target);
  const host = HttpHost.at(target);
  const { path } = server.rules;
  return async (accept, terms) => {
    const listener = await server.listen(accept, terms);
    try {
      const place = await host.route(path, {
        guard: server.guard,
        onRefused: (from, why) => server.refused(from, why),
        request: (request, response) => void answerOver(server, request, response),
      });
      void server.emptied().then(() => place.close());
      return {
        get address() {
          const scheme = `${target.scheme ?? "poll"}+${place.secure ? "https:" : "http:"}`;
          return place.authority === undefined ? `${scheme}${path}` : `${scheme}//${place.authority}${path}`;
        },
        async close() {
          await listener.close();
          if (server.links === 0) place.close();
        },
        flushed: (withinMs) => place.flushed(withinMs),
      };
    } catch (thrown) {
      await listener.close();
      throw thrown;
    }
  };
}
