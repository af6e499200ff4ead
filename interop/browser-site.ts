import { once } from "node:events";
import { readFile } from "node:fs/promises";
import http from "node:http";
import net, { type AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";

/** Debian's browser. */
export const CHROMIUM = "chromium";

/** What a page of a site finds as `globalThis.convoke`. */
export interface Convoke {
  readonly connect: typeof import("../src/web.ts").connect;
  readonly native: typeof import("../src/native.ts").native;
  readonly jsonMessages: typeof import("../src/jsonrpc.ts").jsonMessages;
  readonly command: typeof import("../src/command.ts").command;
}

const DIST = fileURLToPath(new URL("../dist/", import.meta.url));

/** Loads what it is asked for, and nothing else. */
const PAGE = `<!doctype html><meta charset="utf-8"><title>A page</title><link rel="icon" href="data:,"><script type="module">
  const names = (new URLSearchParams(location.search).get("load") ?? "web").split(",");
  const modules = await Promise.all(names.map((name) => import("/convoke/" + name + ".js")));
  globalThis.convoke = Object.assign({}, ...modules);
</script>`;

/** A worker that calls a server and can be called: it tells its page what happens. */
const WORKER = `
  import { connect } from "/convoke/web.js";
  const handlers = { where: () => ({ inWorker: typeof document === "undefined", name: self.name }) };
  const client = await connect("/rpc", { handlers });
  postMessage(await client.call("add", { a: 20, b: 22 }));
  onmessage = async () => { await client.close(); postMessage("closed"); };
`;

/** A web server with the library as it was built, an empty page, and whatever a test serves beside them. */
export class Site {
  readonly server: http.Server;
  /** The paths that were asked for. */
  readonly asked: string[] = [];
  readonly #sockets = new Set<Duplex>();
  #port = 0;

  constructor() {
    this.server = http.createServer((request, response) => void this.#answer(request, response));
    this.server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
  }

  get origin(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Listens, the second time where it did before. */
  async listen(): Promise<this> {
    this.server.listen(this.#port, "127.0.0.1");
    await once(this.server, "listening");
    this.#port = (this.server.address() as AddressInfo).port;
    return this;
  }

  /** Goes away without a word, as a network does. */
  async vanish(): Promise<void> {
    const closed = once(this.server, "close");
    this.server.close();
    for (const socket of this.#sockets) if (socket instanceof net.Socket) socket.resetAndDestroy();
    await closed;
  }

  async close(): Promise<void> {
    if (this.server.listening) await this.vanish();
  }

  async #answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? "/", this.origin);
    this.asked.push(pathname);
    const say = (type: string, body: string | Buffer): void => {
      response.writeHead(200, { "content-type": `${type}; charset=utf-8` }).end(body);
    };
    if (pathname === "/") return say("text/html", PAGE);
    if (pathname === "/worker.js") return say("text/javascript", WORKER);
    const [, name] = /^\/convoke\/((?:[a-z0-9-]+\/)*[a-z0-9-]+\.js)$/.exec(pathname) ?? [];
    try {
      if (name === undefined) throw new Error("There is no such path");
      say("text/javascript", await readFile(DIST + name));
    } catch {
      response.writeHead(404).end();
    }
  }
}
