// The control of the fan-out: node:net and lines of JSON, the least that a correct program can do. The request is the same
// for all and is made once; each agent gets one write; each answer is parsed, and found by its id.
import { once } from "node:events";
import net from "node:net";
import { collect, gathered, openAll, TIMEOUT_MS } from "../agents.js";
import { listening, placeOf } from "../sockets.js";

export const label = "bare sockets, lines of JSON";
export const workloads = ["fan-out"];

const sockets = new Set();
/** By the id of the request, who takes the answers. */
const waiting = new Map();
let lastId = 0;

export function listen() {
  const server = net.createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    onLines(socket, ({ id, result }) => waiting.get(id)(result));
  });
  return listening(server);
}

export async function gather(agents) {
  await gathered(agents, () => sockets.size);
  return { agents, collectAll };
}

function collectAll(params) {
  const id = ++lastId;
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error("Not all have answered")), TIMEOUT_MS);
    const results = [];
    waiting.set(id, (result) => {
      if (results.push(result) < sockets.size) return;
      clearTimeout(late);
      waiting.delete(id);
      resolve(results);
    });
    const line = `${JSON.stringify({ id, method: "collect", params })}\n`;
    for (const socket of sockets) socket.write(line);
  });
}

export function dial(address, { names }) {
  return openAll(names, async (name) => {
    const socket = net.connect(placeOf(address));
    await once(socket, "connect");
    onLines(socket, ({ id, params }) => socket.write(`${JSON.stringify({ id, result: collect(name, params) })}\n`));
  });
}

function onLines(socket, take) {
  let rest = "";
  socket.setEncoding("utf8");
  socket.on("data", (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop();
    for (const line of lines) take(JSON.parse(line));
  });
}
