import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { serve } from "../src/node.ts";
import { COMMAND, convoke, HANDLERS, Program } from "./suites/command.ts";
import { deferred } from "./suites/support.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "convoke-cli-signals-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** A program on stdio that writes its pid to a file, runs `code`, and stays. */
async function tool(name: string, code = ""): Promise<{ exec: string; pid: () => Promise<number> }> {
  const [file, mark] = [join(folder, `${name}.cjs`), join(folder, `${name}.pid`)];
  await writeFile(
    file,
    `const fs = require("fs");
    process.stdin.on("end", () => {}).resume();
    setInterval(() => {}, 1000);
    ${code}
    fs.writeFileSync(${JSON.stringify(`${mark}~`)}, String(process.pid));
    fs.renameSync(${JSON.stringify(`${mark}~`)}, ${JSON.stringify(mark)});`,
  );
  const pid = async (): Promise<number> => {
    await expect.poll(() => existsSync(mark), { timeout: 10_000 }).toBe(true);
    return Number(await readFile(mark, "utf8"));
  };
  return { exec: `exec:${process.execPath} ${file}`, pid };
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** A command in a process group of its own, as a shell starts it: Ctrl-C goes to all of the group. */
function foreground(...args: string[]): { child: ChildProcess; ended: Promise<number>; printed: () => string } {
  const child = spawn(process.execPath, [COMMAND, ...args], { detached: true, stdio: ["ignore", "ignore", "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  let printed = "";
  child.stderr?.on("data", (bytes: Buffer) => (printed += bytes.toString()));
  const ended = once(child, "exit").then(([status]) => status as number);
  return { child, ended, printed: () => printed };
}

describe.skipIf(process.platform === "win32")("Ctrl-C in a terminal, to a bridge in front of a program", () => {
  test("lets the program answer what it was asked", async () => {
    const began = join(folder, "slow.began");
    const { exec } = await tool(
      "slow",
      `process.stdin.once("data", (line) => {
        fs.writeFileSync(${JSON.stringify(began)}, "");
        const { id } = JSON.parse(line);
        setTimeout(() => console.log(JSON.stringify({ jsonrpc: "2.0", id, result: "done" })), 500);
      });`,
    );
    const bridge = foreground("bridge", "--listen", "http://127.0.0.1:0/", "--to", exec);
    await expect.poll(bridge.printed, { timeout: 10_000 }).toMatch(/Listening on http/);
    const url = /Listening on (http\S+)/.exec(bridge.printed())?.[1] ?? "";
    const answer = fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "slow" }),
    });
    await expect.poll(() => existsSync(began), { timeout: 10_000 }).toBe(true);
    process.kill(-(bridge.child.pid ?? 0), "SIGINT");
    expect(await (await answer).json()).toEqual({ jsonrpc: "2.0", id: 1, result: "done" });
    expect(await bridge.ended).toBe(0);
  });

  test("leaves the program the time to clean up at the end of its input", async () => {
    const mark = join(folder, "cleaned");
    const { exec, pid } = await tool(
      "cleaning",
      `process.stdin.on("end", () => setTimeout(() => {
        fs.writeFileSync(${JSON.stringify(mark)}, "");
        process.exit(0);
      }, 500));`,
    );
    const bridge = foreground("bridge", "--listen", "http://127.0.0.1:0/", "--to", exec);
    await expect.poll(bridge.printed, { timeout: 10_000 }).toMatch(/Listening on http/);
    await pid();
    process.kill(-(bridge.child.pid ?? 0), "SIGINT");
    expect([await bridge.ended, existsSync(mark)]).toEqual([0, true]);
  });
});

describe("a signal to a command that has started a program", () => {
  test.each([
    ["SIGTERM", 143, "call", []],
    ["SIGHUP", 129, "call", ["--wait"]],
    ["SIGINT", 130, "call", []],
    ["SIGTERM", 143, "bench", []],
  ] as const)("%s ends both, with %i: %s", async (signal, status, command, flags) => {
    const { exec, pid } = await tool(`orphan-${signal}-${command}`);
    await using program = new Program([command, ...flags, exec, "x"]);
    const child = await pid();
    program.child.kill(signal);
    expect((await program.ended).status).toBe(status);
    await expect.poll(() => isRunning(child), { timeout: 10_000 }).toBe(false);
  });

  test("SIGHUP lets a bridge drain, and the program ends, too", async () => {
    const { exec, pid } = await tool("hung-up", `process.stdin.on("end", () => process.exit(0));`);
    await using program = new Program(["bridge", "--listen", "tcp://127.0.0.1:0", "--to", exec]);
    await program.listens();
    const child = await pid();
    program.child.kill("SIGHUP");
    expect(await program.ended).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/^Draining/m) as string,
    });
    expect(isRunning(child)).toBe(false);
  });
});

describe("SIGHUP to convoke serve", () => {
  test("lets running calls end, also when it comes twice, as it does from a terminal that is closed", async () => {
    const module = join(folder, "hangup.js");
    await writeFile(
      module,
      `export const handlers = {
        slow: async (_, { peer }) => {
          await peer.notify("began");
          return new Promise((resolve) => setTimeout(() => resolve("done"), 500));
        },
      };`,
    );
    await using program = new Program(["serve", module, "--listen", "tcp://127.0.0.1:0"]);
    await using calling = new Program(["call", await program.listens(), "--wait", "slow"]);
    await calling.prints("stdout", /began/);
    program.child.kill("SIGHUP");
    await program.prints("stderr", /Draining/);
    program.child.kill("SIGHUP");
    expect((await program.ended).status).toBe(0);
    expect((await calling.ended).stdout).toContain('"done"\n');
  });
});

describe("the first Ctrl-C", () => {
  const never = (): Promise<never> => new Promise(() => {});

  test.each([
    ["call --wait", "hang", ["call", "--wait"], ["hang"]],
    ["agents --watch", "fleet.watch", ["agents", "--watch"], []],
  ] as const)("ends %s at once while its request is unanswered", async (_, method, before, after) => {
    const asked = deferred<void>();
    const hang = (): Promise<never> => {
      asked.resolve();
      return never();
    };
    await using server = await serve("tcp://127.0.0.1:0", { handlers: { [method]: hang }, logger: false });
    await using program = new Program([...before, server.addresses[0] ?? "", ...after]);
    await asked.promise;
    expect(await program.interrupt()).toEqual({ status: 130, stdout: "", stderr: "" });
    await server.close({ graceMs: 0 });
  });

  test("ends call --wait at once while it dials", async () => {
    const { exec, pid } = await tool("says-no-hello");
    await using program = new Program(["call", "--wait", "--wire", "native", exec, "x"]);
    await pid();
    expect((await program.interrupt()).status).toBe(130);
  });

  test("of what call --wait waits for is the end that was asked for", async () => {
    await using server = new Program(["serve", HANDLERS, "--listen", "tcp://127.0.0.1:0"]);
    const tcp = await server.listens();
    await using program = new Program(["call", tcp, "--wait", "push"]);
    await program.prints("stdout", /pushed/);
    expect((await program.interrupt()).status).toBe(0);
    expect((await convoke("call", tcp, "math.add", '{"a":1,"b":2}')).stdout).toBe("3\n");
  });
});
