// Calls over plain requests, beside socket.io's long-polling: `node bench/poll.js` after `npm run build`. A server in a process
// of its own counts its requests and bytes. `npm run bench` prints the same table.
import { fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { connect, native, pollListen, serve } from "convoke/node";
import { Server } from "socket.io";
import { io } from "socket.io-client";
import { median } from "./median.js";
import { hostOf, listening } from "./sockets.js";

const ROUNDS = 3;
const MS = 1500;
const IN_FLIGHT = [1, 64];
const INTERVAL_MS = 100;
const TIMEOUT_MS = 20_000;

/** By name: a server's listener on an HTTP server of ours, and a client's calls. */
const CONTENDERS = {
  "Convoke, long-poll": {
    serve: (http) => serveOn(http, "poll"),
    open: (address) => opened(`poll+http://${hostOf(address)}/`),
  },
  [`Convoke, heartbeat of ${INTERVAL_MS} ms`]: {
    serve: (http) => serveOn(http, "beat"),
    open: (address) => opened(`beat+http://${hostOf(address)}/`, { intervalMs: INTERVAL_MS }),
  },
  "socket.io, long-polling": {
    serve(http) {
      const server = new Server(http, { transports: ["polling"] });
      server.on("connection", (socket) => socket.on("add", ({ a, b }, reply) => reply(a + b)));
    },
    async open(address) {
      const socket = io(`http://${hostOf(address)}`, { transports: ["polling"], upgrade: false });
      await new Promise((resolve) => socket.once("connect", resolve));
      return {
        add: (a, b) => socket.timeout(TIMEOUT_MS).emitWithAck("add", { a, b }),
        close: async () => void socket.close(),
      };
    },
  },
};

function serveOn(http, scheme) {
  return serve(pollListen({ server: http, path: "/", scheme }), {
    wire: native(),
    handlers: { add: ({ a, b }) => a + b },
  });
}

async function opened(address, poll) {
  const client = await connect(address, { wire: native(), poll });
  return { add: (a, b) => client.call("add", { a, b }), close: () => client.close() };
}

/** In the server's process: one HTTP server for each contender, and what has come and gone there. */
async function beServer() {
  const servers = {};
  for (const [name, { serve: begin }] of Object.entries(CONTENDERS)) {
    const http = createServer();
    const counted = { requests: 0, bytes: 0, sockets: new Set() };
    http.on("connection", (socket) => {
      counted.sockets.add(socket);
      socket.once("close", () => {
        counted.sockets.delete(socket);
        counted.bytes += socket.bytesRead + socket.bytesWritten;
      });
    });
    const address = await listening(http);
    await begin(http);
    http.prependListener("request", () => counted.requests++);
    servers[name] = { address, counted };
  }
  process.on("message", ({ name }) => {
    const { address, counted } = servers[name];
    let { requests, bytes } = counted;
    for (const { bytesRead, bytesWritten } of counted.sockets) bytes += bytesRead + bytesWritten;
    process.send({ address, requests, bytes });
  });
  process.send("ready");
}

/** Keeps so many calls under way for a while, and says how long each took. */
async function run({ add }, inFlight, ms) {
  const took = [];
  const end = performance.now() + ms;
  const began = performance.now();
  const loop = async () => {
    for (let n = 0; performance.now() < end; n++) {
      const at = performance.now();
      if ((await add(n, 1)) !== n + 1) throw new Error("A result is wrong");
      took.push(performance.now() - at);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, loop));
  return { took, ms: performance.now() - began };
}

/** The table, as lines of Markdown. */
export async function pollCost() {
  const child = fork(fileURLToPath(import.meta.url), ["server"]);
  const ask = async (name) => {
    child.send({ name });
    return (await once(child, "message"))[0];
  };
  const lines = [
    "| | in flight | calls per second | ms, p50 | ms, p99 | requests per call | bytes per call |",
    "|---|---:|---:|---:|---:|---:|---:|",
  ];
  try {
    await once(child, "message");
    const rows = [];
    for (const [name, { open }] of Object.entries(CONTENDERS)) {
      const client = await open((await ask(name)).address);
      for (const inFlight of IN_FLIGHT) rows.push({ name, client, inFlight, samples: [] });
    }
    for (let round = -1; round < ROUNDS; round++) {
      for (const { name, client, inFlight, samples } of rows) {
        const before = await ask(name);
        const { took, ms } = await run(client, inFlight, MS);
        const after = await ask(name);
        if (round < 0) continue;
        took.sort((a, b) => a - b);
        samples.push({
          rate: (took.length * 1000) / ms,
          p50: median(took),
          p99: took[Math.floor(took.length * 0.99)],
          requests: (after.requests - before.requests) / took.length,
          bytes: (after.bytes - before.bytes) / took.length,
        });
      }
    }
    for (const { name, inFlight, samples } of rows) {
      const of = (what, digits) => median(samples.map((each) => each[what])).toFixed(digits);
      const cells = [of("rate", 0), of("p50", 2), of("p99", 2), of("requests", 2), of("bytes", 0)];
      lines.push(`| ${[name, inFlight, ...cells].join(" | ")} |`);
    }
    await Promise.all([...new Set(rows.map(({ client }) => client))].map((client) => client.close()));
  } finally {
    child.kill();
  }
  return { lines };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv[2] === "server") await beServer();
  else console.log((await pollCost()).lines.join("\n"));
}
