// What `npm start` runs: the sample services on TCP and on a Unix socket, until Ctrl-C.
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serve } from "convoke/node";
import { handlers } from "./services.js";

const PORT = 7000;
const socket = join(tmpdir(), `convoke-${process.pid}.sock`);

/** The usual port, or any free one when somebody has it. */
async function start() {
  try {
    return await serve([`tcp://127.0.0.1:${PORT}`, `unix:${socket}`], { handlers });
  } catch (error) {
    if (error.cause?.code !== "EADDRINUSE") throw error;
    return serve(["tcp://127.0.0.1:0", `unix:${socket}`], { handlers });
  }
}

const server = await start();
const [tcp, unix] = server.addresses;
console.log(`Serving math.add, math.divide, text.upper, text.words, greet and countdown on

  ${tcp}
  ${unix}

Calls to paste into another terminal:

npx convoke call ${tcp} math.add '{"a":1,"b":2}'
npx convoke call ${unix} greet '{"name":"Ann"}'
npx convoke call ${tcp} --batch math.add '{"a":1,"b":2}' text.upper '{"text":"hello"}'
npx convoke call ${tcp} --timing --same-method text.words '{"text":"one two"}' '{"text":"one two three"}'
npx convoke call ${unix} --timing countdown '{"from":2}'

Ctrl-C drains and ends.`);

const stop = () => {
  process.once("SIGINT", () => process.exit(1));
  console.log("\nDraining; press Ctrl-C again to stop at once");
  void server.close();
};
process.once("SIGINT", stop);
process.once("SIGTERM", stop);
await server.closed;
process.exit(0);
