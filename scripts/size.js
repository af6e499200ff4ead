// What a web page loads for Convoke: bundled, minified and gzipped, as a bundler does it, each beside its bound. Chunks that
// are loaded later, if at all, do not count. With --files: the minified bytes of each file as well.
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { ROOT } from "./steps.js";

const { values: flags } = parseArgs({ options: { files: { type: "boolean" } } });

/** One way to use the library in a page; `maxBytes` is the bound, min+gzip. Raise one only with a reason in the changelog. */
const ENTRIES = [
  {
    name: "peer, JSON-RPC and WebSocket",
    code: `export { establish } from "./dist/core/establish.js";
      export { webSocketDialer } from "./dist/transports/web/ws-dialer.js";
      export { jsonMessages } from "./dist/wires/json-messages.js";`,
    maxBytes: 24_900,
  },
  {
    name: "connect, with redialling and several addresses, and JSON-RPC",
    code: `export { connect } from "./dist/web.js";
      export { jsonMessages } from "./dist/wires/json-messages.js";`,
    maxBytes: 33_400,
  },
  {
    name: "connect, and the native wire",
    code: `export { connect } from "./dist/web.js";
      export { native } from "./dist/native.js";`,
    maxBytes: 36_000,
  },
];

/** The bytes that a page loads before it can call, and what they are made of. */
async function measure(code) {
  const { outputFiles, metafile } = await build({
    stdin: { contents: code, resolveDir: ROOT, sourcefile: "entry.js" },
    absWorkingDir: ROOT,
    bundle: true,
    splitting: true,
    minify: true,
    format: "esm",
    target: "es2022",
    outdir: "size",
    write: false,
    metafile: true,
    logLevel: "error",
  });
  const { outputs } = metafile;
  const loaded = new Set();
  const load = (path) => {
    if (loaded.has(path)) return;
    loaded.add(path);
    for (const each of outputs[path].imports) if (each.kind === "import-statement") load(each.path);
  };
  load(Object.keys(outputs).find((path) => outputs[path].entryPoint === "entry.js"));
  const sum = { minified: 0, gzipped: 0, files: [] };
  for (const path of loaded) {
    const { contents } = outputFiles.find((file) => file.path.endsWith(path));
    sum.minified += contents.length;
    sum.gzipped += gzipSync(contents, { level: 9 }).length;
    for (const [file, { bytesInOutput }] of Object.entries(outputs[path].inputs)) sum.files.push([file, bytesInOutput]);
  }
  return sum;
}

const kib = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`;
let failed = 0;
for (const { name, code, maxBytes } of ENTRIES) {
  const { minified, gzipped, files } = await measure(code);
  const isAbove = gzipped > maxBytes;
  if (isAbove) failed++;
  const verdict = isAbove ? `ABOVE the bound of ${maxBytes}` : `bound ${maxBytes}`;
  console.log(`${name}: ${gzipped} bytes, ${kib(gzipped)} min+gzip (${kib(minified)} minified), ${verdict}`);
  if (!flags.files) continue;
  for (const [file, bytes] of files.sort((one, other) => other[1] - one[1])) console.log(`  ${bytes} ${file}`);
}
process.exit(failed === 0 ? 0 : 1);
