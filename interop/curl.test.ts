import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { type CallContext, RpcError, type Server } from "convoke";
import { basicQuery, typedQuery } from "convoke/http";
import { type NodeServeOptions, serve } from "convoke/node";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { isInstalled } from "./partners/installed.ts";

const JSON_TYPE = ["-H", "content-type: application/json"];

const found = await isInstalled("curl");
const cleanups: (() => unknown)[] = [];
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "convoke-curl-"));
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const handlers = {
  add: ([a, b]: [number, number]) => a + b,
  echo: (params: unknown) => params,
  fail: () => {
    throw new RpcError("unknown", "failed as asked", { wireCode: 7, data: [1] });
  },
  /** Tells its caller how it goes, who may be there to hear it. */
  work: async ([steps]: [number], { peer }: CallContext) => {
    for (let step = 1; step <= steps; step++) await peer.notify("progress", [step]);
    return "done";
  },
};

async function serverOf(options: NodeServeOptions = {}): Promise<{ server: Server; url: string }> {
  const server = await serve("http://127.0.0.1:0/rpc", { handlers, logger: false, ...options });
  cleanups.push(() => server.close({ graceMs: 0 }));
  return { server, url: server.addresses[0] ?? "" };
}

/** Runs curl to its end, and gives what it printed. */
async function curl(...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)("curl", ["-q", "-sS", "--noproxy", "*", "-m", "20", ...args]);
  return stdout;
}

/** Posts a text; gives status, type and body. */
function post(url: string, body: string, ...more: readonly string[]): Promise<string> {
  return told(url, ...JSON_TYPE, "--data-binary", body, ...more);
}

async function told(url: string, ...args: readonly string[]): Promise<string> {
  const text = await curl("-w", "\n%{http_code} %{content_type}", ...args, url);
  const end = text.lastIndexOf("\n");
  const [head, body] = [text.slice(end + 1).trim(), text.slice(0, end).trim()];
  return body === "" ? head : `${head} | ${body}`;
}

const call = (id: number, method: string, params: string): string =>
  `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${params}}`;
const reply = (id: number, result: string): string => `{"jsonrpc":"2.0","id":${id},"result":${result}}`;

