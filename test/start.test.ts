import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import net from "node:net";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { WebSocket } from "ws";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const COMMAND = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));
const START = fileURLToPath(new URL("../examples/start.js", import.meta.url));

const SUM = '{"jsonrpc":"2.0","id":1,"result":3}';

/** Runs a printed line as a shell would, with the command of this build in place of `npx convoke`. */
async function pasted(line: string): Promise<{ status: number | null; printed: string }> {
  const command = line.replace(/^npx convoke/, `'${process.execPath}' '${COMMAND}'`);
  const child = spawn("/bin/sh", ["-c", command], { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  let printed = "";
  child.stdout.on("data", (bytes: Buffer) => (printed += bytes.toString()));
  const [status] = (await once(child, "close")) as [number | null];
  return { status, printed };
}

function has(program: string): boolean {
  return spawnSync("/bin/sh", ["-c", `command -v ${program}`]).status === 0;
}

/** Does what the line for curl does. */
async function posted(line: string): Promise<string> {
  if (has("curl")) return (await pasted(line)).printed;
  const [, url = "", type = "", body = ""] = /^curl (\S+) -H 'Content-Type: (\S+)' -d '(.*)'$/.exec(line) ?? [];
  return (await fetch(url, { method: "POST", headers: { "content-type": type }, body })).text();
}

/** Does what the line for nc does, and ends its half too. */
async function said(line: string): Promise<string> {
  const [, record = "", host = "", port = ""] = /^echo '(.*)' \| nc -w 1 (\S+) (\d+)$/.exec(line) ?? [];
  const socket = net.connect({ host, port: Number(port) });
  socket.end(`${record}\n`);
  return text(socket);
}

/** Runs a line for the console of a browser that shows the page `at`, and gives what it logs. */
async function inConsole(line: string, at: string): Promise<string> {
  const sockets: WebSocket[] = [];
  class PageSocket extends WebSocket {
    constructor(url: string) {
      super(url, { origin: at.replace(/\/$/, "") });
      sockets.push(this);
    }
  }
  const ask = (path: string, init: RequestInit): Promise<Response> => {
    return fetch(new URL(path, at), { ...init, headers: { ...init.headers, Origin: at.replace(/\/$/, "") } });
  };
  const logged = await new Promise<string>((log) => {
    const run = new Function("fetch", "WebSocket", "console", "s", line);
    run(ask, PageSocket, { log });
  });
  for (const socket of sockets) socket.terminate();
  return logged;
}

test("npm start serves, prints calls that work when pasted, and drains on Ctrl-C", { timeout: 60_000 }, async () => {
  const server = spawn(process.execPath, [START], { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
  const lines: string[] = [];
  for await (const line of createInterface({ input: server.stdout })) {
    lines.push(line);
    if (line.startsWith("Ctrl-C")) break;
  }
  const calls = lines.filter((line) => line.startsWith("npx convoke"));
  expect(calls.length).toBeGreaterThanOrEqual(10);
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
  const lineOf = (start: RegExp): string => lines.find((line) => start.test(line)) ?? "";
  const [page = ""] = /http:\/\/\S+\/(?= says)/.exec(lineOf(/^In a browser/)) ?? [];
  expect(await posted(lineOf(/^curl/))).toBe(SUM);
  expect(await said(lineOf(/^echo/))).toBe(`${SUM}\n`);
  expect(await inConsole(lineOf(/^fetch/), page)).toBe(SUM);
  expect(await inConsole(lineOf(/new WebSocket/), page)).toBe(SUM);
  const shownPage = await fetch(page, { headers: { accept: "text/html,application/xhtml+xml,*/*;q=0.8" } });
  expect(await shownPage.text()).toMatch(
    /^This is Convoke: .*\n\n {2}native\n {2}jsonrpc\n {2}lsp\n {2}HTTP at \/rpc\n {2}WebSocket at \/ws\n$/,
  );
  const sockets = new Set(Array.from(lines.join("\n").matchAll(/unix:(\S+)/g), ([, path = ""]) => path));
  expect(sockets.size).toBe(1);
  for (const socket of sockets) expect(existsSync(socket), socket).toBe(true);
  server.kill("SIGINT");
  expect(await once(server, "exit")).toEqual([0, null]);
  for (const socket of sockets) expect(existsSync(socket), socket).toBe(false);
});
