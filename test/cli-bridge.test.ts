import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { gorpc } from "../src/gorpc.ts";
import { type CallContext, type Client, RpcError, type Server } from "../src/index.ts";
import { lsp } from "../src/jsonrpc.ts";
import { connect, type NodeServeOptions, native, serve } from "../src/node.ts";
import { makeCertificates } from "./suites/certificates.ts";
import { COMMAND, convoke, HANDLERS, Program } from "./suites/command.ts";
import { Events } from "./suites/http-ends.ts";
import { deferred } from "./suites/support.ts";

const HTTP = "http://127.0.0.1:0/";
const JSON_TYPE = { "content-type": "application/json" };

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "convoke-cli-bridge-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** What is behind a bridge of the tests. */
const handlers = {
  echo: (params: unknown) => params,
  refuse: () => {
    throw new RpcError("not_found", "No such file", { wireCode: -32050, data: { file: "a" } });
  },
};

function far(options: NodeServeOptions<never> = {}, address = "tcp://127.0.0.1:0"): Promise<Server> {
  return serve<never>(address, { handlers, logger: false, ...options });
}

function bridgeTo(address: string | Server, ...flags: string[]): Program {
  const to = typeof address === "string" ? address : (address.addresses[0] ?? "");
  return new Program(["bridge", "--listen", HTTP, "--to", to, ...flags]);
}

/** Posts a record and gives what is answered, as a value. */
async function post(url: string, record: unknown, init: RequestInit = {}): Promise<unknown> {
  const response = await fetch(url, { method: "POST", headers: JSON_TYPE, body: JSON.stringify(record), ...init });
  const text = await response.text();
  return text === "" ? response.status : (JSON.parse(text) as unknown);
}

function call(id: number, method: string, params?: unknown): object {
  return { jsonrpc: "2.0", id, method, ...(params !== undefined && { params }) };
}

describe("convoke bridge to a program on stdio", () => {
  let bridge: Program;
  let url: string;

  beforeAll(async () => {
    const exec = `exec:${process.execPath} ${COMMAND} serve ${HANDLERS} --listen stdio: --wire lsp`;
    bridge = bridgeTo(exec, "--wire", "lsp", "--get", "typed");
    url = await bridge.listens("http");
  });

  afterAll(async () => {
    expect((await bridge.interrupt()).status).toBe(0);
  });

  test("answers calls, batches and notifications over HTTP", async () => {
    expect(await post(url, call(1, "math.add", { a: 1, b: 2 }))).toEqual({ jsonrpc: "2.0", id: 1, result: 3 });
    expect(await post(url, { jsonrpc: "2.0", method: "math.add", params: { a: 1, b: 2 } })).toBe(204);
    const batch = [call(1, "math.add", { a: 1, b: 2 }), call(2, "nope"), { jsonrpc: "2.0", method: "note" }];
    expect(await post(url, batch)).toEqual([
      { jsonrpc: "2.0", id: 1, result: 3 },
      { jsonrpc: "2.0", id: 2, error: { code: -32601, message: "method not found", data: "nope" } },
    ]);
  });

  test("answers GET where it is told to", async () => {
    expect(await (await fetch(`${url}math.add?a=2&b=3`)).json()).toBe(5);
  });

  test("is what the program says of itself, and hides what that hides", async () => {
    expect((await convoke("describe", url)).stdout).toContain('"math.add"');
    const failed = await convoke("call", url, "fail");
    expect(failed).toMatchObject({ status: 1, stderr: expect.stringMatching(/^internal \(-32603\): /) as string });
  });

  test("the caller hears on the way what the program notifies it of, where it accepts events", async () => {
    const headers = { ...JSON_TYPE, accept: "text/event-stream" };
    const events = new Events(await fetch(url, { method: "POST", headers, body: JSON.stringify(call(7, "push")) }));
    expect(await events.next()).toContain('"news"');
    expect(await events.next()).toContain('"id":7,"result":"pushed"');
    expect(await events.next()).toBe(undefined);
  });

  test("ends with 1 when the program has ended", async () => {
    const module = join(folder, "brief.js");
    await writeFile(module, "export default { leave: () => { setTimeout(() => process.exit(0), 10); return 1; } };\n");
    await using brief = bridgeTo(`exec:${process.execPath} ${COMMAND} serve ${module} --listen stdio:`);
    const address = await brief.listens("http");
    expect(await post(address, call(1, "leave"))).toMatchObject({ result: 1 });
    const { status, stderr } = await brief.ended;
    expect(status).toBe(1);
    expect(stderr).toMatch(/^The link to exec:.+ has ended: .+\n/m);
  });

  test("says that a program cannot be started, and exits with 1", async () => {
    const run = await bridgeTo("exec:/nowhere/at/all").ended;
    expect(run).toMatchObject({ status: 1, stderr: expect.stringMatching(/^unavailable: /) as string });
  });
});

