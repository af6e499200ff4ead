import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const COMMAND = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));
const START = fileURLToPath(new URL("../examples/start.js", import.meta.url));

/** Runs a printed line as a shell would, with the command of this build in place of `npx convoke`. */
async function pasted(line: string): Promise<{ status: number | null; printed: string }> {
  const command = line.replace(/^npx convoke/, `'${process.execPath}' '${COMMAND}'`);
  const child = spawn("/bin/sh", ["-c", command], { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  let printed = "";
  child.stdout.on("data", (bytes: Buffer) => (printed += bytes.toString()));
  const [status] = (await once(child, "close")) as [number | null];
  return { status, printed };
}

test("npm start serves, prints calls that work when pasted, and drains on Ctrl-C", { timeout: 60_000 }, async () => {
  const server = spawn(process.execPath, [START], { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
  const lines: string[] = [];
  for await (const line of createInterface({ input: server.stdout })) {
    lines.push(line);
    if (line.startsWith("Ctrl-C")) break;
  }
  const calls = lines.filter((line) => line.startsWith("npx convoke"));
  expect(calls.length).toBeGreaterThanOrEqual(4);
  for (const call of calls) {
    const began = performance.now();
    const { status, printed } = await pasted(call);
    expect(status, call).toBe(0);
    expect(printed.trim(), call).not.toBe("");
    expect(performance.now() - began, call).toBeLessThan(10_000);
  }
  const socket = /unix:(\S+)/.exec(lines.join("\n"))?.[1] ?? "";
  expect(existsSync(socket)).toBe(true);
  server.kill("SIGINT");
  expect(await once(server, "exit")).toEqual([0, null]);
  expect(existsSync(socket)).toBe(false);
});
