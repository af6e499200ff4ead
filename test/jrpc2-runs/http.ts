import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { Client } from "../../src/client/client.ts";
import type { Dialer } from "../../src/core/wire.ts";
import { nodeHttpDialer } from "../../src/http/node/dialer.ts";
import { requestListener } from "../../src/http/node/listener.ts";
import { HttpBridge, httpDialer } from "../../src/http.ts";
import type { CallContext } from "../../src/index.ts";
import { RpcError } from "../../src/index.ts";
import { Server } from "../../src/server/server.ts";
import { jsonrpc } from "../../src/wires/jsonrpc.ts";
import { askingOf, attachedSite, bridge, described, fetchSite, listeningSite } from "./http-script.ts";
import type { Run, Runs } from "./stage.ts";

const script = bridge();

/** The bridge, GET as a call, and the client's channel: cases 189 to 215. */
export const HTTP_RUNS: Runs = {
  189: script,
  190: script,
  191: script,
  192: script,
  193: script,
  194: script,
  195: script,
  196: script,
  197: script,
  198: late,
  // An address that is closed does not answer at all.
  199: bridge(fetchSite, attachedSite),
  200: script,
  201: script,
  202: script,
  203: script,
  204: script,
  205: script,
  206: script,
  207: script,
  208: script,
  209: script,
  210: script,
  211: script,
  212: script,
  213: eachDialer(async (connect) => {
    const lines: string[] = [];
    const web = new HttpBridge();
    const server = await Server.open([web.listen], jsonrpc(), { handlers: { X: () => "OK" }, logger: false });
    const listener = requestListener(web);
    const outer = await serving((request, response) => {
      response.on("finish", () => lines.push(`${request.method} ${response.statusCode}`));
      listener(request, response);
    });
    const client = await connect(outer.url);
    lines.push(`the call: ${String(await client.call("X"))}`);
    await client.notify("X");
    lines.push(`the call after it: ${String(await client.call("X"))}`);
    await client.close();
    await server.close();
    outer.close();
    return lines.filter((each) => each !== "POST 200").join("\n");
  }),
  214: eachDialer(async (connect) => {
    const outer = await serving((_, response) => response.writeHead(418, "I'm a teapot").end());
    const client = await connect(outer.url);
    const error = await client.call("X").catch((thrown: unknown) => thrown);
    const { message } = await client.closed;
    outer.close();
    const told = RpcError.is(error) ? `${error.wireCode} ${error.message}` : String(error);
    return `the call: ${told}\nthe client has stopped: ${message}`;
  }),
  215: eachDialer(async (connect) => {
    const outer = await serving((_, response) => response.end());
    const client = await connect(outer.url);
    await client.close();
    const error = await client.call("X").catch((thrown: unknown) => thrown);
    const { error: end } = await client.closed;
    outer.close();
    const fails = RpcError.is(error) && error.executed === "no";
    return `send ${fails ? "fails" : "works"}\nreceive: ${end === undefined ? "end" : end.message}`;
  }),
};

/** The time of the request is over while its handler waits: the answer, and what the handler hears. */
async function late({ input }: Parameters<Run>[0]): Promise<string> {
  const outcomes = new Set<string>();
  for (const make of [fetchSite, listeningSite, attachedSite]) {
    let told = "the handler goes on";
    let heard: () => void = () => {};
    const isTold = new Promise<void>((resolve) => {
      heard = resolve;
    });
    const handlers = {
      Wait: (_: unknown, { signal }: CallContext) =>
        new Promise(() => {
          signal.addEventListener("abort", () => {
            told = "the handler's context ended";
            heard();
          });
        }),
    };
    const site = await make({ answerTimeoutMs: 50 }, handlers);
    const answer = described(await site.ask(askingOf(input)));
    await isTold;
    outcomes.add(`${answer}\n${told}`);
    await site.close();
    await site.close();
  }
  return [...outcomes].join("\n");
}

/** Runs it for the client on any platform and for Node's own. */
function eachDialer(play: (connect: (url: string) => Promise<Client>) => Promise<string>): Run {
  return async () => {
    const outcomes = new Set<string>();
    for (const dialer of [httpDialer, nodeHttpDialer] as ((target: { readonly url: string }) => Dialer)[]) {
      const connect = (url: string): Promise<Client> =>
        Client.open(dialer({ url }), jsonrpc(), { redial: false, logger: false });
      outcomes.add(await play(connect));
    }
    return [...outcomes].join("\n");
  };
}

async function serving(listener: http.RequestListener): Promise<{ readonly url: string; close(): void }> {
  const outer = http.createServer(listener).listen(0, "127.0.0.1");
  await once(outer, "listening");
  return {
    url: `http://127.0.0.1:${(outer.address() as AddressInfo).port}/`,
    close: () => outer.close().closeAllConnections(),
  };
}
