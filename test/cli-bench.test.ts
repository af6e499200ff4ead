import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createConnection, createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BenchReport } from "../src/cli/bench-report.ts";
import { type CallContext, type Connection, RpcError } from "../src/index.ts";
import { native, serve } from "../src/node.ts";
import type { Server } from "../src/server/server.ts";

const COMMAND = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));
/** Long enough for some calls, short enough for a test. */
const BRIEF = ["--seconds", "0.2", "--warm-up", "0"];

interface Run {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(...args: string[]): ChildProcess {
  return spawn(process.execPath, [COMMAND, "bench", ...args], { stdio: ["ignore", "pipe", "pipe"] });
}

async function finished(child: ChildProcess): Promise<Run> {
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (bytes: Buffer) => (stdout += bytes.toString()));
  child.stderr?.on("data", (bytes: Buffer) => (stderr += bytes.toString()));
  const [status] = (await once(child, "close")) as [number | null];
  return { status, stdout, stderr };
}

async function bench(...args: string[]): Promise<Run> {
  return finished(start(...args));
}

function reportOf({ stdout }: Run): BenchReport {
  return JSON.parse(stdout) as BenchReport;
}

function addressOf({ addresses }: Server): string {
  return addresses[0] ?? "";
}

let server: Server;
let address: string;

beforeAll(async () => {
  server = await serve("tcp://127.0.0.1:0", {
    logger: false,
    handlers: {
      add: ({ a, b }: { a: number; b: number }) => a + b,
      hang: () => new Promise<never>(() => {}),
    },
  });
  address = addressOf(server);
});

afterAll(async () => {
  await server.close({ graceMs: 0 });
});

