import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "vitest";
import { httpListen } from "../../src/http/node/listen.ts";
import { requestListener } from "../../src/http/node/listener.ts";
import { basicQuery, HttpBridge, type HttpOptions, typedQuery } from "../../src/http.ts";
import { RpcError } from "../../src/index.ts";
import { Server } from "../../src/server/server.ts";
import { jsonrpc } from "../../src/wires/jsonrpc.ts";
import { jrpc2Service } from "../jrpc2-service.ts";
import type { Run } from "./stage.ts";

/** One request as a script has it. */
interface Asking {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/** What a row looks at of an answer. */
interface Answered {
  readonly status: number;
  readonly body: string;
  header(name: string): string | undefined;
}

/** Where the service of the cases is served. */
interface Site {
  ask(asking: Asking): Promise<Answered>;
  close(): Promise<unknown>;
}

export type MakeSite = (options: HttpOptions, handlers?: object) => Promise<Site>;

/** The bridge as the function that it is, without a network. */
export async function fetchSite(options: HttpOptions, handlers: object = service()): Promise<Site> {
  const bridge = new HttpBridge(options);
  const server = await Server.open([bridge.listen], jsonrpc(), { handlers, logger: false });
  return {
    async ask({ method, target, headers, body }) {
      // As bytes it gets no type by itself.
      const init = body === undefined ? {} : { body: new TextEncoder().encode(body) };
      const response = await bridge.fetch(new Request(`http://localhost${target}`, { method, headers, ...init }));
      return {
        status: response.status,
        body: await response.text(),
        header: (name) => response.headers.get(name) ?? undefined,
      };
    },
    close: () => server.close({ graceMs: 0 }),
  };
}

/** The bridge at an address. */
export async function listeningSite(options: HttpOptions, handlers: object = service()): Promise<Site> {
  const server = await Server.open([httpListen({ port: 0, ...options })], jsonrpc(), { handlers, logger: false });
  return { ask: asker(new URL(server.addresses[0] ?? "").port), close: () => server.close({ graceMs: 0 }) };
}

/** The bridge as a listener of a server that lives longer than it. */
export async function attachedSite(options: HttpOptions, handlers: object = service()): Promise<Site> {
  const bridge = new HttpBridge(options);
  const server = await Server.open([bridge.listen], jsonrpc(), { handlers, logger: false });
  const outer = http.createServer(requestListener(bridge)).listen(0, "127.0.0.1");
  await once(outer, "listening");
  let isClosed = false;
  return {
    ask: asker((outer.address() as AddressInfo).port),
    // The second time the outer server ends, too.
    async close() {
      await server.close({ graceMs: 0 });
      if (isClosed) outer.close().closeAllConnections();
      isClosed = true;
    },
  };
}

/** Options by the name that a line `serve name` has. */
const SCENES: Readonly<Record<string, HttpOptions>> = {
  plain: {},
  basic: { parseGet: basicQuery },
  typed: { parseGet: typedQuery },
  parse: {
    parseRequest: async (request) => {
      if (request.method === "DELETE") throw new RpcError("invalid_argument", "no DELETE");
      return { jsonrpc: "2.0", id: 1, method: "Echo", params: [request.method, await request.text()] };
    },
  },
};

/**
 * Plays a script to every site; the outcomes must be the same. Lines are requests, `METHOD target <content type> body` (no
 * type before a body: JSON; an empty one: none), `serve name` (a fresh server with these options) or `close`. A `?`
 * before a request: its answer is a text of Go's own, and only its kind counts.
 */
export function bridge(...sites: readonly MakeSite[]): Run {
  return async ({ input }) => {
    const outcomes = await Promise.all(
      (sites.length > 0 ? sites : [fetchSite, listeningSite, attachedSite]).map((make) => play(make, input)),
    );
    for (const outcome of outcomes) expect(outcome).toBe(outcomes[0]);
    return outcomes[0] ?? "";
  };
}

async function play(make: MakeSite, input: string): Promise<string> {
  const told: string[] = [];
  let site: Site | undefined;
  try {
    for (const line of input.split("\n")) {
      const scene = /^serve (\w+)$/.exec(line)?.[1];
      if (scene !== undefined || site === undefined) {
        await site?.close();
        site = await make(SCENES[scene ?? "plain"] ?? {});
      }
      if (line === "close") await site.close();
      else if (scene === undefined) told.push(described(await site.ask(askingOf(line)), line.startsWith("?")));
    }
  } finally {
    await site?.close();
    await site?.close();
  }
  return told.join("\n");
}

export function askingOf(line: string): Asking {
  const [, method = "", target = "", type, body] =
    /^\??([A-Z]+) (\S+)(?: <([^>]*)>(?= |$))?(?: (.*))?$/.exec(line) ?? [];
  const contentType = type ?? (body === undefined ? "" : "application/json");
  return { method, target, body, headers: contentType === "" ? {} : { "content-type": contentType } };
}

/** Status, type, what may be posted, and the body: JSON as it is, other text quoted. */
export function described({ status, body, header }: Answered, isBrief = false): string {
  const length = header("content-length");
  if (length !== undefined && body !== "") expect(Number(length)).toBe(new TextEncoder().encode(body).length);
  const type = header("content-type")?.replace("; charset=utf-8", "");
  const accepts = header("accept-post");
  const head = [String(status), type, accepts === undefined ? undefined : `accepts ${accepts}`]
    .filter((each) => each !== undefined)
    .join(", ");
  if (body === "") return head;
  const isJson = type === "application/json";
  if (!isBrief) return `${head}: ${isJson ? body : JSON.stringify(body)}`;
  const { code, message = "" } = JSON.parse(body) as { readonly code?: number; readonly message?: string };
  return `${head}: ${code === -32700 ? `-32700, ${/missing .*$/.exec(message)?.[0] ?? "…"}` : "an error"}`;
}

function asker(port: string | number): Site["ask"] {
  return async ({ method, target, headers, body }) => {
    const request = http.request({ port, host: "127.0.0.1", path: target, method, headers, agent: false });
    request.end(body);
    const [response] = (await once(request, "response")) as [http.IncomingMessage];
    let text = "";
    for await (const chunk of response.setEncoding("utf8")) text += String(chunk);
    return {
      status: response.statusCode ?? 0,
      body: text,
      header: (name) => response.headers[name]?.toString(),
    };
  };
}

function service(): object {
  return jrpc2Service((ms) => new Promise((resolve) => setTimeout(resolve, ms)));
}
