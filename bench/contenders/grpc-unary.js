// @grpc/grpc-js, one unary call per call.
import { promisify } from "node:util";
import { dialed } from "../grpc.js";

export const label = "grpc-js, unary";
/** What is sent has a type in echo.proto, which the mixed values have not. */
export const workloads = ["small", "order"];

export { listen } from "../grpc.js";

export async function dial(address) {
  const client = await dialed(address);
  const add = promisify(client.add.bind(client));
  const echo = promisify(client.echo.bind(client));
  return { add: async (a, b) => (await add({ a, b })).sum, echo };
}
