// A server of links made of plain requests in a process of its own, and a client that holds as many of them as it is told.
import http from "node:http";
import { jsonrpc } from "convoke/jsonrpc";
import { serve } from "convoke/node";
import { pollListen } from "../../dist/http/node/poll-listen.js";
import { askingBody, openingBody, readAnswering, readOpened } from "../../dist/http/poll/envelope.js";
import { answering } from "./answering.js";
import { heldBytes } from "./heap.js";

/** At once, so that the backlog of the listening socket is never full. */
const AT_ONCE = 200;
const MAX_FRAME_BYTES = 4 << 20;

let server;
let port = 0;
const agent = new http.Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
/** What this client knows of its links: the id, what it has, and the answer that it waits for. */
const links = [];

function post(link, body) {
  const headers = { "content-type": "application/octet-stream", "content-length": body.length };
  if (link !== undefined) headers["convoke-link"] = link;
  return new Promise((resolve, reject) => {
    const request = http.request({ agent, host: "127.0.0.1", port, method: "POST", path: "/", headers }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => resolve({ status: response.statusCode, bytes: new Uint8Array(Buffer.concat(chunks)) }));
      response.on("error", reject);
    });
    request.on("error", reject);
    request.end(body);
  });
}

/** Asks on a link and is held; gives the answer. */
async function ask(link) {
  const body = askingBody({ ack: link.ack, first: 0, items: [], down: true, holdMs: 600_000 });
  const { status, bytes } = await post(link.id, body);
  if (status !== 200) throw new Error(`A poll was answered ${status}`);
  const { items } = readAnswering(bytes, MAX_FRAME_BYTES);
  link.ack += items.length;
  return items.length;
}

async function open() {
  const { status, bytes } = await post(undefined, openingBody({ maxFrameBytes: MAX_FRAME_BYTES }));
  if (status !== 201) throw new Error(`An opening was answered ${status}`);
  return { id: readOpened(bytes).link, ack: 0, asked: undefined };
}

async function inTurns(count, action) {
  for (let from = 0; from < count; from += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, each) => action(from + each)));
  }
}

answering({
  async listen({ maxLinks }) {
    // A wire without an opening: a link is up as soon as it is there.
    const listen = pollListen({ port: 0, maxLinks, maxHoldMs: 600_000 });
    server = await serve(listen, {
      wire: jsonrpc(),
      handlers: {},
      logger: false,
      heartbeat: { intervalMs: 1e6, timeoutMs: 1e6 },
    });
    return Number(new URL(server.addresses[0].replace("poll+", "")).port);
  },
  /** Opens links, and has a request held on each. */
  async hold({ at, count }) {
    port = at;
    await inTurns(count, async () => {
      const link = await open();
      link.asked = ask(link);
      links.push(link);
    });
  },
  /** Tries one more. */
  async tryOne() {
    return open().then(
      () => "let in",
      (error) => error.message,
    );
  },
  /** Asks again on each link while a request of it is held, and gives how many of those were answered empty. */
  async askAgain() {
    let empty = 0;
    await inTurns(links.length, async (at) => {
      const link = links[at];
      const before = link.asked;
      link.asked = ask(link);
      if ((await before) === 0) empty++;
    });
    return empty;
  },
  /** Waits until each request that is held has brought frames. */
  async answers() {
    let frames = 0;
    for (const link of links) frames += await link.asked;
    return frames;
  },
  /** Sends so many bytes to every client. */
  async say({ bytes }) {
    const text = "x".repeat(bytes);
    await Promise.all(server.connections.map((peer) => peer.notify("news", [text])));
  },
  connections: () => server.connections.length,
  rss() {
    globalThis.gc();
    return process.memoryUsage.rss();
  },
  heap: heldBytes,
});
