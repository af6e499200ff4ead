/** The files of contenders/, in the order of the tables; Convoke first, then Node's, then Go's. */
export const CONTENDERS = [
  "convoke-native",
  "convoke-native-json",
  "convoke-jsonrpc",
  "convoke-lsp",
  "vscode-jsonrpc",
  "grpc-unary",
  "grpc-bidi",
  "capnweb",
  "rpc-websockets",
  "birpc",
  "undici",
  "gorpc-raw",
  "gorpc-dispatcher",
];

/** The contenders that run on Node and are not ours. */
export const NODE_PEERS = CONTENDERS.slice(4, 11);

/**
 * Loads one: `name`, `label`, `program` (the command line of one of its ends), `does(workload)`. Rejects when it cannot
 * run here: what it imports is not there, or its compiler is missing.
 */
export async function load(name) {
  const { label, workloads, program } = await import(`./contenders/${name}.js`);
  return {
    name,
    label,
    program: program ? await program() : [process.execPath, `${import.meta.dirname}/worker.js`, name],
    does: (workload) => workloads?.includes(workload) ?? true,
  };
}
