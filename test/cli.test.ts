import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { native, serve } from "../src/node.ts";
import { COMMAND, convoke, HANDLERS, Program } from "./suites/command.ts";

let server: Program;
let folder: string;
let tcp: string;
let unix: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "convoke-cli-"));
  unix = `unix:${join(folder, "app.sock")}`;
  server = new Program(["serve", HANDLERS, "--listen", "tcp://127.0.0.1:0", "--listen", unix]);
  tcp = await server.listens("tcp");
});

afterAll(async () => {
  expect((await server.interrupt()).status).toBe(0);
  await rm(folder, { recursive: true });
});

describe("convoke call", () => {
  test("prints a result as one line of JSON and exits with 0", async () => {
    expect(await convoke("call", tcp, "math.add", '{"a":1,"b":2}')).toEqual({ status: 0, stdout: "3\n", stderr: "" });
  });

  test("takes a bare host:port and a bare path", async () => {
    expect((await convoke("call", tcp.replace("tcp://", ""), "math.add", '{"a":1,"b":2}')).stdout).toBe("3\n");
    expect((await convoke("call", unix.replace("unix:", ""), "math.add", '{"a":1,"b":2}')).stdout).toBe("3\n");
  });

  test("makes several calls, and stops at the first that fails", async () => {
    const run = await convoke("call", tcp, "math.add", '{"a":1,"b":2}', "nope", "", "math.add", '{"a":1,"b":2}');
    expect(run).toEqual({
      status: 1,
      stdout: "3\n",
      stderr: expect.stringMatching(/^unimplemented \(-32601\): .+\n$/) as string,
    });
  });

  test("shows every failure of a batch", async () => {
    const run = await convoke("call", tcp, "--batch", "nope", "", "math.add", '{"a":1,"b":2}', "nada");
    expect(run.status).toBe(1);
    expect(run.stdout).toBe("3\n");
    expect(run.stderr.match(/^unimplemented/gm)).toHaveLength(2);
  });

  test("calls the same method with many params, again and again", async () => {
    const run = await convoke(
      "call",
      tcp,
      "--same-method",
      "--repeat",
      "2",
      "math.add",
      '{"a":1,"b":2}',
      '{"a":3,"b":4}',
    );
    expect(run).toMatchObject({ status: 0, stdout: "3\n7\n3\n7\n" });
  });

  test("indents, times and prints errors as objects when asked", async () => {
    const run = await convoke("call", tcp, "--indent", "--timing", "--errors", "math.add", '{"a":1,"b":2}', "nope");
    expect(run.status).toBe(1);
    expect(run.stdout).toMatch(/^3\n\{\n {2}"error": \{\n {4}"code": "unimplemented"/);
    expect(run.stderr).toMatch(/^math\.add: [\d.]+ ms\nnope: [\d.]+ ms\ntotal: [\d.]+ ms\n$/);
  });

  test("sends notifications", async () => {
    expect(await convoke("call", tcp, "--notify", "math.add", '{"a":1,"b":2}')).toEqual({
      status: 0,
      stdout: "",
      stderr: "",
    });
  });

  test("gives up after --timeout-ms", async () => {
    const run = await convoke("call", tcp, "--timeout-ms", "100", "wait");
    expect(run).toMatchObject({
      status: 1,
      stdout: "",
      stderr: expect.stringMatching(/^deadline_exceeded: /) as string,
    });
  });

  test("tells no secrets of a failed handler", async () => {
    const run = await convoke("call", tcp, "fail");
    expect(run).toMatchObject({ status: 1, stderr: expect.stringMatching(/^internal \(-32603\): /) as string });
    expect(run.stderr).not.toContain("secret");
  });

  test("waits for what the server pushes until Ctrl-C", async () => {
    await using program = new Program(["call", tcp, "--wait", "push"]);
    await program.prints("stdout", /\n.*\n/);
    expect(await program.interrupt()).toMatchObject({
      status: 0,
      stdout: '{"method":"news","params":{"n":1}}\n"pushed"\n',
    });
  });

  test("starts a program and speaks with it", async () => {
    const exec = `exec:${process.execPath} ${COMMAND} serve ${HANDLERS} --listen stdio: --wire lsp`;
    const run = await convoke("call", exec, "--wire", "lsp", "math.add", '{"a":20,"b":22}');
    expect(run).toMatchObject({ status: 0, stdout: "42\n" });
  });

  test("reads params from a file and from stdin", async () => {
    const file = join(folder, "params.json");
    await writeFile(file, '\ufeff{ "a": 1,\n "b": 2 }\n');
    await using program = new Program(["call", tcp, "math.add", `@${file}`, "math.add", "-"]);
    program.child.stdin?.end('{"a":3,"b":4}\n');
    expect(await program.ended).toEqual({ status: 0, stdout: "3\n7\n", stderr: "" });
    const bench = await convoke("bench", tcp, "math.add", `@${file}`, "--seconds", "0.1", "--warm-up", "0", "--json");
    expect(bench).toMatchObject({ status: 0, stdout: expect.stringMatching(/"errors":\{\}/) as string });
  });

  test("says why the params of a file or of stdin cannot be read", async () => {
    await using program = new Program(["call", tcp, "math.add", "-"]);
    program.child.stdin?.end();
    expect(await program.ended).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/^error: Cannot read the params of "math\.add": .*JSON input\n/) as string,
    });
  });

  test("takes its wire from the environment", async () => {
    const exec = `exec:${process.execPath} ${COMMAND} serve ${HANDLERS} --listen stdio:`;
    await using program = new Program(["call", exec, "math.add", '{"a":20,"b":22}'], { CONVOKE_WIRE: "raw" });
    expect(await program.ended).toMatchObject({ status: 0, stdout: "42\n" });
  });

  test("prints what JSON has no form for as what comes nearest to it", async () => {
    const values = { big: () => 2n ** 70n, map: () => new Map([[1, "one"]]), bytes: () => Uint8Array.of(1, 2, 3) };
    await using server = await serve("tcp://127.0.0.1:0", { wire: native(), handlers: values });
    const run = await convoke("call", server.addresses[0] ?? "", "--wire", "native", "big", "", "map", "", "bytes");
    expect(run).toEqual({ status: 0, stdout: '"1180591620717411303424"\n[[1,"one"]]\n"AQID"\n', stderr: "" });
  });

  test("says that nobody listens", async () => {
    const run = await convoke("call", unix.replace("app.sock", "none.sock"), "math.add");
    expect(run).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^unavailable: Cannot connect to unix:.+\n$/) as string,
    });
  });
});

