// npm run check:types: how long the compiler takes over a table of 500 methods and a call of each through Remote.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { ROOT } from "./steps.js";

const METHODS = 500;
const PER_SERVICE = 25;
const LIMIT_MS = 3000;

/** A module with the handlers, and one that calls each of them. */
function sources() {
  const services = [];
  const calls = [];
  for (let service = 0; service < METHODS / PER_SERVICE; service++) {
    const methods = [];
    for (let method = 0; method < PER_SERVICE; method++) {
      const result = method % 2 === 0 ? "number" : "string";
      const value = method % 2 === 0 ? "a + b.length" : "`${a}${b}`";
      methods.push(`m${method}: ${method % 3 === 0 ? "async " : ""}({ a, b }: { a: number; b: string }) => ${value}`);
      calls.push(
        `const r${service}x${method}: ${result} = await remote.s${service}.m${method}({ a: ${method}, b: "x" });`,
      );
      calls.push(`console.log(r${service}x${method});`);
    }
    services.push(`s${service}: { ${methods.join(", ")} }`);
  }
  return {
    "handlers.ts": `export const handlers = { ${services.join(",\n")} };\nexport type Api = typeof handlers;\n`,
    "calls.ts": `import type { Remote } from "convoke";\nimport type { Api } from "./handlers.js";\ndeclare const remote: Remote<Api>;\n${calls.join("\n")}\nexport {};\n`,
  };
}

mkdirSync(join(ROOT, ".tmp"), { recursive: true });
const folder = mkdtempSync(join(ROOT, ".tmp", "types-"));
try {
  for (const [name, text] of Object.entries(sources())) writeFileSync(join(folder, name), text);
  const options = {
    strict: true,
    noEmit: true,
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    lib: ["lib.es2023.d.ts", "lib.dom.d.ts"],
    types: [],
    skipLibCheck: true,
  };
  const program = ts.createProgram([join(folder, "calls.ts")], options);
  program.getGlobalDiagnostics();
  const began = performance.now();
  const diagnostics = program.getSemanticDiagnostics();
  const ms = performance.now() - began;
  for (const { messageText } of diagnostics.slice(0, 5))
    console.log(ts.flattenDiagnosticMessageText(messageText, "\n"));
  console.log(
    `${METHODS} methods and as many calls: checked in ${(ms / 1000).toFixed(2)} s, at most ${LIMIT_MS / 1000} s`,
  );
  process.exitCode = diagnostics.length === 0 && ms <= LIMIT_MS ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true });
}
