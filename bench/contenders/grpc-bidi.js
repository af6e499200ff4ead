// @grpc/grpc-js, all calls on one bidirectional stream, one message per call.
import { dialed } from "../grpc.js";

export const label = "grpc-js, bidi stream";
/** What is sent has a type in echo.proto, which the mixed values have not. */
export const workloads = ["small", "order"];

export { listen } from "../grpc.js";

export async function dial(address) {
  const client = await dialed(address);
  const stream = client.talk();
  const waiting = new Map();
  let lastId = 0;
  stream.on("data", ({ id, body, sum, order }) => {
    waiting.get(id)(body === "sum" ? sum.sum : order);
    waiting.delete(id);
  });
  const call = (body) =>
    new Promise((resolve) => {
      waiting.set(++lastId, resolve);
      stream.write({ id: lastId, ...body });
    });
  return { add: (a, b) => call({ pair: { a, b } }), echo: (order) => call({ order }) };
}
