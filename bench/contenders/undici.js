// undici: HTTP/1.1 POST of JSON, 64 requests pipelined on one connection, against node:http.
import http from "node:http";
import { Client } from "undici";
import { hostOf, listening } from "../sockets.js";

export const label = "undici, HTTP/1.1 pipelined";
const IDLE_MS = 3_600_000;

const handlers = { "/add": ({ a, b }) => a + b, "/echo": (value) => value };

export function listen() {
  const server = http.createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const result = handlers[request.url](JSON.parse(Buffer.concat(chunks).toString()));
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(result));
    });
  });
  // Between its turns a contender is idle for longer than the default of 5 s.
  server.keepAliveTimeout = IDLE_MS;
  return listening(server);
}

export function dial(address) {
  const client = new Client(`http://${hostOf(address)}`, {
    pipelining: 64,
    keepAliveTimeout: IDLE_MS,
    keepAliveMaxTimeout: IDLE_MS,
  });
  const headers = { "content-type": "application/json" };
  const post = async (path, value) => {
    // Only what is idempotent is pipelined.
    const request = { method: "POST", path, headers, body: JSON.stringify(value), idempotent: true };
    const { body } = await client.request(request);
    return body.json();
  };
  return { add: (a, b) => post("/add", { a, b }), echo: (value) => post("/echo", value) };
}
