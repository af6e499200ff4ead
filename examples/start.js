// What `npm start` runs, until Ctrl-C: the sample services, and a controller of three agents, all at one port that speaks
// whatever comes: native, lines of JSON-RPC, headers of LSP, HTTP and WebSocket.
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Fleet, fleetService } from "convoke";
import { jsonrpc, lsp } from "convoke/jsonrpc";
import { connect, http, native, serve, webSocket } from "convoke/node";
import { handlers } from "./services.js";

const PORT = 7000;
const socket = `unix:${join(tmpdir(), `convoke-${process.pid}.sock`)}`;

/** Serves at the usual port first, or at any free one when somebody has it. */
async function serveAt(port, options) {
  try {
    return await serve([`tcp://127.0.0.1:${port}`, socket], options);
  } catch (error) {
    if (error.cause?.code !== "EADDRINUSE") throw error;
    return serve(["tcp://127.0.0.1:0", socket], options);
  }
}

// Whoever says a name is an agent. Anybody else may operate the agents here, because they can be reached from this machine
// only, and by no web page of another site, and do nothing but greet.
const fleet = new Fleet({ nameless: "serve" });
const authorise = (_, { connection }) => connection.hello?.name === undefined;
const server = await serveAt(PORT, {
  wires: [native(), jsonrpc(), lsp(), http({ path: "/rpc" }), webSocket({ path: "/ws" })],
  handlers: { ...handlers, ...fleetService(fleet, { authorise }) },
  fleet,
});
const [tcp, unix] = server.addresses;

/** An agent is a client with a name and handlers. Here it lives in the same process; `npx convoke agent` is one in its own. */
function agent(address, options) {
  const { name } = options;
  return connect(address, { ...options, handlers: { greet: ({ from }) => `${name} greets ${from}` } });
}

const agents = await Promise.all([
  agent(tcp, { wire: native(), name: "ann", labels: { zone: "a" } }),
  agent(tcp, { wire: jsonrpc(), name: "bob", labels: { zone: "a" } }),
  agent(unix, { wire: lsp(), name: "cid", labels: { zone: "b" } }),
]);

const stop = async () => {
  process.once("SIGINT", () => process.exit(1));
  console.log("\nDraining; press Ctrl-C again to stop at once");
  await Promise.all(agents.map((each) => each.close()));
  await server.close();
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
const { host, hostname, port } = new URL(tcp);
const record = '{"jsonrpc":"2.0","id":1,"method":"math.add","params":{"a":1,"b":2}}';
console.log(`
Calls to paste into another terminal:

npx convoke call ${tcp} math.add '{"a":1,"b":2}'
npx convoke call ${tcp} --wire native math.add '{"a":1,"b":2}'
npx convoke call ${unix} greet '{"name":"Ann"}'
npx convoke call ${tcp} --batch math.add '{"a":1,"b":2}' text.upper '{"text":"hello"}'
npx convoke call ${tcp} --timing --same-method text.words '{"text":"one two"}' '{"text":"one two three"}'
npx convoke call ${unix} --wire lsp --timing countdown '{"from":2}'
npx convoke call ws://${host}/ws math.add '{"a":1,"b":2}'
npx convoke agents ${tcp}
npx convoke call ${tcp} --agent ann greet '{"from":"you"}'
npx convoke call ${tcp} --all --where zone=a greet '{"from":"you"}'

The same port without convoke:

curl http://${host}/rpc -H 'Content-Type: application/json' -d '${record}'
echo '${record}' | nc -w 1 ${hostname} ${port}

In a browser http://${host}/ says what this is. To paste into its console there:

fetch("/rpc", { method: "POST", headers: { "Content-Type": "application/json" }, body: '${record}' }).then((it) => it.text()).then(console.log)
s = new WebSocket("ws://${host}/ws"); s.onmessage = (it) => console.log(it.data); s.onopen = () => s.send('${record}')

Ctrl-C drains and ends.`);
