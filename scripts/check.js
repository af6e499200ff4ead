// npm run check: everything that CI does but interop. With --skip-tests: all of it but the tests themselves; with
// --report <file>: the counts as JSON.
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { runSteps } from "./steps.js";

const { values: flags } = parseArgs({ options: { "skip-tests": { type: "boolean" }, report: { type: "string" } } });
const TSC = "node_modules/typescript/bin/tsc";
const bin = (name) => `node_modules/.bin/${name}`;
const node = (name, ...args) => ({ name, command: process.execPath, args });

const steps = [
  node("build", "scripts/build.js"),
  { name: "format and lint", command: bin("biome"), args: ["check", "--error-on-warnings"] },
  node("types", TSC, "-p", "tsconfig.json"),
  node("types of the platform-free part, without Node's", TSC, "-p", "tsconfig.neutral.json"),
  node("check time of 500 typed methods", "scripts/check-types.js"),
  node("published types, also with TypeScript 7", "scripts/check-published.js"),
  node("exported names", "scripts/api.js", "--check"),
  { name: "dead code", command: bin("knip"), args: [] },
  node("size of the browser part", "scripts/size.js"),
  { name: "package: publint", command: bin("publint"), args: ["--strict"] },
  { name: "package: are the types right", command: bin("attw"), args: ["--pack", ".", "--profile", "esm-only"] },
];
if (flags["skip-tests"] !== true) {
  steps.push({ name: "tests, import rule and docs examples", command: bin("vitest"), args: ["run"] });
}

const { passed, failed } = runSteps(steps);
if (flags.report !== undefined) writeFileSync(flags.report, JSON.stringify({ passed, failed, skipped: 0 }));
console.log(`check: ${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
