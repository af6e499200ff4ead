// Consumers of the package, checked without skipLibCheck by the compiler that builds and by TypeScript 7: a program for
// Node that imports every entry, and a page that imports those that need nothing of Node, and has no types of it.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./steps.js";

const COMPILERS = ["typescript", "typescript-7"];
const FOR_NODE = ["./node", "./grpc"];

const { exports } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
const entries = Object.keys(exports).filter((entry) => exports[entry].endsWith(".js"));
const consumers = [
  { name: "node", imports: entries, types: ["node"] },
  { name: "page", imports: entries.filter((entry) => !FOR_NODE.includes(entry)), types: [] },
];

mkdirSync(join(ROOT, ".tmp"), { recursive: true });
const folder = mkdtempSync(join(ROOT, ".tmp", "consumer-"));
let failed = 0;
try {
  for (const { name, imports, types } of consumers) {
    const lines = imports.map((entry, index) => `import * as entry${index} from "convoke${entry.slice(1)}";`);
    lines.push(`console.log(${imports.map((_, index) => `entry${index}`).join(", ")});`);
    writeFileSync(join(folder, `${name}.ts`), `${lines.join("\n")}\n`);
    const compilerOptions = {
      strict: true,
      noEmit: true,
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
      const run = spawnSync(process.execPath, [tsc, "-p", join(folder, `${name}.json`)], {
        cwd: ROOT,
        encoding: "utf8",
      });
      const isOfNode = (line) => types.length === 0 && line.includes("/@types/node/");
      const problems = run.stdout.split("\n").filter((line) => line.includes("error TS") || isOfNode(line));
      if (run.status === 0 && problems.length === 0) continue;
      failed++;
      console.log(`${name}, ${compiler}:\n${problems.join("\n")}\n${run.stderr}`);
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}
process.exit(failed === 0 ? 0 : 1);