describe("convoke serve --stats", () => {
  test("prints a line for a second in which something happened, and a summary at the end", async () => {
    await using program = new Program(["serve", HANDLERS, "--listen", "tcp://127.0.0.1:0", "--stats"]);
    const run = await convoke(
      "call",
      await program.listens(),
      "math.add",
      '{"a":1,"b":2}',
      "math.add",
      '{"a":1,"b":2}',
      "nope",
    );
    expect(run.status).toBe(1);
    await program.prints(
      "stderr",
      /^\d+ calls\/s, \d+ errors\/s, handlers p50 [\d.]+ ms p99 [\d.]+ ms, \d+ B\/s in, \d+ B\/s out, 0 running, \d connections$/m,
    );
    const { stderr } = await program.interrupt();
    expect(stderr.trim().split("\n").slice(-4)).toEqual([
      expect.stringMatching(/^In [\d.]+ s: 3 calls, 0 notifications, 3 replies, 1 errors \(unimplemented 1\)$/),
      expect.stringMatching(/^Handlers: average [\d.]+ ms, p50 .+ ms, p90 .+ ms, p99 .+ ms, max [\d.]+ ms$/),
      expect.stringMatching(/^Bytes: \d+ in [123] reads, \d+ in [123] writes$/),
      "Connections: 1 came, 0 were refused, 0 broke",
    ]);
  });
});

