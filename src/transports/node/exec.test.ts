import { execFileSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { pipeSuite } from "../../../test/suites/pipe-suite.ts";
import { patternBytes, Recorder, turn } from "../../../test/suites/support.ts";
import type { Pipe } from "../../core/channel.ts";
import { protocolError } from "../../core/errors.ts";
import { connect, serve } from "../../node.ts";
import { type ExecTarget, execDialer } from "./exec.ts";
import { SOCKET_OPTIONS, socketPipe } from "./socket.ts";

/** A signal that nobody fires. */
function never(): AbortSignal {
  return new AbortController().signal;
}

let directory = "";

beforeAll(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), "convoke-"));
});

afterAll(() => fs.rmSync(directory, { recursive: true }));

/** Starts Node with a script. */
async function run(script: string, options: Partial<ExecTarget> = {}): Promise<{ pipe: Pipe; pid: number }> {
  const connection = await execDialer({ command: process.execPath, args: ["-e", script], ...options })(never());
  if (connection.pipe === undefined) throw new Error("no pipe");
  return { pipe: connection.pipe, pid: Number(/pid (\d+)/.exec(connection.remoteAddress ?? "")?.[1]) };
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const ECHO = "process.stdin.pipe(process.stdout)";
/** Talks to a socket as its standard streams, so that the suite can hold the far end. */
const BRIDGE = `
  const socket = require("net").connect(process.argv[1]);
  process.stdin.pipe(socket);
  socket.pipe(process.stdout);
  socket.on("error", () => {});
  process.stdin.on("error", () => {});
  process.stdout.on("error", () => socket.destroy());
  socket.on("close", () => process.stdin.destroy());
`;

let bridges = 0;

pipeSuite(
  "exec",
  async () => {
    const target = path.join(directory, `bridge-${bridges++}`);
    const server = net.createServer(SOCKET_OPTIONS).listen(target);
    const accepted = once(server, "connection");
    const { pipe: near } = await run(BRIDGE, { args: ["-e", BRIDGE, target] });
    const far = socketPipe((await accepted)[0]);
    return { near, far, cleanup: () => void server.close() };
  },
  { halfClose: false, tellsFull: true, oneByteWrites: 20_000 },
);

describe("starting a program", () => {
  test("the program's standard streams are the connection", async () => {
    const { pipe, pid } = await run(ECHO);
    const recorder = new Recorder().open(pipe);
    void pipe.write("héllo");
    await recorder.until(() => recorder.text === "héllo");
    pipe.close({ message: "done" });
    await recorder.untilClosed();
    expect(recorder.reason).toEqual({ message: "done" });
    expect(isRunning(pid)).toBe(false);
  });

  test("arguments reach the program as they are: no shell reads them", async () => {
    const args = ["-e", "process.stdout.write(JSON.stringify(process.argv.slice(1)))", "--", "$HOME", "a b", "*", "'"];
    const { pipe } = await run("", { args });
    const recorder = new Recorder().open(pipe);
    await recorder.untilClosed();
    expect(JSON.parse(recorder.text)).toEqual(["$HOME", "a b", "*", "'"]);
  });

  test("variables are added to our environment or taken from it, and the directory is set", async () => {
    vi.stubEnv("CONVOKE_TEST_KEPT", "kept");
    vi.stubEnv("CONVOKE_TEST_GONE", "gone");
    const names = ["CONVOKE_TEST_MORE", "CONVOKE_TEST_KEPT", "CONVOKE_TEST_GONE"];
    const { pipe } = await run(
      `process.stdout.write([...${JSON.stringify(names)}.map((name) => process.env[name]), process.cwd()].join())`,
      { env: { CONVOKE_TEST_MORE: "more", CONVOKE_TEST_GONE: undefined }, cwd: directory },
    );
    vi.unstubAllEnvs();
    const recorder = new Recorder().open(pipe);
    await recorder.untilClosed();
    expect(recorder.text).toBe(`more,kept,,${fs.realpathSync(directory)}`);
  });

  test("a program that does not exist is named, with what to check", async () => {
    await expect(execDialer({ command: "no-such-program" })(never())).rejects.toMatchObject({
      code: "unavailable",
      executed: "no",
      message:
        'Cannot start "no-such-program": there is no such program. Is it installed, and is its directory in PATH?',
      cause: { code: "ENOENT" },
    });
  });

  test("a directory that does not exist is not called a missing program", async () => {
    const target = { command: process.execPath, cwd: "/no/such/directory" };
    await expect(execDialer(target)(never())).rejects.toThrow(
      'its working directory "/no/such/directory" does not exist',
    );
  });

  test("a file that may not be executed says so", async () => {
    const file = path.join(directory, "plain");
    fs.writeFileSync(file, "no program", { mode: 0o600 });
    await expect(execDialer({ command: file })(never())).rejects.toThrow(
      "permission denied. Is it a file that may be executed?",
    );
  });

  test("what the system cannot even try is a rejection", async () => {
    await expect(execDialer({ command: "a\0b" })(never())).rejects.toMatchObject({ code: "unavailable" });
  });

  test("wrong options throw at once", () => {
    expect(() => execDialer({ command: "" })).toThrow("command must name a program");
    expect(() => execDialer({ command: "x", killAfterMs: Infinity })).toThrow("killAfterMs must be from 0 to");
  });

  test("an aborted signal starts nothing, one that fires during the start ends the program", async () => {
    const marker = path.join(directory, "started");
    const target = {
      command: process.execPath,
      args: ["-e", `setTimeout(() => require("fs").writeFileSync(${JSON.stringify(marker)}, ""), 0)`],
    };
    await expect(execDialer(target)(AbortSignal.abort())).rejects.toMatchObject({ code: "unavailable" });
    const controller = new AbortController();
    const attempt = execDialer(target)(controller.signal);
    controller.abort();
    await expect(attempt).rejects.toThrow("the attempt was given up");
    expect(fs.existsSync(marker)).toBe(false);
  });
});

describe("what a program is given", () => {
  test("its working directory, variables and standard error are those of the option exec", async () => {
    const pieces: Uint8Array[] = [];
    const code =
      'console.error("to stderr"); process.stdin.on("data", () => console.log(JSON.stringify({ jsonrpc: "2.0", id: 1, result: [process.cwd(), process.env.TOKEN] })))';
    const exec = {
      cwd: fs.realpathSync(os.tmpdir()),
      env: { TOKEN: "x" },
      stderr: (piece: Uint8Array) => void pieces.push(piece),
    };
    const client = await connect(`exec:"${process.execPath}" -e '${code}'`, { exec, logger: false });
    expect(await client.call("where")).toEqual([fs.realpathSync(os.tmpdir()), "x"]);
    expect(Buffer.concat(pieces).toString()).toBe("to stderr\n");
    await client.close();
    const args = ["-e", code];
    const other = await connect(execDialer({ command: process.execPath, args, stderr: "ignore" }), { logger: false });
    expect(await other.call("where")).toEqual([process.cwd(), null]);
    await other.close();
  });

  test("the option is refused where no program is started, and a wrong stderr always", async () => {
    await expect(connect("tcp://127.0.0.1:1", { exec: {} })).rejects.toThrow(
      /The option exec belongs to an address exec:/,
    );
    expect(() => execDialer({ command: "x", stderr: "pipe" as never })).toThrow(/stderr must be "inherit"/);
    await expect(connect(undefined as never)).rejects.toThrow(/An address is a text such as/);
    await expect(serve(7000 as never)).rejects.toThrow(/not 7000/);
  });
});

describe("the end of a program", () => {
  test("all output before the exit is delivered before closed, and not before a full sink has room", async () => {
    const { pipe, pid } = await run(`
      process.stdout.write("first");
      process.stdin.once("data", () => process.stdout.write("x".repeat(50_000), () => process.exit(3)));
    `);
    const recorder = new Recorder();
    recorder.pause();
    recorder.open(pipe);
    await recorder.until(() => recorder.length > 0);
    void pipe.write("go");
    await expect.poll(() => isRunning(pid), { timeout: 10_000 }).toBe(false);
    await turn();
    expect(recorder.text).toBe("first");
    expect(recorder.reason).toBeUndefined();
    recorder.resume();
    await recorder.untilClosed();
    expect(recorder.length).toBe(50_005);
    expect(recorder.reason?.message).toMatch(/exited with code 3$|Closed by this end/);
    recorder.expectSound();
  });

  test("a program that is gone before open loses nothing", async () => {
    const { pipe, pid } = await run("process.stdout.write('farewell')");
    await expect.poll(() => isRunning(pid), { timeout: 10_000 }).toBe(false);
    await turn();
    const recorder = new Recorder().open(pipe);
    await recorder.untilClosed();
    expect(recorder.text).toBe("farewell");
    // Its exit says more than the end of its output.
    expect(recorder.endings).toBe(0);
    expect(recorder.reason?.message).toMatch(/exited with code 0/);
    recorder.expectSound();
  });

  test("an exit with a code is told as an error, and is never dialled again", async () => {
    const { pipe } = await run("process.exitCode = 3");
    const recorder = new Recorder().open(pipe, { closeOnEnd: false });
    await recorder.untilClosed();
    expect(recorder.reason).toMatchObject({
      message: `"${process.execPath}" exited with code 3`,
      error: { code: "unavailable" },
    });
  });

  test("an exit with code 0 is a close without an error", async () => {
    const { pipe } = await run("");
    const recorder = new Recorder().open(pipe, { closeOnEnd: false });
    await recorder.untilClosed();
    expect(recorder.reason).toEqual({
      message: `"${process.execPath}" exited with code 0`,
    });
  });

  test("a program that was killed is told so", async () => {
    const { pipe, pid } = await run("process.stdin.resume()");
    const recorder = new Recorder().open(pipe, { closeOnEnd: false });
    process.kill(pid, "SIGKILL");
    await recorder.untilClosed();
    expect(recorder.reason?.message).toBe(`"${process.execPath}" was killed by SIGKILL`);
  });

  test("a program whose own child holds its output open is over a second after its exit", async () => {
    const script = `
      const { spawn } = require("child_process");
      const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "inherit" });
      process.stdout.write(String(child.pid), () => process.exit(0));
    `;
    const { pipe } = await run(script);
    const recorder = new Recorder().open(pipe);
    await recorder.untilClosed();
    process.kill(Number(recorder.text), "SIGKILL");
    expect(recorder.reason?.message).toBe(`"${process.execPath}" exited with code 0`);
  });

  test("a program that reads no more is ended", async () => {
    const { pipe, pid } = await run(
      "process.stdin.destroy(); require('fs').closeSync(0); setInterval(() => {}, 1000)",
      {
        killAfterMs: 10,
      },
    );
    const recorder = new Recorder().open(pipe);
    while (recorder.reason === undefined) {
      void pipe.write("anybody?");
      await turn(1);
    }
    expect(isRunning(pid)).toBe(false);
  });
});

describe("closing the connection to a program", () => {
  test("a program that goes by itself when its input ends is not killed", async () => {
    const marker = path.join(directory, "left-by-itself");
    const { pipe } = await run(
      `process.stdin.on("end", () => require("fs").writeFileSync(${JSON.stringify(marker)}, "")).resume()`,
    );
    const recorder = new Recorder().open(pipe);
    pipe.close();
    await recorder.untilClosed();
    expect(fs.existsSync(marker)).toBe(true);
  });

  test("what was written before the close reaches the program", async () => {
    const file = path.join(directory, "received");
    const { pipe } = await run(`process.stdin.pipe(require("fs").createWriteStream(${JSON.stringify(file)}))`);
    const recorder = new Recorder().open(pipe);
    void pipe.write(patternBytes(1_000_000));
    pipe.close();
    await recorder.untilClosed();
    expect(Buffer.compare(fs.readFileSync(file), patternBytes(1_000_000))).toBe(0);
  });

  test("a program that ignores the end of its input gets SIGTERM, and SIGKILL when it ignores that too", async () => {
    const script = "setInterval(() => {}, 1000); process.on('SIGTERM', () => process.stdout.write('no'))";
    const { pipe, pid } = await run(`${script}; process.stdout.write("up")`, { killAfterMs: 50 });
    const recorder = new Recorder().open(pipe);
    await recorder.until(() => recorder.text === "up");
    const listeners = process.listenerCount("exit");
    pipe.close();
    await recorder.untilClosed();
    expect(isRunning(pid)).toBe(false);
    expect(process.listenerCount("exit")).toBe(listeners - 1);
  });

  const WINDOWS = process.platform === "win32";
  /** What a wrapper starts: it hears of nothing, says that it is up, and stays. */
  const INNER = (code: string): string =>
    `${code}; process.stdout.write(String(process.pid)); setInterval(() => {}, 1000)`;
  /** A wrapper that ends at SIGTERM, and passes nothing on to what it has started. */
  const WRAPPER = (code: string): string => `
    require("child_process").spawn(process.execPath, ["-e", ${JSON.stringify(INNER(code))}], { stdio: "inherit" });
  `;

  test.skipIf(WINDOWS).each([
    ["ends at SIGTERM", ""],
    ["ignores SIGTERM", "process.on('SIGTERM', () => {})"],
  ])("what a wrapper has started ends with it, where it %s", async (_, code) => {
    const { pipe } = await run(WRAPPER(code), { killAfterMs: 100 });
    const recorder = new Recorder().open(pipe);
    await recorder.until(() => recorder.text !== "");
    const listeners = process.listenerCount("exit");
    pipe.close();
    await recorder.untilClosed();
    await expect.poll(() => isRunning(Number(recorder.text)), { timeout: 10_000 }).toBe(false);
    expect(process.listenerCount("exit")).toBe(listeners - 1);
  });

  test.skipIf(WINDOWS)(
    "a signal to our process group, as Ctrl-C in a terminal sends it, is not for the program",
    async () => {
      const { pipe, pid } = await run("process.stdin.resume()");
      const group = execFileSync("ps", ["-o", "pgid=", "-p", String(pid)], { encoding: "utf8" });
      expect(Number(group)).toBe(pid);
      pipe.close();
      await new Recorder().open(pipe).untilClosed();
    },
  );

  test("a close with an error tells closed at once and ends the program without waiting for it", async () => {
    const { pipe, pid } = await run("process.stdin.on('end', () => {}).resume(); setInterval(() => {}, 1000)");
    const recorder = new Recorder().open(pipe);
    const error = protocolError("nonsense");
    pipe.close({ message: error.message, error });
    await recorder.untilClosed();
    expect(recorder.reason).toEqual({ message: "nonsense", error });
    await expect.poll(() => isRunning(pid), { timeout: 10_000 }).toBe(false);
  });

  test("many programs at once bring no warning about listeners", async () => {
    const warnings: string[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning.message);
    process.on("warning", onWarning);
    const max = process.getMaxListeners();
    const programs = await Promise.all(Array.from({ length: 12 }, () => run("process.stdin.resume()")));
    const recorders = programs.map(({ pipe }) => new Recorder().open(pipe));
    for (const { pipe } of programs) pipe.close();
    await Promise.all(recorders.map((recorder) => recorder.untilClosed()));
    await turn();
    process.off("warning", onWarning);
    expect(warnings).toEqual([]);
    expect(process.getMaxListeners()).toBe(max);
  });
});