describe("convoke bridge to other wires", () => {
  test("errors keep their numbers and their data, over the native wire too", async () => {
    await using server = await far({ wire: native() });
    await using bridge = bridgeTo(server, "--wire", "native");
    const error = { code: -32050, message: "No such file", data: { file: "a" } };
    expect(await post(await bridge.listens(), call(1, "refuse"))).toEqual({ jsonrpc: "2.0", id: 1, error });
  });

  test("values that JSON has no form for are written as what comes nearest", async () => {
    const values = { big: () => 2n ** 70n, bytes: () => Uint8Array.of(1, 2, 3) };
    await using server = await far({ wire: native(), handlers: values });
    await using bridge = bridgeTo(server, "--wire", "native");
    const answers = await post(await bridge.listens(), [call(1, "big"), call(2, "bytes")]);
    expect(answers).toMatchObject([{ result: "1180591620717411303424" }, { result: "AQID" }]);
  });

  test("a function of gorpc gets the one param of the list", async () => {
    await using server = await far({ wire: gorpc(), handlers: { Greet: (name: string) => `hello ${name}` } });
    await using bridge = bridgeTo(server, "--wire", "gorpc");
    const url = await bridge.listens();
    expect(await post(url, call(1, "Greet", ["Ann"]))).toMatchObject({ result: "hello Ann" });
    expect(await post(url, call(1, "Greet", ["Ann", "Bob"]))).toMatchObject({ error: { code: -32602 } });
  });

  test("HTTP in, HTTP out", async () => {
    await using server = await far({}, HTTP);
    await using bridge = bridgeTo(server);
    expect(await post(await bridge.listens(), call(1, "echo", [1]))).toMatchObject({ result: [1] });
  });
});

describe("callers of a bridge that go away, and time that is over", () => {
  /** A far end whose method `wait` never ends by itself, and says how it was told to. */
  async function waiting(): Promise<{ server: Server; began: Promise<void>; told: Promise<string> }> {
    const began = deferred<void>();
    const told = deferred<string>();
    const wait = (_: unknown, { signal }: CallContext): Promise<never> =>
      new Promise((__, reject) => {
        signal.addEventListener("abort", () => {
          told.resolve((signal.reason as RpcError).code);
          reject(signal.reason);
        });
        began.resolve();
      });
    return {
      server: await far({ wire: native(), handlers: { ...handlers, wait } }),
      began: began.promise,
      told: told.promise,
    };
  }

  test("an HTTP request that breaks off cancels its call at the far end, and no other", async () => {
    const { server, began, told } = await waiting();
    await using bridge = bridgeTo(server, "--wire", "native");
    const url = await bridge.listens();
    const giving = new AbortController();
    const gone = post(url, call(1, "wait"), { signal: giving.signal });
    gone.catch(() => {});
    await began;
    giving.abort();
    expect(await told).toBe("cancelled");
    expect(await post(url, call(1, "echo", [1]))).toMatchObject({ result: [1] });
    await server.close();
  });

  test("--timeout-ms ends a call on both sides", async () => {
    const { server, told } = await waiting();
    await using bridge = bridgeTo(server, "--wire", "native", "--timeout-ms", "200");
    const answer = await post(await bridge.listens(), call(1, "wait"));
    expect(answer).toMatchObject({
      error: { code: -32096, message: expect.stringMatching(/no reply within 200 ms/) as string },
    });
    expect(await told).toMatch(/cancelled|deadline_exceeded/);
    await server.close({ graceMs: 0 });
  });
});