describe("convoke serve", () => {
  test("speaks several wires at one port", async () => {
    const wires = ["native", "jsonrpc", "lsp"];
    const flags = wires.flatMap((wire) => ["--wire", wire]);
    await using program = new Program(["serve", HANDLERS, "--listen", "tcp://127.0.0.1:0", ...flags]);
    const address = await program.listens();
    for (const wire of wires) {
      expect((await convoke("call", address, "--wire", wire, "math.add", '{"a":1,"b":2}')).stdout).toBe("3\n");
    }
    const run = await convoke("serve", HANDLERS, "--listen", "ws://127.0.0.1:0", ...flags);
    expect(run).toMatchObject({ status: 2, stderr: expect.stringMatching(/^error: Only tcp:\/\/.+--wire/) as string });
  });

  test("ends on Ctrl-C, also when the module has timers", async () => {
    const module = join(folder, "timers.js");
    await writeFile(module, "setInterval(() => {}, 1000);\nexport default { now: () => Date.now() };\n");
    await using program = new Program(["serve", module, "--listen", "tcp://127.0.0.1:0"]);
    await program.listens();
    expect((await program.interrupt()).status).toBe(0);
  });

  const ADD = "{ add: ({ a, b }) => a + b }";
  test.each([
    ["an object with handlers", "a.cjs", `module.exports = { handlers: { math: ${ADD} } };`],
    ["names that Node finds", "b.cjs", `exports.handlers = { math: ${ADD} };`],
    ["an object of functions", "c.cjs", `module.exports = { math: ${ADD} };`],
    ["a default of a compiler", "d.cjs", `exports.__esModule = true; exports.default = { math: ${ADD} };`],
    [
      "an ES module that calls a service handlers",
      "e.mjs",
      `export default { handlers: { math: ${ADD} } };`,
      "handlers.",
    ],
  ])("finds the handlers of a module: %s", async (_, name, code, prefix = "") => {
    const module = join(folder, name);
    await writeFile(module, code);
    await using program = new Program(["serve", module, "--listen", "tcp://127.0.0.1:0"]);
    const run = await convoke("call", await program.listens(), `${prefix}math.add`, '{"a":1,"b":2}', "rpc.serverInfo");
    expect(run).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^3\n.*"methods":\["[a-z.]*math\.add"/) as string,
    });
  });

  test("ends in order when nobody reads its stdio link any more", async () => {
    await using program = new Program(["serve", HANDLERS, "--listen", "stdio:"]);
    await program.listens();
    program.child.stdout?.destroy();
    program.child.stdin?.write('{"jsonrpc":"2.0","id":1,"method":"math.add","params":{"a":1,"b":2}}\n');
    expect(await program.ended).toMatchObject({ status: 0, stderr: "Listening on stdio:\n" });
  });
});

describe("convoke … > /dev/full", () => {
  test.skipIf(!existsSync("/dev/full"))("says in a line that it cannot print, and exits with 1", async () => {
    const full = await open("/dev/full", "w");
    const child = spawn(process.execPath, [COMMAND, "call", tcp, "math.add", '{"a":1,"b":2}'], {
      stdio: ["ignore", full.fd, "pipe"],
    });
    const [printed, [status]] = await Promise.all([text(child.stderr as Readable), once(child, "exit")]);
    await full.close();
    expect([status, printed]).toEqual([1, expect.stringMatching(/^Cannot write to stdout: ENOSPC.*\n$/)]);
  });
});

describe("convoke … | head", () => {
  test.each([
    ["a help text", ["serve", "--help"]],
    ["a result", ["call", "TCP", "math.add", '{"a":1,"b":2}']],
  ])("%s that nobody reads ends it quietly, as SIGPIPE would", async (_, args) => {
    await using program = new Program(args.map((each) => (each === "TCP" ? tcp : each)));
    program.child.stdout?.destroy();
    expect(await program.ended).toEqual({ status: 141, stdout: "", stderr: "" });
  });
});

