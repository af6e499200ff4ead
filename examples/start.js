// What `npm start` runs, until Ctrl-C: the sample services, and a controller of three agents, each on a wire of its own.
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Fleet, fleetService } from "convoke";
import { lsp } from "convoke/jsonrpc";
import { connect, native, serve } from "convoke/node";
import { handlers } from "./services.js";

const PORT = 7000;
const socket = (what) => `unix:${join(tmpdir(), `convoke-${what}-${process.pid}.sock`)}`;

/** Serves at the usual port first, or at any free one when somebody has it. */
async function serveAt(port, others, options) {
  try {
    return await serve([`tcp://127.0.0.1:${port}`, ...others], options);
  } catch (error) {
    if (error.cause?.code !== "EADDRINUSE") throw error;
    return serve(["tcp://127.0.0.1:0", ...others], options);
  }
}

// One fleet for three servers: an agent may come over any of them. Whoever says a name is an agent. Anybody else may
// operate the agents here, because they can be reached from this machine only and do nothing but greet.
const fleet = new Fleet({ nameless: "serve" });
const authorise = (_, { connection }) => connection.hello?.name === undefined;
const main = await serveAt(PORT, [socket("main")], {
  handlers: { ...handlers, ...fleetService(fleet, { authorise }) },
  fleet,
});
const fast = await serveAt(PORT + 1, [], { wire: native(), fleet });
const headed = await serve(socket("lsp"), { wire: lsp(), fleet });
const servers = [main, fast, headed];
const [tcp, unix] = main.addresses;

/** An agent is a client with a name and handlers. Here it lives in the same process; `npx convoke agent` is one in its own. */
function agent(address, options) {
  const { name } = options;
  return connect(address, { ...options, handlers: { greet: ({ from }) => `${name} greets ${from}` } });
}

const agents = await Promise.all([
  agent(fast.addresses[0], { wire: native(), name: "ann", labels: { zone: "a" } }),
  agent(tcp, { name: "bob", labels: { zone: "a" } }),
  agent(headed.addresses[0], { wire: lsp(), name: "cid", labels: { zone: "b" } }),
]);

const stop = async () => {
  process.once("SIGINT", () => process.exit(1));
  console.log("\nDraining; press Ctrl-C again to stop at once");
  await Promise.all(agents.map((each) => each.close()));
  await Promise.all(servers.map((each) => each.close()));
  process.exit(0);
};
process.once("SIGINT", stop);
process.once("SIGTERM", stop);

console.log(`Serving math.add, math.divide, text.upper, text.words, greet and countdown on

  ${tcp}
  ${unix}

and three agents, each on a wire of its own:
`);
for (const { name, wire, address } of fleet.list()) console.log(`  ${name}  ${wire.padEnd(7)}  from ${address}`);
console.log('\nA call to one of them, fleet.call("ann", "greet", { from: "npm start" }):\n');
console.log(`  ${await fleet.call("ann", "greet", { from: "npm start" })}`);
console.log('\nA call to all, fleet.callAll("greet", { from: "npm start" }):\n');
for await (const { member, ok, value, error } of fleet.callAll("greet", { from: "npm start" })) {
  console.log(`  ${member}: ${ok ? value : error.message}`);
}
console.log(`
Calls to paste into another terminal:

npx convoke call ${tcp} math.add '{"a":1,"b":2}'
npx convoke call ${unix} greet '{"name":"Ann"}'
npx convoke call ${tcp} --batch math.add '{"a":1,"b":2}' text.upper '{"text":"hello"}'
npx convoke call ${tcp} --timing --same-method text.words '{"text":"one two"}' '{"text":"one two three"}'
npx convoke call ${unix} --timing countdown '{"from":2}'
npx convoke agents ${tcp}
npx convoke call ${tcp} --agent ann greet '{"from":"you"}'
npx convoke call ${tcp} --all --where zone=a greet '{"from":"you"}'

Ctrl-C drains and ends.`);