describe("a far end that is not there", () => {
  test("calls fail at once, and go on as soon as there is a link", async () => {
    const path = `unix:${join(folder, "late.sock")}`;
    await using bridge = bridgeTo(path);
    const url = await bridge.listens();
    expect(bridge.stderr).toMatch(/^unavailable: Cannot connect to unix:.+; dialling again until there is a link\n/);
    const began = performance.now();
    const down = { error: { code: -32094, message: expect.stringMatching(/cannot be reached/) as string } };
    expect(await post(url, call(1, "echo", [1]))).toMatchObject(down);
    expect(performance.now() - began).toBeLessThan(2000);
    const first = await far({}, path);
    const answered = async (): Promise<boolean> => "result" in ((await post(url, call(1, "echo", [1]))) as object);
    while (!(await answered()));
    await first.close();
    while (await answered());
    await using _ = await far({}, path);
    while (!(await answered()));
    expect((await bridge.interrupt()).status).toBe(0);
  });
});

describe("what the far end notifies", () => {
  test("goes to everybody who listens, over any address, and its calls are refused", async () => {
    const refused = deferred<unknown>();
    await using server = await far({
      onConnect: (connection) => {
        connection.call("answer.me").catch(refused.resolve);
      },
    });
    const places = [
      "--listen",
      "ws://127.0.0.1:0/ws",
      "--listen",
      `unix:${join(folder, "near.sock")}`,
      "--listen",
      HTTP,
    ];
    await using bridge = new Program(["bridge", ...places, "--to", server.addresses[0] ?? ""]);
    const heard: Promise<unknown>[] = [];
    const clients: Client[] = [];
    for (const scheme of ["ws", "unix"]) {
      const news = deferred<unknown>();
      heard.push(news.promise);
      clients.push(await connect(await bridge.listens(scheme), { handlers: { news: news.resolve } }));
    }
    const events = new Events(await fetch(await bridge.listens("http"), { headers: { accept: "text/event-stream" } }));
    await Promise.all(clients.map((client) => client.call("echo", [1])));
    await server.connections[0]?.notify("news", { n: 1 });
    expect(await Promise.all(heard)).toEqual([{ n: 1 }, { n: 1 }]);
    expect(await events.next()).toBe(": ");
    expect(await events.next()).toBe('data: {"jsonrpc":"2.0","method":"news","params":{"n":1}}');
    expect(await refused.promise).toMatchObject({
      code: "unimplemented",
      message: expect.stringMatching(/passes no calls on/) as string,
    });
    await Promise.all(clients.map((client) => client.close()));
  });
});

describe("Ctrl-C", () => {
  test("lets running calls end", async () => {
    const began = deferred<void>();
    const ending = deferred<string>();
    const slow = (): Promise<string> => {
      began.resolve();
      return ending.promise;
    };
    await using server = await far({ handlers: { slow } });
    await using bridge = bridgeTo(server);
    const answer = post(await bridge.listens(), call(1, "slow"));
    await began.promise;
    const ended = bridge.interrupt();
    await bridge.prints("stderr", /Draining/);
    ending.resolve("done");
    expect(await answer).toMatchObject({ result: "done" });
    expect((await ended).status).toBe(0);
  });
});

describe("a place that somebody else has", () => {
  test("says so and exits with 1, and lets the far end go", async () => {
    await using server = await far();
    const args = ["bridge", "--listen", server.addresses[0] ?? "", "--to", server.addresses[0] ?? ""];
    const run = await convoke(...args);
    expect(run).toMatchObject({
      status: 1,
      stdout: "",
      stderr: expect.stringMatching(/^unavailable: .+\n$/) as string,
    });
  });
});

