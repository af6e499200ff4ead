import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type IncomingHttpHeaders, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { native, serve } from "../src/node.ts";
import { makeCertificates } from "./suites/certificates.ts";
import { convoke, HANDLERS, Program } from "./suites/command.ts";

const ADD = ["math.add", '{"a":1,"b":2}'] as const;
const CALL = '{"jsonrpc":"2.0","id":1,"method":"math.add","params":{"a":1,"b":2}}';

let folder: string;
let server: Program;
let http: string;
let ws: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "convoke-cli-web-"));
  const places = ["tcp://127.0.0.1:0", "http://127.0.0.1:0/rpc", "ws://127.0.0.1:0/ws"].flatMap((each) => [
    "--listen",
    each,
  ]);
  const guard = ["--allow-host", "api.example.org", "--allow-origin", "https://app.example.org", "--cors"];
  server = new Program(["serve", HANDLERS, ...places, "--get", "typed", ...guard]);
  [http, ws] = [await server.listens("http"), await server.listens("ws")];
});

afterAll(async () => {
  expect((await server.interrupt()).status).toBe(0);
  await rm(folder, { recursive: true });
});

/** Posts a call with any headers, Host among them. */
async function post(
  url: string,
  headers: Record<string, string>,
): Promise<{ status: number; headers: IncomingHttpHeaders }> {
  const sent = request(url, { method: "POST", headers: { "content-type": "application/json", ...headers } });
  sent.end(CALL);
  const [response] = (await once(sent, "response")) as [import("node:http").IncomingMessage];
  response.resume();
  await once(response, "end");
  return { status: response.statusCode ?? 0, headers: response.headers };
}

describe("convoke serve at addresses of the web", () => {
  test("prints each with its port; those with the same one share it", async () => {
    const { stderr } = server;
    expect(stderr).toMatch(
      /^Listening on tcp:\/\/127\.0\.0\.1:\d+\nListening on http:\/\/127\.0\.0\.1:\d+\/rpc\nListening on ws:\/\/127\.0\.0\.1:\d+\/ws\n/,
    );
    expect(stderr).not.toContain(":0");
  });

  test("answers a POST, and a GET with the bare result", async () => {
    const headers = { "content-type": "application/json" };
    const answer = await fetch(http, { method: "POST", body: CALL, headers });
    expect(await answer.json()).toEqual({ jsonrpc: "2.0", id: 1, result: 3 });
    expect(await (await fetch(`${http}/math.add?a=2&b=3`)).json()).toBe(5);
    expect((await fetch(`${http}/nope`)).status).toBe(404);
  });

  test("--get basic takes texts; without it there is no GET", async () => {
    const module = join(folder, "echo.js");
    await writeFile(module, "export default { echo: (params) => params };\n");
    await using basic = new Program(["serve", module, "--listen", "http://127.0.0.1:0", "--get", "basic"]);
    expect(await (await fetch(`${await basic.listens()}echo?a=2&b=x`)).json()).toEqual({ a: "2", b: "x" });
    await using none = new Program(["serve", module, "--listen", "http://127.0.0.1:0"]);
    expect((await fetch(`${await none.listens()}echo?a=2`)).ok).toBe(false);
  });

  test("answers under names of this machine and those of --allow-host, and pages of --allow-origin", async () => {
    const { host } = new URL(http);
    expect((await post(http, {})).status).toBe(200);
    expect((await post(http, { host: "api.example.org" })).status).toBe(200);
    expect((await post(http, { host: "other.example.org" })).status).toBe(403);
    expect((await post(http, { origin: `http://${host}` })).status).toBe(200);
    expect((await post(http, { origin: "https://other.example.org" })).status).toBe(403);
    const allowed = await post(http, { origin: "https://app.example.org" });
    expect(allowed).toMatchObject({
      status: 200,
      headers: { "access-control-allow-origin": "https://app.example.org" },
    });
    await server.prints(
      "stderr",
      /^Refused 127.*"other\.example\.org" is not allowed here: list it in the option hosts/m,
    );
  });
});