describe("convoke bench", () => {
  test("prints a table of rate, percentiles, results and errors, and nothing on stderr without a terminal", async () => {
    const run = await bench(address, "add", '{"a":1,"b":2}', "--seconds", "1.2", "--warm-up", "0.1");
    expect(run).toMatchObject({ status: 0, stderr: "" });
    for (const row of [
      /^rate +\d+ calls\/s$/m,
      /^p50 +\d+\.\d{3} ms$/m,
      /^p90 +\d+\.\d{3} ms$/m,
      /^p99 +\d+\.\d{3} ms$/m,
      /^max +\d+\.\d{3} ms$/m,
      /^bytes written +[1-9]\d*\.\d per call$/m,
      /^bytes read +[1-9]\d*\.\d per call$/m,
      /^writes +0\.\d{3} per call$/m,
      /^results +[1-9]\d* in 1\.\d s$/m,
      /^errors +0$/m,
    ]) {
      expect(run.stdout).toMatch(row);
    }
  });

  test("--json prints one object, with what was asked for and what was measured", async () => {
    const run = await bench(address, "add", '{"a":1,"b":2}', ...BRIEF, "--in-flight", "8", "--json");
    expect(run).toMatchObject({ status: 0, stderr: "" });
    expect(run.stdout.match(/\n/g)).toHaveLength(1);
    const { rate, results, seconds, latencyMs, ...rest } = reportOf(run);
    expect(rest).toMatchObject({ address, method: "add", wire: "jsonrpc", inFlight: 8, connections: 1, errors: {} });
    expect(results).toBeGreaterThan(0);
    expect(seconds).toBeGreaterThanOrEqual(0.19);
    expect(rate / (results / seconds)).toBeCloseTo(1, 1);
    const { p50, p90, p99, max } = latencyMs;
    const times = [p50, p90, p99, max].map(Number);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times[0]).toBeGreaterThan(0);
  });

  test("on a terminal a line on stderr says each second how it goes, and is wiped at the end", async () => {
    const asTerminal = ["--import", "data:text/javascript,process.stderr.isTTY = true"];
    const args = ["bench", address, "add", '{"a":1,"b":2}', "--seconds", "2", "--warm-up", "0.1"];
    const child = spawn(process.execPath, [...asTerminal, COMMAND, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    const run = await finished(child);
    const lines = run.stderr.split("\r").map((line) => line.trimEnd());
    const second = (at: number): unknown =>
      expect.stringMatching(new RegExp(`^${at} s {2}\\d+ calls/s {2}p99 \\d+\\.\\d{3} ms {2}0 errors$`));
    expect(lines).toEqual(["", "warming up", second(1), second(2), "", ""]);
    expect(run.stdout).toMatch(/^rate /);
  });

  test("keeps as many calls in flight as it is told, over as many connections", async () => {
    let running = 0;
    let most = 0;
    const callers = new Set<unknown>();
    const slow = async (_: unknown, { connection }: { connection: unknown }): Promise<void> => {
      callers.add(connection);
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 10));
      running--;
    };
    await using other = await serve("tcp://127.0.0.1:0", { handlers: { slow } });
    const run = await bench(addressOf(other), "slow", ...BRIEF, "--in-flight", "6", "--connections", "3", "--json");
    expect(reportOf(run)).toMatchObject({ inFlight: 6, connections: 3, errors: {} });
    expect({ most, callers: callers.size }).toEqual({ most: 6, callers: 3 });
  });

  test("tells bytes and writes per call, those of the warm-up and the handshake left out", async () => {
    let calls = 0;
    const seen = new Set<Connection>();
    const handlers = {
      tell: (_: unknown, { connection }: CallContext) => {
        seen.add(connection);
        return calls++, "x".repeat(1000);
      },
    };
    await using other = await serve("tcp://127.0.0.1:0", { handlers });
    const run = await bench(addressOf(other), "tell", ...BRIEF, "--in-flight", "32", "--connections", "2", "--json");
    const { perCall, results } = reportOf(run);
    expect(results).toBeLessThanOrEqual(calls);
    expect(seen.size).toBe(2);
    // {"jsonrpc":"2.0","id":1,"result":"…"} around 1000 characters, and the request without params.
    expect(perCall?.bytesRead).toBeGreaterThan(1000);
    expect(perCall?.bytesRead).toBeLessThan(1060);
    expect(perCall?.bytesWritten).toBeGreaterThan(40);
    expect(perCall?.bytesWritten).toBeLessThan(60);
    // Those that are made in one turn leave in one write.
    expect(perCall?.writes).toBeGreaterThan(0);
    expect(perCall?.writes).toBeLessThan(0.5);
  });

  test("the warm-up does not count", async () => {
    let first: number | undefined;
    const cold = (): void => {
      first ??= performance.now();
      if (performance.now() - first < 20) throw new RpcError("failed_precondition", "Still cold");
    };
    await using other = await serve("tcp://127.0.0.1:0", { handlers: { cold } });
    const run = await bench(addressOf(other), "cold", "--warm-up", "0.5", "--seconds", "0.2", "--json");
    expect(run.status).toBe(0);
    expect(run.stderr).toMatch(/^failed_precondition \(-?\d+\): Still cold\n$/);
    expect(reportOf(run).errors).toEqual({});
  });

  test("counts errors by code, prints the first one once, and exits with 0 while some calls went well", async () => {
    let calls = 0;
    const moody = (): void => {
      if (++calls % 4 === 1) throw new RpcError("not_found", "Lost one");
      if (calls % 4 === 2) throw new RpcError("aborted", "Changed my mind");
    };
    await using other = await serve("tcp://127.0.0.1:0", { handlers: { moody } });
    const run = await bench(addressOf(other), "moody", ...BRIEF);
    expect(run.status).toBe(0);
    expect(run.stderr).toMatch(/^not_found \(-?\d+\): Lost one\n$/);
    expect(run.stdout).toMatch(/^errors +[1-9]\d*$/m);
    expect(run.stdout).toMatch(/^ {2}not_found +[1-9]\d*$/m);
    expect(run.stdout).toMatch(/^ {2}aborted +[1-9]\d*$/m);
  });

  test("exits with 1 when every call failed", async () => {
    const run = await bench(address, "nope", ...BRIEF, "--json");
    expect(run).toMatchObject({ status: 1, stderr: "unimplemented (-32601): method not found [nope]\n" });
    const { results, rate, latencyMs, errors } = reportOf(run);
    expect({ results, rate, latencyMs }).toEqual({
      results: 0,
      rate: 0,
      latencyMs: { p50: null, p90: null, p99: null, max: null },
    });
    expect(errors["unimplemented"]).toBeGreaterThan(0);
  });

  test("ends in time when the wire cannot say the call", async () => {
    const run = await bench(address, "add", "5", ...BRIEF, "--json");
    expect(run.status).toBe(1);
    expect(Object.keys(reportOf(run).errors)).toEqual(["invalid_argument"]);
  });

  test("ends in time when no call ends, says for how long they wait, and exits with 1", async () => {
    const run = await bench(address, "hang", ...BRIEF);
    expect(run).toMatchObject({ status: 1, stderr: "" });
    expect(run.stdout).toMatch(/^rate +0 calls\/s$/m);
    expect(run.stdout).toMatch(/^p50 +- ms$/m);
    expect(run.stdout).toMatch(/^still waiting +\d+\.\d+ ms, the oldest$/m);
  });

  test("--timeout-ms fails calls that take longer", async () => {
    const run = await bench(address, "hang", "--seconds", "0.5", "--warm-up", "0", "--timeout-ms", "100", "--json");
    expect(Object.keys(reportOf(run).errors)).toEqual(["deadline_exceeded"]);
  });

  test("Ctrl-C ends the run early and prints what there is", async () => {
    const child = start(address, "add", '{"a":1,"b":2}', "--seconds", "600", "--warm-up", "0", "--json");
    const run = finished(child);
    await expect.poll(() => server.connections.some((link) => link.stats().served > 1000)).toBe(true);
    child.kill("SIGINT");
    const { results, seconds } = reportOf(await run);
    expect(results).toBeGreaterThan(0);
    expect(seconds).toBeLessThan(60);
    expect((await run).status).toBe(0);
  });

  test("ends early and says why when the link ends", async () => {
    let calls = 0;
    const closing = await serve("tcp://127.0.0.1:0", {
      handlers: {
        tick: () => {
          if (++calls === 200) void closing.close();
        },
      },
    });
    const run = await bench(addressOf(closing), "tick", "--seconds", "600", "--warm-up", "0", "--json");
    await closing.close();
    expect(run.status).toBe(0);
    expect(run.stderr).toMatch(/^The link has ended: .+$/m);
    const { results, errors } = reportOf(run);
    expect(results).toBeGreaterThanOrEqual(100);
    // Each slot sees the end once.
    expect(errors["unavailable"] ?? 0).toBeLessThanOrEqual(64);
  });

  test("exits with 1 when nobody listens", async () => {
    const gone = await serve("tcp://127.0.0.1:0");
    await gone.close();
    expect(await bench(addressOf(gone), "add", ...BRIEF)).toEqual({
      status: 1,
      stdout: "",
      stderr: expect.stringMatching(/^unavailable: Cannot connect to tcp:.+\n$/) as string,
    });
  });

  test("exits with 1 when not all connections come about", async () => {
    await using behind = await serve("tcp://127.0.0.1:0", { wire: native() });
    let links = 0;
    const choosy = createServer((socket) => {
      socket.on("error", () => {});
      if (++links > 1) return socket.destroy();
      return socket.pipe(createConnection(Number(new URL(addressOf(behind)).port), "127.0.0.1")).pipe(socket);
    });
    await once(choosy.listen(0, "127.0.0.1"), "listening");
    const { port } = choosy.address() as AddressInfo;
    const run = await bench(`127.0.0.1:${port}`, "add", ...BRIEF, "--wire", "native", "--connections", "2");
    choosy.close();
    expect(run).toMatchObject({ status: 1, stdout: "" });
    expect(run.stderr).toMatch(/^unavailable: .+\n$/);
  });

  test.each(["native", "native:json", "native:msgpack"])("speaks %s", async (wire) => {
    await using other = await serve("tcp://127.0.0.1:0", { wire: native(), handlers: { hello: () => "hi" } });
    const run = await bench(addressOf(other), "hello", ...BRIEF, "--wire", wire, "--json");
    expect(run).toMatchObject({ status: 0, stderr: "" });
    expect(reportOf(run)).toMatchObject({ wire, errors: {} });
  });

  test("has a help text with examples", async () => {
    const run = await bench("--help");
    expect(run).toMatchObject({ status: 0, stderr: "" });
    expect(run.stdout).toMatch(/^Usage: convoke bench \[options\] <address> <method> \[params\]/);
    expect(run.stdout).toMatch(/^Examples:$/m);
    expect(run.stdout).toMatch(/--in-flight <n>.+default: 64/s);
  });
});

