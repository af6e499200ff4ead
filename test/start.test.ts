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
  expect(calls.length).toBeGreaterThanOrEqual(7);
  const shown = lines
    .slice(
      0,
      lines.findIndex((line) => line.startsWith("Calls to paste")),
    )
    .map((line) => line.trim());
  for (const wire of ["native", "jsonrpc", "lsp"]) expect(shown.join("\n")).toMatch(new RegExp(`^\\w+ +${wire} `, "m"));
  expect(shown).toContain("ann greets npm start");
  for (const name of ["ann", "bob", "cid"]) expect(shown).toContain(`${name}: ${name} greets npm start`);
  const pastes = new Map<string, string>();
  for (const call of calls) {
    const began = performance.now();
    const { status, printed } = await pasted(call);
    expect(status, call).toBe(0);
    expect(printed.trim(), call).not.toBe("");
    expect(performance.now() - began, call).toBeLessThan(10_000);
    pastes.set(/convoke agents|--agent|--all/.exec(call)?.[0] ?? call, printed);
  }
  expect(pastes.get("convoke agents")?.trim().split("\n")).toHaveLength(4);
  expect(pastes.get("--agent")).toBe('"ann greets you"\n');
  expect(pastes.get("--all")?.trim().split("\n").sort()).toEqual(['ann\t"ann greets you"', 'bob\t"bob greets you"']);
  const sockets = new Set(Array.from(lines.join("\n").matchAll(/unix:(\S+)/g), ([, path = ""]) => path));
  expect(sockets.size).toBe(2);
  for (const socket of sockets) expect(existsSync(socket), socket).toBe(true);
  server.kill("SIGINT");
  expect(await once(server, "exit")).toEqual([0, null]);
  for (const socket of sockets) expect(existsSync(socket), socket).toBe(false);
});
