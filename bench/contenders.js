/** The contenders that run on Node and are not ours. */
export const NODE_PEERS = ["vscode-jsonrpc", "grpc-unary", "grpc-bidi", "capnweb", "rpc-websockets", "birpc", "undici"];

/**
 * The files of contenders/, in the order of the tables: Convoke first, then Node's, then Go's, then one end of each; at last
 * those that call many at once.
 */
export const CONTENDERS = [
  ...["convoke-native", "convoke-native-json", "convoke-jsonrpc", "convoke-lsp", "convoke-gorpc", "convoke-grpc"],
  ...["convoke-native-ws", "convoke-jsonrpc-ws"],
  ...NODE_PEERS,
  ...["gorpc-raw", "gorpc-dispatcher"],
  ...["convoke-gorpc-to-go", "go-to-convoke-gorpc"],
  ...["convoke-fleet", "socket.io", "bare-sockets"],
];

/** What a contender does that does not say it. */
const CALLS = ["small", "order", "mixed"];

const open = (name) => import(`./contenders/${name}.js`);

/**
 * Loads one: `name`, `label`, `programs` (the command lines of its `client` and its `server`), `does(workload)`. A contender
 * with `ends` has those of others: `{ client, server }`, by name. Rejects when it cannot run here: what it imports is not
 * there, or its compiler is missing.
 */
export async function load(name) {
  const { label, workloads = CALLS, ends = { client: name, server: name } } = await open(name);
  return {
    name,
    label,
    programs: { client: await programOf(ends.client), server: await programOf(ends.server) },
    does: (workload) => workloads.includes(workload),
  };
}

/** The program that a contender brings, or Node's worker for one that is written for it. */
async function programOf(name) {
  const { program } = await open(name);
  return program ? await program() : [process.execPath, `${import.meta.dirname}/worker.js`, name];
}