describe.skipIf(!found)("curl on our server", () => {
  test("posts calls, batches and notifications", async () => {
    const { url } = await serverOf();
    expect(await post(url, call(1, "add", "[1,2]"))).toBe(`200 application/json | ${reply(1, "3")}`);
    expect(await post(url, call(1, "fail", "[]"))).toBe(
      '200 application/json | {"jsonrpc":"2.0","id":1,"error":{"code":7,"message":"failed as asked","data":[1]}}',
    );
    expect(await post(url, call(1, "nope", "[]"))).toContain('"code":-32601');
    const batch = `[${call(1, "add", "[1,2]")},{"jsonrpc":"2.0","method":"echo"},${call(2, "echo", '["é"]')}]`;
    expect(await post(url, batch)).toBe(`200 application/json | [${reply(1, "3")},${reply(2, '["é"]')}]`);
    expect(await post(url, '{"jsonrpc":"2.0","method":"echo"}')).toBe("204");
    expect(await post(url, "no JSON")).toBe("500 text/plain; charset=utf-8 | [-32700] invalid request value");
    expect(await post(url, call(1, "work", "[3]"))).toContain("nothing but the answer can be said here");
    const headers = await curl("-D", "-", "-o", join(folder, "body"), ...JSON_TYPE, "-d", call(1, "add", "[1,2]"), url);
    expect(headers.toLowerCase()).toContain(`content-length: ${reply(1, "3").length}\r\n`);
  });

  test("gets results by either rule for parameters", async () => {
    const basic = await serverOf({ http: { parseGet: basicQuery } });
    expect(await told(`${basic.url}/echo?a=1&b=x+y`)).toBe('200 application/json | {"a":"1","b":"x y"}');
    const typed = await serverOf({ http: { parseGet: typedQuery } });
    const query = ["-G", "--data-urlencode", 'text="é"', "--data-urlencode", "bytes='aGk'", "-d", "n=1.5&yes=true"];
    expect(await told(`${typed.url}/echo`, ...query)).toBe(
      '200 application/json | {"text":"é","bytes":"aGk=","n":1.5,"yes":true}',
    );
    expect(await told(`${typed.url}/nope`)).toContain('404 application/json | {"code":-32601');
    expect(await told(`${typed.url}/fail`)).toBe(
      '500 application/json | {"code":7,"message":"failed as asked","data":[1]}',
    );
    expect(await told(`${typed.url}/echo?a="`)).toContain('400 application/json | {"code":-32700');
    expect(await told(typed.url)).toContain("400 application/json");
    const none = await serverOf();
    expect(await told(none.url)).toBe("405");
    expect(await curl("-I", none.url)).toMatch(/^HTTP\/1\.1 405 [\s\S]*accept-post: application\/json/i);
  });

  test("hears what is pushed while it waits, as events", async () => {
    const { url } = await serverOf();
    const accept = ["-N", "-H", "accept: text/event-stream"];
    const progress = (step: number): string => `data: {"jsonrpc":"2.0","method":"progress","params":[${step}]}\n\n`;
    expect(await curl(...accept, ...JSON_TYPE, "-d", call(5, "work", "[2]"), url)).toBe(
      `${progress(1)}${progress(2)}data: ${reply(5, '"done"')}\n\n`,
    );
    expect(await told(url, ...accept, ...JSON_TYPE, "-d", '{"jsonrpc":"2.0","method":"echo"}')).toBe("204");
  });

  test("stays for events, one by one, until one of both goes", async () => {
    const { server, url } = await serverOf();
    const streams = [url, url].map((each) => listen(each));
    await vi.waitFor(() => expect(server.connections).toHaveLength(2), 10_000);
    for (const step of [1, 2]) {
      for (const connection of server.connections) await connection.notify("progress", [step]);
      for (const { next } of streams) {
        expect(await next()).toBe(`data: {"jsonrpc":"2.0","method":"progress","params":[${step}]}`);
      }
    }
    streams[0]?.child.kill("SIGTERM");
    await vi.waitFor(() => expect(server.connections).toHaveLength(1), 10_000);
    await server.close();
    expect(await streams[1]?.exited).toEqual([0, null]);
  });

  test("is told what it did wrong", async () => {
    const { url } = await serverOf({ http: { maxBodyBytes: 1000 } });
    const record = call(1, "add", "[1,2]");
    // What curl sends when nobody tells it otherwise.
    expect(await told(url, "-d", record)).toBe("415 text/plain; charset=utf-8 | content-type must be application/json");
    expect(await post(url, record, "-H", "host: example.org")).toBe(
      '403 text/plain; charset=utf-8 | The host "example.org" is not allowed here: list it in the option hosts',
    );
    expect(await post(url, record, "-H", "origin: https://example.org")).toBe(
      '403 text/plain; charset=utf-8 | The origin "https://example.org" is not allowed here: list it in the option origins',
    );
    expect(await post(url, record, "--resolve", `localhost:${new URL(url).port}:127.0.0.1`)).toContain("200 ");
    expect(await post(url.replace("127.0.0.1", "localhost"), record, "-4")).toContain("200 ");
    expect(await told(url, "-X", "PUT", ...JSON_TYPE, "-d", record)).toBe("405");
    expect(await told(url.replace("/rpc", "/other"), ...JSON_TYPE, "-d", record)).toContain("404 ");
    const large = join(folder, "large");
    await writeFile(large, " ".repeat(5_000_000));
    for (const more of [[], ["-H", "transfer-encoding: chunked"], ["-H", "expect:"]]) {
      expect(await post(url, `@${large}`, ...more)).toBe(
        "413 text/plain; charset=utf-8 | The body is above the limit of 1000 bytes",
      );
    }
  });

  test("sends chunks, and large bodies after an Expect", async () => {
    const { url } = await serverOf();
    const file = join(folder, "call");
    const text = JSON.stringify(["x".repeat(2_000_000)]);
    await writeFile(file, call(1, "echo", text));
    for (const more of [
      ["-H", "transfer-encoding: chunked"],
      ["-H", "expect: 100-continue"],
      ["-H", "expect:"],
    ]) {
      const args = [...JSON_TYPE, ...more, "--data-binary", `@${file}`, "-o", join(folder, "reply")];
      const came = await curl(...args, "-w", "%{http_code} %{size_download}", url);
      expect(came).toBe(`200 ${reply(1, text).length}`);
    }
  });

  test("neither packs nor unpacks", async () => {
    const { url } = await serverOf();
    const packed = join(folder, "packed");
    await writeFile(packed, gzipSync(call(1, "add", "[1,2]")));
    expect(await post(url, `@${packed}`, "-H", "content-encoding: gzip")).toBe(
      "415 text/plain; charset=utf-8 | content-encoding must be identity",
    );
    const answer = await post(url, call(1, "add", "[1,2]"), "--compressed", "-D", join(folder, "head"));
    expect(answer).toBe(`200 application/json | ${reply(1, "3")}`);
  });

  test("asks first as a browser does", async () => {
    const preflight = ["-X", "OPTIONS", "-i", "-H", "origin: https://app.example.org"];
    const asks = [...preflight, "-H", "access-control-request-method: POST"];
    const open = await serverOf({ http: { origins: ["https://app.example.org"], cors: true } });
    const allowed = (await curl(...asks, open.url)).toLowerCase();
    expect(allowed).toMatch(/^http\/1\.1 204 /);
    expect(allowed).toContain("access-control-allow-origin: https://app.example.org\r\n");
    expect(allowed).toContain("access-control-allow-methods: post, get\r\n");
    expect(allowed).toContain("access-control-allow-headers: content-type, authorization\r\n");
    const answered = await curl("-i", ...JSON_TYPE, ...preflight.slice(3), "-d", call(1, "add", "[1,2]"), open.url);
    expect(answered.toLowerCase()).toContain("access-control-allow-origin: https://app.example.org\r\n");
    const closed = await serverOf({ http: { origins: ["https://app.example.org"] } });
    expect(await curl(...asks, closed.url)).toMatch(/^HTTP\/1\.1 405 /);
    expect(await curl(...asks, (await serverOf()).url)).toMatch(/^HTTP\/1\.1 403 /);
  });

  test("asks several times over one connection, whatever the answers are", async () => {
    const { url } = await serverOf();
    const bodies = [
      call(1, "add", "[1,2]"),
      '{"jsonrpc":"2.0","method":"echo"}',
      "no JSON",
      "[]",
      call(2, "echo", "[]"),
    ];
    const one = (body: string): string[] => [...JSON_TYPE, "-d", body, "-w", "%{http_code}:%{num_connects} ", url];
    const out = join(folder, "out");
    const several = bodies.flatMap((body, at) => [...(at === 0 ? [] : ["-:", "-sS"]), "-o", out, ...one(body)]);
    expect((await curl(...several)).trim()).toBe("200:1 204:0 500:0 204:0 200:0");
    // And with the older HTTP, one each.
    expect(await curl("-0", "-o", out, ...one(bodies[0] ?? ""))).toBe("200:1 ");
  });
});

/** A curl that reads events; the test ends it. */
function listen(url: string): { child: ChildProcess; exited: Promise<unknown>; next: () => Promise<string> } {
  const child = spawn("curl", ["-q", "-sS", "-N", "--noproxy", "*", "-H", "accept: text/event-stream", url], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  cleanups.push(() => {
    child.kill("SIGKILL");
    return exited;
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    for (;;) {
      const { value } = (await lines.next()) as { value: string | undefined };
      if (value === undefined) throw new Error("The stream of events has ended");
      if (value.startsWith("data:")) return value;
    }
  };
  return { child, exited, next };
}
