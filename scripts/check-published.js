// A consumer that imports every entry of the package, checked without skipLibCheck by the compiler that builds and by
// TypeScript 7.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./steps.js";

const COMPILERS = ["typescript", "typescript-7"];

const { exports } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
const entries = Object.entries(exports).filter(([, target]) => target.endsWith(".js"));
const lines = entries.map(([entry], index) => `import * as entry${index} from "convoke${entry.slice(1)}";`);
lines.push(`console.log(${entries.map((_, index) => `entry${index}`).join(", ")});`);

mkdirSync(join(ROOT, ".tmp"), { recursive: true });
const folder = mkdtempSync(join(ROOT, ".tmp", "consumer-"));
let failed = 0;
try {
  writeFileSync(join(folder, "consumer.ts"), `${lines.join("\n")}\n`);
  const compilerOptions = {
    strict: true,
    noEmit: true,
    module: "NodeNext",
    target: "ES2022",
    lib: ["ES2023", "ESNext.Disposable", "DOM"],
    types: ["node"],
    skipLibCheck: false,
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["consumer.ts"] }));
  for (const compiler of COMPILERS) {
    const tsc = join(ROOT, "node_modules", compiler, "bin", "tsc");
    const run = spawnSync(process.execPath, [tsc, "-p", folder], { cwd: ROOT, encoding: "utf8" });
    if (run.status === 0) continue;
    failed++;
    console.log(`${compiler}:\n${run.stdout}${run.stderr}`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
process.exit(failed === 0 ? 0 : 1);