describe("bad usage exits with 2 and says what to do", () => {
  test.each([
    [[], /missing required argument/],
    [["tcp://127.0.0.1:1"], /missing required argument/],
    [["tcp://127.0.0.1:1", "m", "{"], /Cannot read the params of "m"/],
    [["tcp://127.0.0.1:1", "m", "{}", "more"], /too many arguments/],
    [["gopher://x", "m"], /gopher/],
    [["tcp://127.0.0.1:1", "m", "--in-flight", "0"], /--in-flight must be a number of at least 1/],
    [["tcp://127.0.0.1:1", "m", "--in-flight", "1.5"], /--in-flight must be a whole number/],
    [["tcp://127.0.0.1:1", "m", "--connections", "many"], /--connections/],
    [["tcp://127.0.0.1:1", "m", "--seconds", "0"], /--seconds must be a number of at least 0.1/],
    [["tcp://127.0.0.1:1", "m", "--seconds", "Infinity"], /--seconds must be a number of at most/],
    [["tcp://127.0.0.1:1", "m", "--warm-up=-1"], /--warm-up/],
    [["tcp://127.0.0.1:1", "m", "--wire", "native:xml"], /native has the bodies json and msgpack/],
    [["tcp://127.0.0.1:1", "m", "--rate", "5"], /unknown option/],
  ])("%j", async (args, wanted) => {
    const run = await bench(...args);
    expect(run).toMatchObject({ status: 2, stdout: "" });
    expect(run.stderr).toMatch(wanted);
  });
});