describe("the commands that dial, over http:// and ws://", () => {
  test("call: one, several, a batch, a notification", async () => {
    for (const address of [http, ws]) {
      expect(await convoke("call", address, ...ADD)).toEqual({ status: 0, stdout: "3\n", stderr: "" });
      const batch = await convoke("call", address, "--batch", ...ADD, "nope", "", ...ADD);
      expect(batch).toMatchObject({ status: 1, stdout: "3\n3\n" });
      expect(batch.stderr).toMatch(/^unimplemented \(-32601\): .+\[nope\]\n$/);
      expect(await convoke("call", address, "--notify", ...ADD)).toEqual({ status: 0, stdout: "", stderr: "" });
    }
  });

  test("call says what happened to a link that does not come about", async () => {
    const nowhere = await convoke("call", "ws://127.0.0.1:1/", ...ADD);
    expect(nowhere).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^unavailable: Cannot connect/) as string,
    });
    const elsewhere = await convoke("call", `${ws}/other`, ...ADD);
    expect(elsewhere).toMatchObject({ status: 1, stderr: expect.stringMatching(/^not_found \(404\): /) as string });
    const closed = await convoke("call", "http://127.0.0.1:1/", ...ADD);
    expect(closed).toMatchObject({ status: 1, stderr: expect.stringMatching(/^unavailable: /) as string });
  });

  test("describe", async () => {
    for (const address of [http, ws]) {
      const { status, stdout } = await convoke("describe", address);
      expect(status).toBe(0);
      expect(stdout).toContain('"math.add"');
    }
  });

  test("bench, which prints no password and no token", async () => {
    for (const address of [http, ws]) {
      const secret = `${address.replace("//", "//ann:secret@")}?token=secret`;
      const run = await convoke("bench", secret, ...ADD, "--seconds", "0.2", "--warm-up", "0", "--json");
      expect(run, run.stderr).toMatchObject({ status: 0, stderr: "" });
      expect(run.stdout).not.toContain("secret");
      expect(JSON.parse(run.stdout)).toMatchObject({ errors: {}, address: expect.stringContaining("…@127") as string });
    }
  });

  test("call --wait prints what a server sends by itself: over ws:// to its caller, over http:// to those who listen", async () => {
    await using direct = new Program(["call", ws, "--wait", "push"]);
    await direct.prints("stdout", /"pushed"\n/);
    expect(await direct.interrupt()).toMatchObject({ stdout: '{"method":"news","params":{"n":1}}\n"pushed"\n' });
    const handlers = {
      tell: () => {
        for (const link of telling.connections) void link.notify("news", { n: 2 });
      },
    };
    await using telling = await serve("http://127.0.0.1:0", { handlers });
    await using listening = new Program(["call", telling.addresses[0] ?? "", "--wait", "tell"]);
    await listening.prints("stdout", /"news"/);
    await listening.prints("stdout", /null/);
    const { status, stdout } = await listening.interrupt();
    expect(status).toBe(0);
    expect(stdout.trimEnd().split("\n").sort()).toEqual(["null", '{"method":"news","params":{"n":2}}']);
  });

  test("call --wait fails where an HTTP server sends nothing by itself", async () => {
    await using silent = await serve("http://127.0.0.1:0", { http: { events: false }, logger: false });
    const run = await convoke("call", silent.addresses[0] ?? "", "--wait", ...ADD);
    expect(run).toMatchObject({ status: 1, stdout: "", stderr: expect.stringMatching(/^unimplemented/) as string });
  });

  test("WebSocket carries the native wire", async () => {
    await using other = await serve("ws://127.0.0.1:0", { wire: native(), handlers: { big: () => 2n ** 70n } });
    const run = await convoke("call", other.addresses[0] ?? "", "--wire", "native", "big");
    expect(run).toEqual({ status: 0, stdout: '"1180591620717411303424"\n', stderr: "" });
  });
});

describe("--header", () => {
  test("is sent over ws:// and http://, from a file too", async () => {
    const handlers = { who: (_: unknown, { identity }: { identity: unknown }) => identity };
    const places = ["http://127.0.0.1:0/http", "ws://127.0.0.1:0/ws"];
    await using asking = await serve(places, {
      handlers,
      http: { identify: ({ headers }) => [headers.get("authorization"), headers.get("x-tenant")] },
      ws: { identify: ({ headers }) => [headers.authorization, headers["x-tenant"]] },
    });
    const file = join(folder, "headers.txt");
    await writeFile(file, "Authorization: Bearer abc\n");
    for (const address of asking.addresses) {
      const run = await convoke("call", address, "--header", "X-Tenant: blue", "--header", `@${file}`, "who");
      expect(run).toEqual({ status: 0, stdout: '["Bearer abc","blue"]\n', stderr: "" });
    }
  });

  test("a credential does not leave this machine as plain text unless that is asked for", async () => {
    // 192.0.2.0/24 is nobody's (RFC 5737).
    for (const address of ["ws://192.0.2.1:1/", "http://192.0.2.1:1/", "grpc://192.0.2.1:1"]) {
      const run = await convoke("call", address, "--header", "Authorization: Bearer abc", "m");
      expect(run, address).toMatchObject({ status: 2, stdout: "" });
      expect(run.stderr).not.toContain("abc");
      const asked = ["--plaintext-credentials", "--timeout-ms", "50"];
      expect((await convoke("call", address, "--header", "Authorization: Bearer abc", ...asked, "m")).status).toBe(1);
    }
  });
});

