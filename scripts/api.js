// npm run api: writes api.txt, the exported names of every entry with their kinds. With --check: compares, and prints
// the difference, because a change of the public names is a decision.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { ROOT } from "./steps.js";

const FILE = join(ROOT, "api.txt");

/** The entries of the package that are code. */
function entries() {
  const { exports } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  return Object.entries(exports).filter(([, target]) => target.endsWith(".js"));
}

function kindOf(symbol, checker) {
  const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const kinds = [
    [ts.SymbolFlags.Class, "class"],
    [ts.SymbolFlags.Function, "function"],
    [ts.SymbolFlags.Variable, "const"],
    [ts.SymbolFlags.Interface, "interface"],
    [ts.SymbolFlags.TypeAlias, "type"],
  ];
  return kinds.find(([flag]) => target.flags & flag)?.[1] ?? "other";
}

/** What users can do with a class or an interface: the names of its members. */
function membersOf(symbol, checker) {
  const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  if (!(target.flags & (ts.SymbolFlags.Class | ts.SymbolFlags.Interface))) return "";
  const names = [];
  for (const [name, member] of target.members ?? []) {
    const isHidden = name.startsWith("#") || name.startsWith("__") || member.flags & ts.SymbolFlags.TypeParameter;
    if (!isHidden) names.push(name);
  }
  return names.length === 0 ? "" : ` { ${names.sort().join(", ")} }`;
}

function snapshot() {
  const files = entries().map(([, target]) => join(ROOT, target.replace(/\.js$/, ".d.ts")));
  const program = ts.createProgram(files, {
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    types: ["node"],
  });
  const checker = program.getTypeChecker();
  const lines = [];
  for (const [index, [entry]] of entries().entries()) {
    const module = checker.getSymbolAtLocation(program.getSourceFile(files[index]));
    lines.push(entry === "." ? "convoke" : `convoke${entry.slice(1)}`);
    const names = checker.getExportsOfModule(module).map((symbol) => {
      return `  ${kindOf(symbol, checker)} ${symbol.name}${membersOf(symbol, checker)}`;
    });
    lines.push(...names.sort(), "");
  }
  return lines.join("\n");
}

const now = snapshot();
if (!process.argv.includes("--check")) writeFileSync(FILE, now);
else {
  const before = existsSync(FILE) ? readFileSync(FILE, "utf8") : "";
  const had = new Set(before.split("\n"));
  const has = new Set(now.split("\n"));
  for (const line of had) if (!has.has(line)) console.log(`- ${line}`);
  for (const line of has) if (!had.has(line)) console.log(`+ ${line}`);
  if (before !== now)
    console.log("The exported names have changed. If that is meant: npm run api, and a line in CHANGELOG.md");
  process.exit(before === now ? 0 : 1);
}