describe("any in, any out", () => {
  test("the wire of those who call may be another one", async () => {
    await using server = await far({ wire: lsp() });
    const places = ["--listen", "ws://127.0.0.1:0", "--listen", "tcp://127.0.0.1:0"];
    const wires = ["--wire", "lsp", "--listen-wire", "native"];
    await using bridge = new Program(["bridge", ...places, "--to", server.addresses[0] ?? "", ...wires]);
    for (const scheme of ["ws", "tcp"]) {
      const run = await convoke("call", await bridge.listens(scheme), "--wire", "native", "echo", "[1]");
      expect(run).toEqual({ status: 0, stdout: "[1]\n", stderr: "" });
    }
  });

  test("stdio in: a bridge is a program that others start", async () => {
    await using server = await far();
    const exec = `exec:${process.execPath} ${COMMAND} bridge --listen stdio: --to ${server.addresses[0] ?? ""}`;
    expect((await convoke("call", exec, "echo", "[1]")).stdout).toBe("[1]\n");
  });

  test("stdio out: a bridge is started beside what it serves", async () => {
    await using bridge = bridgeTo("stdio:");
    const url = await bridge.listens();
    const answer = post(url, call(5, "up", [1]));
    const [, id = ""] = await bridge.prints("stdout", /"id":(\d+),"method":"up","params":\[1\]/);
    bridge.child.stdin?.write(`{"jsonrpc":"2.0","id":${id},"result":"down"}\n`);
    expect(await answer).toEqual({ jsonrpc: "2.0", id: 5, result: "down" });
    bridge.child.stdin?.end();
    expect(await bridge.ended).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^The link to stdio: has/m) as string,
    });
  });

  const certificates = makeCertificates();

  test.skipIf(certificates === undefined)("TLS on both sides, each with its own files", async () => {
    if (certificates === undefined) return;
    const { ca, server: own, client } = certificates;
    const file = async (name: string, content: Buffer): Promise<string> => {
      const path = join(folder, name);
      await writeFile(path, content, { mode: 0o600 });
      return path;
    };
    const [caFile, cert, key] = [await file("ca", ca), await file("cert", own.cert), await file("key", own.key)];
    const [herCert, herKey] = [await file("her-cert", client.cert), await file("her-key", client.key)];
    await using server = await far({ tls: { ...own, ca } }, "tls://127.0.0.1:0");
    const near = ["--listen", "https://127.0.0.1:0", "--listen-cert", cert, "--listen-key", key];
    const there = ["--to", server.addresses[0] ?? "", "--ca", caFile, "--cert", herCert, "--key", herKey];
    await using bridge = new Program(["bridge", ...near, ...there]);
    const run = await convoke("call", await bridge.listens("https"), "--ca", caFile, "echo", "[1]");
    expect(run).toEqual({ status: 0, stdout: "[1]\n", stderr: "" });
  });
});

describe("bad usage exits with 2 and says what to do", () => {
  const nowhere = "tcp://127.0.0.1:1";
  test.each([
    [["--listen", HTTP], /--to <address>/],
    [["--to", nowhere], /Say where to listen/],
    [["--listen", "stdio:", "--to", "stdio:"], /one stdio/],
    [["--listen", HTTP, "--to", "gopher://x"], /gopher/],
    [["--listen", "gopher://x", "--to", "http://127.0.0.1:1"], /gopher/],
    [["--listen", HTTP, "--to", nowhere, "--wire", "smoke"], /There is no wire "smoke"/],
    [["--listen", HTTP, "--to", nowhere, "--listen-wire", "smoke"], /There is no wire "smoke"/],
    [["--listen", HTTP, "--to", "http://127.0.0.1:1", "--listen-wire", "native"], /JSON-RPC only/],
    [["--listen", HTTP, "--to", "http://127.0.0.1:1", "--wire", "native"], /JSON-RPC only/],
    [["--listen", "https://127.0.0.1:0", "--to", nowhere], /add --listen-cert and --listen-key/],
    [["--listen", HTTP, "--to", nowhere, "--listen-ca", "x"], /--listen-ca belongs to an address of TLS/],
    [["--listen", HTTP, "--to", nowhere, "--ca", "x"], /--ca belongs to an address of TLS/],
    [["--listen", HTTP, "--to", nowhere, "--header", "X-A: 1"], /--header belongs/],
    [["--listen", "tcp://127.0.0.1:0", "--to", nowhere, "--get", "typed"], /--get belongs/],
  ])("%j", async (args, wanted) => {
    const run = await convoke("bridge", ...args);
    expect(run).toMatchObject({ status: 2, stdout: "" });
    expect(run.stderr).toMatch(wanted);
  });
});