describe("a fleet over addresses of the web", () => {
  let controller: Program;
  let agent: Program;
  let door: string;
  let stays: string;

  beforeAll(async () => {
    const places = ["http://127.0.0.1:0/", "ws://127.0.0.1:0/agents"].flatMap((each) => ["--listen", each]);
    controller = new Program(["serve", "--fleet", ...places]);
    [door, stays] = [await controller.listens("http"), await controller.listens("ws")];
    agent = new Program(["agent", `${stays}?token=secret`, HANDLERS, "--name", "ann"]);
    await agent.prints("stderr", /^Joined/m);
  });

  afterAll(async () => {
    expect((await agent.interrupt()).status).toBe(0);
    expect((await controller.interrupt()).status).toBe(0);
  });

  test("agents come over ws://, and say so without their token", () => {
    expect(agent.stderr).toBe(`Joined ${stays}?… as "ann"\n`);
  });

  test("operators list and call them over either", async () => {
    for (const address of [door, stays]) {
      expect((await convoke("agents", address, "--json")).stdout).toContain('"name":"ann"');
      expect((await convoke("call", address, "--agent", "ann", ...ADD)).stdout).toBe("3\n");
      expect(await convoke("call", address, "--all", ...ADD)).toEqual({ status: 0, stdout: "ann\t3\n", stderr: "" });
    }
  });

  test("what needs a link that stays says so", async () => {
    for (const [args, wanted] of [
      [["agents", door, "--watch"], /--watch needs a link that stays/],
      [["call", door, "--all", "--concurrency", "1", ...ADD], /--concurrency needs a link that stays/],
      [["agent", door, HANDLERS, "--name", "bob"], /An agent cannot be called over http:/],
      [["serve", "--fleet", "--listen", "http://127.0.0.1:0"], /No agent can be called over http:/],
    ] as const) {
      const run = await convoke(...args);
      expect(run, args.join(" ")).toMatchObject({ status: 2, stdout: "" });
      expect(run.stderr).toMatch(wanted);
    }
  });
});

const certificates = makeCertificates();

describe.skipIf(certificates === undefined)("TLS", () => {
  const file = (name: string): string => join(folder, name);
  const trust = (): string[] => ["--ca", file("ca.crt")];
  const client = (): string[] => ["--cert", file("client.crt"), "--key", file("client.key")];

  beforeAll(async () => {
    if (certificates === undefined) return;
    const { ca, server: own, client: caller } = certificates;
    await writeFile(file("ca.crt"), ca);
    for (const [name, { cert, key }] of [
      ["server", own],
      ["client", caller],
    ] as const) {
      await writeFile(file(`${name}.crt`), cert);
      await writeFile(file(`${name}.key`), key, { mode: 0o600 });
    }
  });

  test("is spoken at tls://, wss:// and https://, with --cert and --key there and --ca here", async () => {
    const places = ["tls://127.0.0.1:0", "wss://127.0.0.1:0/ws", "https://127.0.0.1:0/rpc"];
    const listen = places.flatMap((each) => ["--listen", each]);
    await using secure = new Program([
      "serve",
      HANDLERS,
      ...listen,
      "--cert",
      file("server.crt"),
      "--key",
      file("server.key"),
    ]);
    for (const scheme of ["tls", "wss", "https"]) {
      const address = await secure.listens(scheme);
      expect(await convoke("call", address, ...trust(), ...ADD)).toEqual({ status: 0, stdout: "3\n", stderr: "" });
      const distrusting = await convoke("call", address, ...ADD);
      expect(distrusting).toMatchObject({ status: 1, stderr: expect.stringContaining("certificate") as string });
    }
    expect((await secure.interrupt()).status).toBe(0);
  });

  test("lets in only clients with a certificate where the server has --ca", async () => {
    const own = ["--cert", file("server.crt"), "--key", file("server.key"), ...trust()];
    await using secure = new Program(["serve", HANDLERS, "--listen", "wss://127.0.0.1:0", ...own]);
    const address = await secure.listens();
    expect((await convoke("call", address, ...trust(), ...client(), ...ADD)).stdout).toBe("3\n");
    expect((await convoke("call", address, ...trust(), ...ADD)).status).toBe(1);
  });

  test("files that cannot be used are bad usage", async () => {
    const listen = ["serve", HANDLERS, "--listen", "wss://127.0.0.1:0"];
    for (const [args, wanted] of [
      [[...listen, "--cert", file("server.crt")], /--cert and --key belong together/],
      [[...listen, "--cert", file("server.crt"), "--key", file("client.key")], /tls options cannot be used/],
      [[...listen, "--cert", file("none.crt"), "--key", file("server.key")], /Cannot read the file of --cert: ENOENT/],
      [["call", "wss://127.0.0.1:1", "--key", file("client.key"), "m"], /--cert and --key belong together/],
    ] as const) {
      const run = await convoke(...args);
      expect(run, args.join(" ")).toMatchObject({ status: 2, stdout: "" });
      expect(run.stderr).toMatch(wanted);
    }
  });
});

