/*
 * The command lines of docs/bridge.md are run: a bridge is started and stopped at the end, whatever else stands in a block is
 * run to its end, and a text block right after it is what it prints. Ports are moved, because docs.test.ts runs the page, too.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Block, blocksOf, isAsPrinted } from "./docs/page.ts";
import { COMMAND } from "./suites/command.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const MODULES = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };

const blocks = blocksOf(join(ROOT, "docs/bridge.md")).map((block) => ({ ...block, text: moved(block.text) }));
const running: Started[] = [];
let folder: string;

beforeAll(async () => {
  await mkdir(join(ROOT, ".tmp"), { recursive: true });
  folder = await mkdtemp(join(ROOT, ".tmp", "bridge-"));
});

afterAll(async () => {
  for (const each of running.reverse()) await each.stop();
  await rm(folder, { recursive: true });
});

test("docs/bridge.md: its command lines do what it says", { timeout: 60_000 }, async () => {
  for (const [index, block] of blocks.entries()) {
    const { language, name, tag, text } = block;
    if (language === "ts" && name !== undefined) {
      const file = join(folder, name.replace(/\.ts$/, ".js"));
      await writeFile(file, ts.transpileModule(text, { compilerOptions: MODULES }).outputText);
      if (tag === "serve") running.push(await started("node", [file], "stdout", /\n/));
    } else if (language === "sh") await runBlock(block, blocks[index + 1]);
  }
});

async function runBlock({ text, line }: Block, next: Block | undefined): Promise<void> {
  let printed = "";
  for (const each of text.split("\n")) {
    const [program = "", ...args] = wordsOf(each);
    if (program === "npx" && args[1] === "bridge") {
      const listens = new RegExp(`(Listening on .*\\n){${args.filter((word) => word === "--listen").length}}`);
      running.push(await started("node", [COMMAND, ...args.slice(1)], "stderr", listens));
    } else if (args.includes("-N")) {
      // It reads events until it is stopped; that it gets headers is what can be seen.
      running.push(await started(program, [...args, "-v"], "stderr", /^< content-type: text\/event-stream/im));
    } else printed += await outputOf(program, args);
  }
  if (next?.language === "text")
    expect(isAsPrinted(printed, next.text), `line ${line} printed:\n${printed}`).toBe(true);
}

/** A result of curl has no newline at its end. */
async function outputOf(program: string, args: readonly string[]): Promise<string> {
  const isOurs = program === "npx";
  const child = await started(isOurs ? "node" : program, isOurs ? [COMMAND, ...args.slice(1)] : args, "stdout", /$/);
  const [status] = await child.ended;
  expect(status, `${program} ${args.join(" ")}`).toBe(0);
  return child.printed().replace(/\n?$/, "\n");
}

interface Started {
  readonly ended: Promise<unknown[]>;
  printed(): string;
  stop(): Promise<void>;
}

/** Starts a program, and waits until it prints what is wanted. */
async function started(
  program: string,
  args: readonly string[],
  stream: "stdout" | "stderr",
  wanted: RegExp,
): Promise<Started> {
  const child = spawn(program === "node" ? process.execPath : program, args, { cwd: folder, stdio: "pipe" });
  const ended = once(child, "close");
  let printed = "";
  child[stream].on("data", (bytes: Buffer) => {
    printed += bytes.toString();
  });
  while (!wanted.test(printed)) {
    const more = once(child[stream], "data").then(() => true);
    if (!(await Promise.race([more, ended.then(() => false)]))) throw new Error(`${args.join(" ")}: ${printed}`);
  }
  return {
    ended,
    printed: () => printed,
    async stop() {
      if (child.exitCode === null) child.kill();
      await ended;
    },
  };
}

function wordsOf(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? "");
}

function moved(text: string): string {
  return text.replace(/127\.0\.0\.1:70(\d\d)/g, "127.0.0.1:71$1");
}
