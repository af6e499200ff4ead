// What the two gRPC contenders share: the service of contenders/echo.proto and its server.
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { hostOf } from "./sockets.js";

const proto = fileURLToPath(new URL("./contenders/echo.proto", import.meta.url));
const { Bench } = grpc.loadPackageDefinition(loadSync(proto, { defaults: true, oneofs: true })).bench;

/** Serves all methods and gives the address. */
export async function listen() {
  const server = new grpc.Server();
  server.addService(Bench.service, {
    add: ({ request: { a, b } }, reply) => reply(null, { sum: a + b }),
    echo: ({ request }, reply) => reply(null, request),
    talk: (stream) => {
      stream.on("data", ({ id, body, pair, order }) =>
        stream.write(body === "pair" ? { id, sum: { sum: pair.a + pair.b } } : { id, order }),
      );
      stream.on("end", () => stream.end());
    },
  });
  const bind = promisify(server.bindAsync.bind(server));
  return `tcp://127.0.0.1:${await bind("127.0.0.1:0", grpc.ServerCredentials.createInsecure())}`;
}

/** A client whose connection is up. */
export async function dialed(address) {
  const client = new Bench(hostOf(address), grpc.credentials.createInsecure());
  await promisify(client.waitForReady.bind(client))(Date.now() + 10_000);
  return client;
}
