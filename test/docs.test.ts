/*
 * Every example of the README and of docs/ is run.
 *
 * ```ts        is type-checked, together with the page's other files; a first line `// name.ts` names it.
 * ```ts run    is also run; a ```text block right after it is what it must print, `…` being any rest of a line.
 * ```ts serve  is started, waited for until it prints a line, and stopped after the page's last example.
 * ```sh run    has lines that begin `npx convoke`; each must exit with 0.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import { type Block, blocksOf, isAsPrinted, pagesOf } from "./docs/page.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const COMMAND = join(ROOT, "dist/cli/main.js");

const OPTIONS: ts.CompilerOptions = {
  strict: true,
  skipLibCheck: true,
  module: ts.ModuleKind.NodeNext,
  target: ts.ScriptTarget.ES2022,
  lib: ["lib.es2023.d.ts", "lib.esnext.disposable.d.ts", "lib.dom.d.ts"],
  types: ["node"],
};

/** The pages that have examples. */
const pages = pagesOf(ROOT)
  .map((page) => [page, blocksOf(join(ROOT, page))] as const)
  .filter(([, blocks]) => blocks.some(({ language, tag }) => language === "ts" || tag === "run"));

describe.each(pages)("%s", (_, blocks) => {
  const code = blocks.filter(({ language }) => language === "ts");
  test("every example holds", { timeout: 60_000 }, async () => {
    await mkdir(join(ROOT, ".tmp"), { recursive: true });
    const folder = await mkdtemp(join(ROOT, ".tmp", "docs-"));
    const servers: ChildProcess[] = [];
    try {
      await compile(folder, code);
      for (const block of blocks) {
        if (block.tag === "serve") servers.push(await serving(join(folder, fileOf(block))));
        else if (block.tag === "run" && block.language === "ts") await runExample(folder, block, blocks);
        else if (block.tag === "run") for (const line of block.text.split("\n")) await runCommand(folder, line);
      }
    } finally {
      for (const server of servers) await stopped(server);
      await rm(folder, { recursive: true });
    }
  });
});

test("a printed text is compared line by line, and … is any rest of a line", () => {
  expect(isAsPrinted("a 1\nb (2)\n", "a …\nb (2)")).toBe(true);
  expect(isAsPrinted("a 1\nb 2\n", "a …")).toBe(false);
});

function fileOf({ name, line }: Block): string {
  return (name ?? `line-${line}.ts`).replace(/\.ts$/, ".js");
}

/** Writes, checks and compiles the code of a page. */
async function compile(folder: string, code: readonly Block[]): Promise<void> {
  const files = code.map((block) => join(folder, fileOf(block).replace(/\.js$/, ".ts")));
  for (const [index, file] of files.entries()) await writeFile(file, `${code[index]?.text ?? ""}\nexport {};\n`);
  const program = ts.createProgram(files, OPTIONS);
  const mistakes = ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => {
    return `${file?.fileName.replace(folder, "") ?? ""}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
  });
  expect(mistakes).toEqual([]);
  program.emit();
}

async function runExample(folder: string, block: Block, blocks: readonly Block[]): Promise<void> {
  const printed = await outputOf([join(folder, fileOf(block))], folder);
  const next = blocks[blocks.indexOf(block) + 1];
  if (next?.language !== "text") return;
  expect(isAsPrinted(printed, next.text), `line ${block.line} printed:\n${printed}`).toBe(true);
}

async function runCommand(folder: string, line: string): Promise<void> {
  const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? "");
  expect(words.slice(0, 2)).toEqual(["npx", "convoke"]);
  await outputOf([COMMAND, ...words.slice(2)], folder);
}

async function outputOf(args: readonly string[], cwd: string): Promise<string> {
  const child = spawn(process.execPath, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
  let printed = "";
  let complaints = "";
  child.stdout.on("data", (bytes: Buffer) => {
    printed += bytes.toString();
  });
  child.stderr.on("data", (bytes: Buffer) => {
    complaints += bytes.toString();
  });
  const [status] = (await once(child, "close")) as [number | null];
  expect(status, `${args.join(" ")}\n${printed}${complaints}`).toBe(0);
  return printed;
}

/** Starts a server and waits for its first line. */
async function serving(file: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [file], { stdio: ["ignore", "pipe", "inherit"] });
  for await (const __ of createInterface({ input: child.stdout })) return child;
  throw new Error(`${file} ended without a word`);
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill();
  await once(child, "exit");
}