describe("convoke describe", () => {
  test("prints the OpenRPC document of a server", async () => {
    const { status, stdout, stderr } = await convoke("describe", tcp);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const { openrpc, methods } = JSON.parse(stdout) as { openrpc: string; methods: { name: string }[] };
    expect(openrpc).toBe("1.3.2");
    expect(methods.map(({ name }) => name)).toContain("math.add");
  });

  test("falls back to rpc.serverInfo, and fails where there is neither", async () => {
    const info = { methods: ["a"], metrics: {} };
    await using old = await serve("tcp://127.0.0.1:0", { builtins: false, handlers: { "rpc.serverInfo": () => info } });
    expect(JSON.parse((await convoke("describe", old.addresses[0] ?? "")).stdout)).toEqual(info);
    await using silent = await serve("tcp://127.0.0.1:0", { builtins: false });
    expect(await convoke("describe", silent.addresses[0] ?? "")).toEqual({
      status: 1,
      stdout: "",
      stderr: expect.stringMatching(/^unimplemented: The server does not describe itself/) as string,
    });
  });
});

describe("bad usage exits with 2 and says what to do", () => {
  test.each([
    [["call"], /missing required argument/],
    [["call", "tcp://127.0.0.1:1"], /method/],
    [["call", "tcp://127.0.0.1:1", "m", "{"], /Cannot read the params of "m"/],
    [["call", "tcp://127.0.0.1:1", "m", "@/no/such/file"], /Cannot read the params of "m": ENOENT.+such\/file/],
    [["call", "stdio:", "m", "-"], /stdin is the link: .+@file/],
    [["call", "tcp://127.0.0.1:1", "--fallback", "stdio:", "m", "-"], /stdin is the link/],
    [["bench", "stdio:", "m", "-"], /stdin is the link/],
    [["call", "tcp://127.0.0.1:1", "--same-method", "m", "-", "-"], /stdin can be read once/],
    [["call", "tcp://127.0.0.1:99999", "m"], /port/i],
    [["call", "gopher://x", "m"], /gopher/],
    [["call", "tcp://127.0.0.1:1", "--wire", "smoke", "m"], /There is no wire "smoke"/],
    [["call", "tcp://127.0.0.1:1", "--repeat", "0", "m"], /--repeat/],
    [["call", "--frobnicate"], /unknown option/],
    [["frobnicate"], /unknown command/],
    [["serve", "./nothing-here.js", "--listen", "tcp://127.0.0.1:0"], /Cannot load/],
    [["serve", HANDLERS], /--listen/],
  ])("%j", async (args, wanted) => {
    const run = await convoke(...args);
    expect(run.status).toBe(2);
    expect(run.stdout).toBe("");
    expect(run.stderr).toMatch(wanted);
  });

  test("a module whose top-level await never ends", async () => {
    const module = join(folder, "stuck.mjs");
    await writeFile(module, "await new Promise(() => {});\nexport const handlers = {};\n");
    const run = await convoke("serve", module, "--listen", "tcp://127.0.0.1:0");
    expect(run).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/^error: Cannot load ".+stuck\.mjs": its top-level await never ends\n/) as string,
    });
  });

  test("a module without handlers", async () => {
    const module = join(folder, "empty.js");
    await writeFile(module, "export const nothing = 1;\n");
    const run = await convoke("serve", module, "--listen", "tcp://127.0.0.1:0");
    expect(run).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/exports neither "handlers" nor a default object/) as string,
    });
  });
});

test("every command has a help text", async () => {
  for (const args of [[], ["call"], ["serve"], ["agent"], ["agents"], ["describe"], ["bridge"], ["bench"]]) {
    const run = await convoke(...args, "--help");
    expect(run).toMatchObject({ status: 0, stderr: "" });
    expect(run.stdout).toMatch(/^Usage: convoke/);
  }
  expect((await convoke("--version")).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});
