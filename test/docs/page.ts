import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** One fenced block of a page: its language, its tag, the name in its first line, and its text. */
export interface Block {
  readonly language: string;
  /** `run`, `serve`, or nothing. */
  readonly tag: string;
  /** From a first line `// name.ts`. */
  readonly name: string | undefined;
  readonly text: string;
  /** Where it begins, for messages. */
  readonly line: number;
}

/** The README and every page under docs, by their paths from the root. */
export function pagesOf(root: string): string[] {
  const docs = readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" });
  return ["README.md", ...docs.filter((name) => name.endsWith(".md")).map((name) => join("docs", name))].sort();
}

/** The fenced blocks of a page, in order. */
export function blocksOf(file: string): Block[] {
  const blocks: Block[] = [];
  const lines = readFileSync(file, "utf8").split("\n");
  for (let at = 0; at < lines.length; at++) {
    const fence = /^```(\w+)[ ]?(\w*)$/.exec(lines[at] ?? "");
    if (fence === null) continue;
    const end = lines.indexOf("```", at + 1);
    const text = lines.slice(at + 1, end).join("\n");
    const name = /^\/\/ (\S+\.ts)$/.exec(lines[at + 1] ?? "")?.[1];
    blocks.push({ language: fence[1] ?? "", tag: fence[2] ?? "", name, text, line: at + 1 });
    at = end;
  }
  return blocks;
}

/** Whether a program printed what the page says; `…` stands for any rest of a line. */
export function isAsPrinted(printed: string, wanted: string): boolean {
  const pattern = wanted
    .trimEnd()
    .split("\n")
    .map((line) => line.split("…").map(escaped).join(".*"))
    .join("\n");
  return new RegExp(`^${pattern}$`).test(printed.trimEnd());
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