describe("bad usage exits with 2 and says what to do", () => {
  test.each([
    [
      ["serve", HANDLERS, "--listen", "tcp://127.0.0.1:0", "--allow-host", "x"],
      /--allow-host belongs to an address of the web/,
    ],
    [["serve", HANDLERS, "--listen", "tcp://127.0.0.1:0", "--allow-origin", "null"], /--allow-origin belongs/],
    [["serve", HANDLERS, "--listen", "ws://127.0.0.1:0", "--get", "basic"], /--get belongs to an address http:/],
    [["serve", HANDLERS, "--listen", "ws://127.0.0.1:0", "--allow-origin", "null", "--cors"], /--cors belongs/],
    [["serve", HANDLERS, "--listen", "http://127.0.0.1:0", "--cors"], /--allow-origin https:/],
    [["serve", HANDLERS, "--listen", "http://127.0.0.1:0", "--get", "any"], /basic, typed/],
    [
      ["serve", HANDLERS, "--listen", "http://127.0.0.1:0", "--allow-host", "http://x"],
      /Bad entry "http:\/\/x" in hosts/,
    ],
    [["serve", HANDLERS, "--listen", "http://127.0.0.1:0", "--cert", "x"], /--cert belongs to an address of TLS/],
    [["serve", HANDLERS, "--listen", "https://127.0.0.1:0"], /needs a certificate: add --cert and --key/],
    [["serve", HANDLERS, "--listen", "http://127.0.0.1:0", "--wire", "native"], /JSON-RPC only/],
    [["serve", HANDLERS, "--listen", "http://127.0.0.1:0/?a=1"], /not understood where a server listens/],
    [["call", "http://127.0.0.1:1", "--wire", "gorpc", "m"], /JSON-RPC only/],
    [["call", "http:127.0.0.1:1", "m"], /two slashes/],
    [["call", "tcp://127.0.0.1:1", "--header", "X-A: 1", "m"], /--header belongs to an address of the web or of gRPC/],
    [["call", "tcp://127.0.0.1:1", "--plaintext-credentials", "m"], /--plaintext-credentials belongs/],
    [["call", "wss://127.0.0.1:1", "--plaintext-credentials", "m"], /without TLS/],
    [["call", "ws://127.0.0.1:1", "--header", "secret", "m"], /a name, a colon and a value/],
    [["call", "ws://127.0.0.1:1", "--ca", "x", "m"], /--ca belongs to an address of TLS/],
    [["agent", "tcp://127.0.0.1:1", HANDLERS, "--name", "a", "--header", "X-A: 1"], /--header belongs/],
    [["agents", "tcp://127.0.0.1:1", "--ca", "x"], /--ca belongs/],
    [["describe", "unix:/nowhere", "--cert", "x"], /--cert belongs/],
    [["bench", "tls://127.0.0.1:1", "--cert", "x", "m"], /--cert and --key belong together/],
  ])("%j", async (args, wanted) => {
    const run = await convoke(...args);
    expect(run).toMatchObject({ status: 2, stdout: "" });
    expect(run.stderr).toMatch(wanted);
    expect(run.stderr).not.toContain("secret");
  });
});
