import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import ts from "typescript";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Recorder } from "../../../test/suites/support.ts";
import { execDialer } from "./exec.ts";

// What only a process of its own can show: its standard streams, how it ends, and what it leaves behind.

const source = path.resolve(import.meta.dirname, "../..");
let directory = "";
const children: ChildProcessWithoutNullStreams[] = [];

beforeAll(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), "convoke-"));
  fs.writeFileSync(path.join(directory, "package.json"), '{ "type": "module" }');
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
  for (const folder of ["core", "transports/node"]) {
    fs.mkdirSync(path.join(directory, folder), { recursive: true });
    for (const file of fs.readdirSync(path.join(source, folder))) {
      if (!file.endsWith(".ts") || file.endsWith(".test.ts")) continue;
      const { outputText } = ts.transpileModule(fs.readFileSync(path.join(source, folder, file), "utf8"), {
        compilerOptions: { ...compilerOptions, rewriteRelativeImportExtensions: true },
      });
      fs.writeFileSync(path.join(directory, folder, file.replace(/\.ts$/, ".js")), outputText);
    }
  }
});

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

afterAll(() => fs.rmSync(directory, { recursive: true }));

let scripts = 0;

/** Writes a script that has the transports at hand, and gives what Node must be started with. */
function scriptArgs(body: string): string[] {
  const file = path.join(directory, `script-${scripts++}.js`);
  const imports = `
    import fs from "node:fs";
    import { stdioConnection, stdioListen } from "./transports/node/stdio.js";
    import { execDialer } from "./transports/node/exec.js";
  `;
  fs.writeFileSync(file, imports + body);
  return [file];
}

function start(body: string): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, scriptArgs(body));
  // A child that is done may reset its input.
  child.stdin.on("error", () => {});
  children.push(child);
  return child;
}

/** Everything that a stream brings until it ends. */
async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = "";
  for await (const bytes of stream) text += String(bytes);
  return text;
}

/** The code of a child that ends by itself. */
async function exitOf(child: ChildProcessWithoutNullStreams): Promise<unknown> {
  if (child.exitCode !== null) return child.exitCode;
  return (await once(child, "exit"))[0];
}

describe("a process that serves on its standard streams", () => {
  const ECHO = `
    await stdioListen()(({ pipe }) => pipe.open({
      data: (bytes) => pipe.write(bytes.slice()),
      ended: () => { void pipe.write("x".repeat(1_000_000)); pipe.close(); },
      closed: (reason) => { process.exitCode = reason.error === undefined ? 0 : 1; },
    }));
  `;

  test("answers, says its last word when its input ends, and exits by itself", async () => {
    const { pipe } = await execDialer({ command: process.execPath, args: scriptArgs(ECHO) })(
      new AbortController().signal,
    );
    if (pipe === undefined) throw new Error("no pipe");
    const recorder = new Recorder().open(pipe, { closeOnEnd: false });
    void pipe.write("hello");
    await recorder.until(() => recorder.text === "hello");
    pipe.close({ message: "done" });
    await recorder.untilClosed();
    expect(recorder.reason?.message).toBe("done");
  });

  test("sends everything before it exits", async () => {
    const child = start(ECHO);
    const output = textOf(child.stdout);
    child.stdin.end("hi");
    expect(await exitOf(child)).toBe(0);
    expect(await output).toBe(`hi${"x".repeat(1_000_000)}`);
  });

  test("exits after its own close though its input stays open, and may use the console until then", async () => {
    const child = start(`
      const { pipe } = stdioConnection();
      pipe.open({ data() {}, ended() {}, closed: () => console.log("after the close") });
      void pipe.write("bye\\n");
      pipe.close();
    `);
    const output = textOf(child.stdout);
    expect(await exitOf(child)).toBe(0);
    expect(await output).toBe("bye\nafter the close\n");
  });

  test("survives a reader that has gone", async () => {
    const child = start(`
      const { pipe } = stdioConnection();
      pipe.open({
        data: () => pipe.write("an answer that nobody reads"),
        ended() {},
        closed: (reason) => process.stderr.write(reason.message + (reason.error ? " with an error" : "")),
      });
    `);
    child.stdout.destroy();
    const errors = textOf(child.stderr);
    child.stdin.write("anybody there?");
    expect(await exitOf(child)).toBe(0);
    expect(await errors).toBe("The other side closed our standard output");
  });

  test("is told full by a reader that stops, and when it reads on", async () => {
    const child = start(`
      const { pipe } = stdioConnection();
      pipe.open({ data() {}, ended() {}, closed() {} });
      const chunk = "x".repeat(10_000);
      let written = 0;
      let full;
      while (full === undefined && written < 50_000_000) {
        full = pipe.write(chunk);
        written += chunk.length;
      }
      process.stderr.write(full === undefined ? "never full" : "full");
      await full;
      pipe.close();
    `);
    expect(String((await once(child.stderr, "data"))[0])).toBe("full");
    const output = textOf(child.stdout);
    expect(await exitOf(child)).toBe(0);
    expect((await output).length).toBeLessThan(1_000_000);
  });
});

describe("a process that starts programs", () => {
  const GRANDCHILD = JSON.stringify(
    `process.stdin.on("end", () => {}).resume(); setInterval(() => {}, 1000); process.stderr.write("up")`,
  );

  test("passes their standard error through and leaves none of them behind when it exits", async () => {
    const child = start(`
      await execDialer({ command: process.execPath, args: ["-e", ${GRANDCHILD}] })(new AbortController().signal);
      process.stdin.once("data", () => process.exit(0));
    `);
    expect(String((await once(child.stderr, "data"))[0])).toBe("up");
    child.stdin.write("go");
    expect(await exitOf(child)).toBe(0);
    // It ends when the last process that holds it has: the grandchild does until it is gone.
    expect(await textOf(child.stderr)).toBe("");
  });

  test("ends by itself when their connections are closed", async () => {
    const child = start(`
      const { pipe } = await execDialer({ command: process.execPath, args: ["-e", "process.stdin.resume()"] })(new AbortController().signal);
      pipe.open({ data() {}, ended() {}, closed: (reason) => process.stdout.write(reason.message) });
      pipe.close({ message: "closed" });
    `);
    const output = textOf(child.stdout);
    expect(await exitOf(child)).toBe(0);
    expect(await output).toBe("closed");
  });
});
