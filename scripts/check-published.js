// Consumers of the packed package, checked without skipLibCheck by the compiler that builds and by TypeScript 7: a program for
// Node that imports every entry, a page that imports those that need nothing of Node and has no types of it, and a library that
// exports what it got, whose declarations can name nothing of the package but what an entry exports.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ROOT } from "./steps.js";

const COMPILERS = ["typescript", "typescript-7"];
const FOR_NODE = ["./node", "./grpc"];

const LIBRARY = `
import { type CallContext, Fleet, remoteOf } from "convoke";
import { connect } from "convoke/node";
const handlers = {
  math: { add: ({ a, b }: { a: number; b: number }) => a + b },
  greet: (name?: string) => \`Hello \${name}\`,
};
export type Api = typeof handlers;
const client = await connect<Api>("tcp://127.0.0.1:7000");
const fleet = new Fleet();
export const api = client.remote;
export const { add } = client.remote.math;
export const back = (_: unknown, { peer }: CallContext) => remoteOf<Api>(peer);
export const member = fleet.remote<Api>("ann");
export const members = fleet.all<Api>();
export const greeted = fleet.all<Api>().greet("Ann");
`;

const { version, exports, dependencies, peerDependencies } = JSON.parse(
  readFileSync(join(ROOT, "package.json"), "utf8"),
);
const entries = Object.keys(exports).filter((entry) => exports[entry].endsWith(".js"));
const consumers = [
  { name: "node", code: importing(entries), types: ["node"] },
  { name: "page", code: importing(entries.filter((entry) => !FOR_NODE.includes(entry))), types: [] },
  { name: "library", code: LIBRARY, types: ["node"], declaration: true },
];

/** A program that imports these entries. */
function importing(imported) {
  const lines = imported.map((entry, index) => `import * as entry${index} from "convoke${entry.slice(1)}";`);
  lines.push(`console.log(${imported.map((_, index) => `entry${index}`).join(", ")});`);
  return `${lines.join("\n")}\n`;
}

/** Unpacks what would be published into a folder that knows nothing of the repository, beside links to what it depends on. */
function install(folder) {
  const modules = join(folder, "node_modules");
  mkdirSync(join(modules, "convoke"), { recursive: true });
  run("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", folder], ROOT);
  run("tar", ["-xzf", `convoke-${version}.tgz`, "-C", join(modules, "convoke"), "--strip-components=1"], folder);
  for (const name of [...Object.keys(dependencies), ...Object.keys(peerDependencies), "@types/node"]) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(ROOT, "node_modules", name), join(modules, name));
  }
}

function run(command, args, cwd) {
  const { status, stderr, error } = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${error ?? stderr}`);
}

const folder = mkdtempSync(join(tmpdir(), "convoke-consumer-"));
let failed = 0;
try {
  install(folder);
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }\n');
  for (const { name, code, types, declaration = false } of consumers) {
    writeFileSync(join(folder, `${name}.ts`), code);
    const compilerOptions = {
      strict: true,
      ...(declaration ? { declaration, emitDeclarationOnly: true, outDir: "out", rootDir: "." } : { noEmit: true }),
      listFiles: true,
      module: "NodeNext",
      target: "ES2022",
      // Nothing later than the target: what the types need beyond it they must ask for themselves.
      lib: ["ES2022", "DOM"],
      types,
      skipLibCheck: false,
    };
    writeFileSync(join(folder, `${name}.json`), JSON.stringify({ compilerOptions, files: [`${name}.ts`] }));
    for (const compiler of COMPILERS) {
      const tsc = join(ROOT, "node_modules", compiler, "bin", "tsc");
      const { status, stdout, stderr } = spawnSync(process.execPath, [tsc, "-p", join(folder, `${name}.json`)], {
        cwd: folder,
        encoding: "utf8",
      });
      const isOfNode = (line) => types.length === 0 && line.includes("/@types/node/");
      const problems = stdout.split("\n").filter((line) => line.includes("error TS") || isOfNode(line));
      if (status === 0 && problems.length === 0) continue;
      failed++;
      console.log(`${name}, ${compiler}:\n${problems.join("\n")}\n${stderr}`);
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}
process.exit(failed === 0 ? 0 : 1);
