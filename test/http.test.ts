import { afterEach, describe, expect, test } from "vitest";
import { RpcError } from "../src/core/errors.ts";
import { basicQuery, HttpBridge, typedQuery } from "../src/http.ts";
import type { CallContext, Connection } from "../src/index.ts";
import { Server } from "../src/server/server.ts";
import { jsonrpc } from "../src/wires/jsonrpc.ts";
import { native } from "../src/wires/native.ts";
import { callText, Events, type HttpStage, httpStage, noteText, told } from "./suites/http-ends.ts";
import { deferred, turn, until } from "./suites/support.ts";

const stages: HttpStage[] = [];
afterEach(async () => {
  for (const { http, clock } of stages.splice(0)) {
    await http.close({ graceMs: 0 });
    expect(clock.listeners).toBe(0);
  }
});

async function stage(options: Parameters<typeof httpStage>[0] = {}): Promise<HttpStage> {
  const made = await httpStage(options);
  stages.push(made);
  return made;
}

const echo = (params: unknown): unknown => params;

describe("a POST", () => {
  test("is answered as JSON with its length, and says what may be posted", async () => {
    const { post } = await stage({ handlers: { echo } });
    const response = await post(callText(1, "echo", '["é"]'));
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toEqual({
      "accept-post": "application/json",
      "content-type": "application/json",
      "content-length": "40",
      "x-content-type-options": "nosniff",
    });
    expect(await response.text()).toBe('{"jsonrpc":"2.0","id":1,"result":["é"]}');
  });

  test("is a link of its own, with the address and identity of its caller", async () => {
    const links: string[] = [];
    const { http } = await stage({
      handlers: { who: (_: unknown, context: CallContext) => [context.remoteAddress, context.identity, context.id] },
      onConnect: () => void links.push("on"),
      onDisconnect: (_, { message }) => void links.push(message),
    });
    const ask = (id: string): Promise<Response> =>
      http.answer(
        new Request("http://[::1]/", {
          method: "POST",
          body: callText(id, "who"),
          headers: { "content-type": "application/json" },
        }),
        { remoteAddress: "10.0.0.1:5", identity: "ann" },
      );
    expect(await (await ask('"a"')).json()).toMatchObject({ id: "a", result: ["10.0.0.1:5", "ann", '"a"'] });
    await ask("1");
    await turn();
    expect(links).toEqual(["on", "The other side has ended", "on", "The other side has ended"]);
    expect(http.server.connections).toEqual([]);
    expect(http.server.stats()).toMatchObject({ accepts: 2, requests: 2, served: 2, connections: 0 });
  });

  test("whose batch has replies beyond the largest frame is answered as one value", async () => {
    const { post } = await stage({ handlers: { echo }, maxFrameBytes: 300 });
    const text = JSON.stringify(["x".repeat(60)]);
    const response = await post(`[${callText(1, "echo", text)},${callText(2, "echo", text)}]`);
    expect(await response.json()).toHaveLength(2);
    const long = await post(`[${[1, 2].map((id) => callText(id, "long")).join(",")}]`);
    expect(await long.json()).toHaveLength(2);
  });

  test("of a notification is answered when its handler has ended", async () => {
    const gate = deferred();
    const { post } = await stage({ handlers: { note: () => gate.promise } });
    let status = 0;
    const posted = post(noteText("note")).then((response) => {
      status = response.status;
    });
    await turn();
    expect(status).toBe(0);
    gate.resolve();
    await posted;
    expect(status).toBe(204);
  });

  test("a handler cannot push to its caller, and is told so", async () => {
    const handlers = {
      notify: (_: unknown, { peer }: CallContext) => peer.notify("note").catch(({ code }: RpcError) => code),
      call: (_: unknown, { peer }: CallContext) =>
        peer.call("x").catch(({ code, executed }: RpcError) => [code, executed]),
    };
    const { post } = await stage({ handlers });
    expect(await (await post(callText(1, "notify"))).json()).toMatchObject({ result: "unavailable" });
    expect(await (await post(callText(1, "call"))).json()).toMatchObject({ result: ["unavailable", "no"] });
    // Here the engine hears only later that the other side has ended, and the call has left by then.
    const slow = await stage({ handlers, maxWaiting: 1 });
    expect(await (await slow.post(callText(1, "call"))).json()).toMatchObject({ result: ["unavailable", "unknown"] });
  });

  test("what onConnect refuses has a status of its own", async () => {
    let error: Error = new RpcError("permission_denied", "Not today");
    const { post, log } = await stage({
      onConnect: () => {
        throw error;
      },
    });
    expect(await told(await post(callText(1, "x")))).toBe("403 Not today");
    error = new RpcError("unauthenticated", "Who are you?");
    expect(await told(await post(noteText("x")))).toBe("401 Who are you?");
    error = new Error("a secret");
    expect(await told(await post(callText(1, "x")))).toMatch(/^500 Internal error, trace \w+$/);
    expect([log.of("warn").length, log.of("error").length]).toEqual([2, 1]);
  });

  test("identify says who calls, before the body is read, or refuses", async () => {
    const { post, log } = await stage({
      handlers: { who: (_: unknown, { identity }: CallContext) => identity },
      identify: async ({ headers, method }) => {
        const token = headers.get("authorization");
        if (token === null) throw new RpcError("unauthenticated", "Send a token");
        if (token === "bug") throw new Error("a secret");
        return `${method} ${token}`;
      },
    });
    const headers = { authorization: "t1" };
    expect(await (await post(callText(1, "who"), { headers })).json()).toMatchObject({ result: "POST t1" });
    expect(await told(await post(callText(1, "who")))).toBe("401 Send a token");
    expect(await told(await post("{}", { headers: { authorization: "bug" } }))).toMatch(/^500 Internal error, trace/);
    expect(log.of("error")).toHaveLength(1);
  });
});

describe("limits", () => {
  const body = (...chunks: string[]): RequestInit & { duplex: "half" } => ({
    method: "POST",
    duplex: "half",
    headers: { "content-type": "application/json" },
    body: new ReadableStream<Uint8Array>({
      start(controller) {
        for (const chunk of chunks) controller.enqueue(new TextEncoder().encode(chunk));
        if (chunks.at(-1) !== "…") controller.close();
      },
    }),
  });

  test("a body above the limit is refused, said or not, and one at the limit is not", async () => {
    const { ask, post } = await stage({ handlers: { echo }, maxBodyBytes: 100 });
    const record = callText(1, "echo", `["${"x".repeat(100 - callText(1, "echo", '[""]').length)}"]`);
    expect(record).toHaveLength(100);
    expect((await post(record)).status).toBe(200);
    const message = "413 The body is above the limit of 100 bytes";
    expect(await told(await post(`${record} `, { headers: { "content-length": "101" } }))).toBe(message);
    expect(await told(await ask(body(record.slice(0, 50), record.slice(50))))).toContain("200 ");
    expect(await told(await ask(body(record, " ", "…")))).toBe(message);
  });

  test("by default a body may be as large as a frame", async () => {
    const { post } = await stage({ handlers: { echo }, maxFrameBytes: 60 });
    expect((await post(callText(1, "echo", "[1]"))).status).toBe(200);
    expect((await post(callText(1, "echo", "[1]").padEnd(61))).status).toBe(413);
  });

  test.each([
    ["", {}],
    [", by a hook neither", { parseRequest: (request: Request) => request.text() }],
  ])("a body that does not come is waited for only so long%s", async (_, options) => {
    const { ask, clock } = await stage({ bodyTimeoutMs: 1000, ...options });
    const asked = ask(body("{", "…"));
    await turn();
    clock.advance(1010);
    expect(await told(await asked)).toBe("408 The body did not come within 1000 ms");
  });

  test("identify has the time of a handshake", async () => {
    const { post, clock } = await stage({ identify: () => new Promise(() => {}), handshakeTimeoutMs: 500 });
    const asked = post(callText(1, "x"));
    await turn();
    clock.advance(510);
    expect(await told(await asked)).toBe("503 Not identified within 500 ms");
  });

  test("a compressed body is refused and never unpacked", async () => {
    const { post } = await stage({ handlers: { echo } });
    for (const encoding of ["gzip", "br", "deflate", "identity, gzip"]) {
      const response = await post(callText(1, "echo"), { headers: { "content-encoding": encoding } });
      expect([response.status, response.headers.get("accept-encoding")]).toEqual([415, "identity"]);
    }
    expect((await post(callText(1, "echo"), { headers: { "content-encoding": "identity" } })).status).toBe(200);
  });

  test("requests beyond the bound are refused until others have ended, streams too", async () => {
    const gate = deferred();
    const { post, ask } = await stage({ handlers: { wait: () => gate.promise }, maxRequests: 2 });
    const first = post(callText(1, "wait"));
    const events = new Events(await ask({ headers: { accept: "text/event-stream" } }));
    const third = await post(callText(3, "wait"));
    expect([await told(third), third.headers.get("retry-after")]).toEqual(["503 Too many requests are under way", "1"]);
    await events.leave();
    const fourth = post(callText(4, "wait"));
    gate.resolve();
    expect([(await first).status, (await fourth).status]).toEqual([200, 200]);
  });

  test("the answer may be bounded in time: its calls end, and their handlers are told", async () => {
    const why: unknown[] = [];
    const { post, clock, ask } = await stage({
      answerTimeoutMs: 500,
      parseGet: basicQuery,
      handlers: {
        wait: (_: unknown, { signal }: CallContext) =>
          new Promise((resolve) => signal.addEventListener("abort", () => resolve(why.push(signal.reason)))),
      },
    });
    const asked = [
      post(callText(7, "wait")),
      post(`[${callText(8, "wait")}]`),
      post(noteText("wait")),
      ask({}, "/wait"),
    ];
    await turn();
    clock.advance(510);
    const error = '"error":{"code":-32096,"message":"context deadline exceeded"}';
    expect(await Promise.all(asked.map(async (each) => told(await each)))).toEqual([
      `200 {"jsonrpc":"2.0","id":7,${error}}`,
      `200 [{"jsonrpc":"2.0","id":8,${error}}]`,
      "204",
      '500 {"code":-32096,"message":"context deadline exceeded"}',
    ]);
    expect(why).toHaveLength(4);
  });

  test.each([
    [{ maxBodyBytes: 0 }, RangeError],
    [{ maxRequests: Number.NaN }, RangeError],
    [{ bodyTimeoutMs: -1 }, RangeError],
    [{ path: "rpc" }, TypeError],
    [{ hosts: ["http://x"] }, TypeError],
    [{ cors: { headers: ["a b"] } }, TypeError],
    [{ cors: { credentials: true }, origins: ["*"] }, TypeError],
  ])("the options %j are refused", async (options, type) => {
    await expect(httpStage(options)).rejects.toThrow(type);
  });

  test("a wire that is not JSON-RPC is refused at once", async () => {
    await expect(httpStage({ wire: native() })).rejects.toThrow(
      new TypeError('An HTTP bridge carries JSON-RPC only, not the wire "native": use jsonrpc(), or another address'),
    );
  });
});

describe("who may come in", () => {
  const matrix: readonly (readonly [host: string, headers: Record<string, string>, allowed: boolean])[] = [
    ["localhost:8080", {}, true],
    ["127.0.0.1:8080", {}, true],
    ["[::1]:8080", {}, true],
    ["evil.example:8080", {}, false],
    ["localhost.evil.example", {}, false],
    ["example.org", {}, true],
    ["example.org.evil.example", {}, false],
    ["localhost:8080", { origin: "http://localhost:8080" }, true],
    ["localhost:8080", { origin: "https://app.example" }, true],
    ["localhost:8080", { origin: "https://evil.example" }, false],
    ["localhost:8080", { origin: "null" }, false],
    ["example.org", { origin: "https://example.org" }, true],
    ["localhost:8080", { "sec-fetch-site": "cross-site" }, false],
    ["localhost:8080", { "sec-fetch-site": "same-site" }, false],
    ["localhost:8080", { "sec-fetch-site": "none" }, true],
  ];
  const asked: readonly (readonly [string, RequestInit])[] = [
    ["POST", { method: "POST", body: callText(1, "echo"), headers: { "content-type": "application/json" } }],
    [
      "POST for events",
      {
        method: "POST",
        body: callText(1, "echo"),
        headers: { "content-type": "application/json", accept: "text/event-stream" },
      },
    ],
    ["GET", { method: "GET" }],
    ["GET for events", { method: "GET", headers: { accept: "text/event-stream" } }],
    ["hook", { method: "PUT" }],
  ];

  test.each(asked)("a %s is answered or refused by the same rule", async (name, init) => {
    const { http, log } = await stage({
      handlers: { echo },
      parseGet: basicQuery,
      ...(name === "hook" && { parseRequest: () => callText(1, "echo") }),
      hosts: ["example.org"],
      origins: ["https://app.example"],
    });
    for (const [host, headers, allowed] of matrix) {
      const request = new Request(`http://${host}/echo`, { ...init, headers: { ...init.headers, ...headers } });
      const response = await http.fetch(request);
      expect([host, headers, response.status === 200]).toEqual([host, headers, allowed]);
      if (!allowed) expect(response.status).toBe(403);
      await response.body?.cancel();
    }
    expect(log.of("warn")).toHaveLength(matrix.filter(([, , allowed]) => !allowed).length);
  });

  test("a refusal says what would help, and nothing is read or run for it", async () => {
    const ran: unknown[] = [];
    const { http } = await stage({ handlers: { echo: (params: unknown) => ran.push(params) } });
    const response = await http.fetch(
      new Request("http://evil.example/", {
        method: "POST",
        body: callText(1, "echo"),
        headers: { "content-type": "application/json" },
      }),
    );
    expect(await told(response)).toBe('403 The host "evil.example" is not allowed here: list it in the option hosts');
    expect(ran).toEqual([]);
  });

  test("the header Host counts where the platform shows it", async () => {
    const { http } = await stage({ handlers: { echo } });
    const headers = { host: "evil.example", "content-type": "application/json" };
    const request = new Request("http://localhost/", { method: "POST", body: callText(1, "echo"), headers });
    expect((await http.fetch(request)).status).toBe(403);
  });
});

describe("CORS", () => {
  const preflight = (origin: string): RequestInit => ({
    method: "OPTIONS",
    headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": "content-type" },
  });
  const origin = "https://app.example";

  test("is off: no preflight is answered, and no page may read", async () => {
    const { ask, post } = await stage({ handlers: { echo }, origins: [origin] });
    expect((await ask(preflight(origin))).status).toBe(405);
    const response = await post(callText(1, "echo"), { headers: { origin } });
    expect([response.status, response.headers.get("access-control-allow-origin")]).toEqual([200, null]);
  });

  test("lets the listed origins in, answers and errors alike", async () => {
    const { ask, post } = await stage({ handlers: { echo }, origins: [origin], cors: { headers: ["x-tenant"] } });
    const response = await ask(preflight(origin));
    expect(response.status).toBe(204);
    expect(Object.fromEntries(response.headers)).toEqual({
      "access-control-allow-origin": origin,
      "access-control-allow-methods": "POST, GET",
      "access-control-allow-headers": "content-type, x-tenant",
      "access-control-max-age": "600",
      vary: "origin",
    });
    for (const record of [callText(1, "echo"), "oops"]) {
      const { headers } = await post(record, { headers: { origin } });
      expect([headers.get("access-control-allow-origin"), headers.get("vary")]).toEqual([origin, "origin"]);
    }
    expect((await ask(preflight("https://evil.example"))).status).toBe(403);
    expect((await ask({ method: "OPTIONS" })).status).toBe(405);
    expect((await post(callText(1, "echo"))).headers.get("access-control-allow-origin")).toBeNull();
  });

  test("allows cookies only when asked to", async () => {
    const { post } = await stage({ handlers: { echo }, origins: [origin], cors: { credentials: true } });
    const { headers } = await post(callText(1, "echo"), { headers: { origin } });
    expect(headers.get("access-control-allow-credentials")).toBe("true");
  });
});

describe("events", () => {
  const accept = "text/event-stream";

  test("a POST brings what its handler pushes, and the reply last", async () => {
    const { post } = await stage({
      handlers: {
        work: async (_: unknown, { peer }: CallContext) => {
          for (const percent of [0, 50]) await peer.notify("progress", { percent });
          return "done";
        },
      },
    });
    const events = new Events(await post(callText(1, "work"), { headers: { accept } }));
    expect(await events.next()).toBe('data: {"jsonrpc":"2.0","method":"progress","params":{"percent":0}}');
    expect(await events.next()).toBe('data: {"jsonrpc":"2.0","method":"progress","params":{"percent":50}}');
    expect(await events.next()).toBe('data: {"jsonrpc":"2.0","id":1,"result":"done"}');
    expect(await events.next()).toBeUndefined();
  });

  test("a batch is one event, with its callers' ids, and what wants no answer has none", async () => {
    const { post } = await stage({ handlers: { echo } });
    const events = new Events(
      await post(`[${callText(1, "echo", "[1]")},7,${callText(1, "echo", "[2]")}]`, { headers: { accept } }),
    );
    const data = JSON.parse((await events.next())?.slice(6) ?? "") as { id: unknown; result?: unknown }[];
    expect(data.map(({ id, result }) => [id, result])).toEqual([
      [null, undefined],
      [1, [1]],
      [1, [2]],
    ]);
    expect(await events.next()).toBeUndefined();
    expect((await post(noteText("echo"), { headers: { accept } })).status).toBe(204);
    expect(await told(await post("oops", { headers: { accept } }))).toBe("500 [-32700] invalid request value");
  });

  test("a caller over HTTP can be notified, and a call to it fails at once", async () => {
    const seen: unknown[] = [];
    const { post } = await stage({
      handlers: {
        ask: async (_: unknown, { peer }: CallContext) => {
          const error = await peer.call("x").catch((thrown: unknown) => thrown as RpcError);
          const batch = await peer.batch([["y"], ["n", undefined, { notify: true }]]);
          seen.push(
            error,
            batch.map(({ ok }) => ok),
          );
          return "asked";
        },
      },
    });
    const events = new Events(await post(callText(1, "ask"), { headers: { accept } }));
    expect(await events.next()).toBe('data: {"jsonrpc":"2.0","id":1,"result":"asked"}');
    expect(seen).toEqual([expect.objectContaining({ code: "failed_precondition", executed: "no" }), [false, true]]);
  });

  test("a GET stays, and brings what the server pushes to it", async () => {
    const { ask, http } = await stage();
    const events = new Events(await ask({ headers: { accept } }));
    // Behind the headers there is something at once, for proxies that hold them back until there is.
    expect(await events.next()).toBe(": ");
    expect(http.server.connections).toHaveLength(1);
    for (const connection of http.server.connections) await connection.notify("tick", [1]);
    expect(await events.next()).toBe('data: {"jsonrpc":"2.0","method":"tick","params":[1]}');
    await events.leave();
    await turn();
    expect(http.server.connections).toEqual([]);
  });

  test("a POST whose reply takes long is kept alive by comments", async () => {
    const gate = deferred();
    const { post, clock } = await stage({
      heartbeat: { intervalMs: 1000, timeoutMs: 500 },
      handlers: { work: () => gate.promise },
    });
    const posted = post(callText(1, "work"), { headers: { accept } });
    await turn();
    for (let step = 0; step < 100; step++) {
      clock.advance(100);
      await turn(1);
    }
    const events = new Events(await posted);
    gate.resolve();
    const seen: (string | undefined)[] = [];
    do seen.push(await events.next());
    while (seen.at(-1) !== undefined);
    expect(new Set(seen.splice(0, seen.length - 2))).toEqual(new Set([": "]));
    expect(seen).toEqual(['data: {"jsonrpc":"2.0","id":1,"result":null}', undefined]);
  });

  test("a quiet stream has a comment at each heartbeat", async () => {
    const { ask, clock, http } = await stage({ heartbeat: { intervalMs: 1000, timeoutMs: 500 } });
    const events = new Events(await ask({ headers: { accept } }));
    for (let beat = 0; beat < 5; beat++) {
      await turn();
      for (let step = 0; step < 11; step++) clock.advance(100);
      expect(await events.next()).toBe(": ");
    }
    expect(http.server.connections).toHaveLength(1);
  });

  test("who does not read makes its sender wait, and is dropped at the bound", async () => {
    const { ask, http, clock } = await stage({ maxQueuedBytes: 1 << 20 });
    const events = new Events(await ask({ headers: { accept } }));
    const [connection] = http.server.connections;
    const text = "x".repeat(10_000);
    let told = 0;
    for (let sent = 0; sent < 60; sent++)
      void connection?.notify("big", [text]).then(
        () => told++,
        () => {},
      );
    await turn();
    // What one flush takes.
    expect(told).toBeGreaterThan(0);
    void Array.from({ length: 200 }, () =>
      connection?.notify("big", [text]).then(
        () => told++,
        () => {},
      ),
    );
    await turn();
    expect(told).toBeLessThan(130);
    expect((connection as Connection).stats().queuedBytes).toBeLessThan(3 << 20);
    for (let step = 0; step < 320; step++) clock.advance(100);
    await turn();
    expect(http.server.connections).toEqual([]);
    await expect(
      (async () => {
        while ((await events.next()) !== undefined);
      })(),
    ).rejects.toThrow();
  });

  test("who leaves in the middle of a POST has its handler told", async () => {
    const why = deferred<unknown>();
    const { post } = await stage({
      handlers: {
        work: async (_: unknown, { peer, signal }: CallContext) => {
          await peer.notify("begun");
          signal.addEventListener("abort", () => why.resolve(signal.reason));
          await why.promise;
        },
      },
    });
    const events = new Events(await post(callText(1, "work"), { headers: { accept } }));
    await events.next();
    await events.leave();
    expect(await why.promise).toMatchObject({ code: "unavailable" });
  });

  test("a server that closes ends its streams, and breaks off those that still owe a reply", async () => {
    const { post, ask, http } = await stage({
      handlers: {
        work: async (_: unknown, { peer }: CallContext) => {
          await peer.notify("begun");
          return new Promise(() => {});
        },
      },
    });
    const pushed = new Events(await ask({ headers: { accept } }));
    const owed = new Events(await post(callText(1, "work"), { headers: { accept } }));
    await Promise.all([owed.next(), pushed.next()]);
    await http.close({ graceMs: 0 });
    expect(await pushed.next()).toBeUndefined();
    await expect(owed.next()).rejects.toThrow();
  });

  test("a refused link is no stream, and the option turns them off", async () => {
    const { post } = await stage({
      onConnect: () => {
        throw new RpcError("unauthenticated", "Who are you?");
      },
    });
    expect(await told(await post(callText(1, "x"), { headers: { accept } }))).toBe("401 Who are you?");
    const off = await stage({ events: false, handlers: { echo } });
    expect((await off.ask({ headers: { accept } })).status).toBe(405);
    const response = await off.post(callText(1, "echo"), { headers: { accept } });
    expect(response.headers.get("content-type")).toBe("application/json");
  });
});

describe("a caller that goes away", () => {
  const waiting = (ended: (reason: unknown) => void): object => ({
    wait: (_: unknown, { signal }: CallContext) =>
      new Promise(() => signal.addEventListener("abort", () => ended(signal.reason))),
  });

  test("has the handler of its call told", async () => {
    const why = deferred<unknown>();
    const { post, http } = await stage({ handlers: waiting(why.resolve) });
    const abort = new AbortController();
    void post(callText(1, "wait"), { signal: abort.signal });
    await until(() => http.server.stats().running === 1);
    abort.abort();
    expect(await why.promise).toMatchObject({ code: "unavailable" });
    await turn();
    expect(http.server.connections).toEqual([]);
  });

  test("before its call has begun has nothing run", async () => {
    const ran: string[] = [];
    const gate = deferred();
    const { post } = await stage({ handlers: { run: () => ran.push("it") }, onConnect: () => gate.promise });
    const abort = new AbortController();
    void post(callText(1, "run"), { signal: abort.signal });
    await turn();
    abort.abort();
    gate.resolve();
    await turn();
    expect(ran).toEqual([]);
  });

  test("in the middle of its body is no call", async () => {
    const { ask, http } = await stage();
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new Uint8Array([0x7b]));
        queueMicrotask(() => controller.error(new Error("reset")));
      },
    });
    const init = { method: "POST", body, duplex: "half", headers: { "content-type": "application/json" } };
    expect(await told(await ask(init as RequestInit))).toBe("400 The body broke off");
    expect(http.server.stats().accepts).toBe(0);
  });
});

describe("closing", () => {
  test("answers what runs, then the link ends; later requests are refused", async () => {
    const gate = deferred();
    const { post, http } = await stage({ handlers: { wait: () => gate.promise } });
    const running = post(callText(1, "wait"));
    await turn();
    const closing = http.close();
    gate.resolve();
    expect(await told(await running)).toBe('200 {"jsonrpc":"2.0","id":1,"result":null}');
    await closing;
    expect(await told(await post(callText(1, "wait")))).toBe("500 the client has been stopped");
  });

  test("without grace says that there is no answer", async () => {
    const { post, http } = await stage({ handlers: { wait: () => new Promise(() => {}) } });
    const running = [post(callText(1, "wait")), post(`[${noteText("wait")}]`)];
    await turn();
    await http.close({ graceMs: 0 });
    const answers = await Promise.all(running.map(async (each) => told(await each)));
    expect(answers).toEqual(["503 The server closed before it answered", "204"]);
  });

  test("a bridge has one server at a time, and may have another after that", async () => {
    const bridge = new HttpBridge();
    const request = (): Request =>
      new Request("http://localhost", {
        method: "POST",
        body: callText(1, "x"),
        headers: { "content-type": "application/json" },
      });
    expect(await told(await bridge.fetch(request()))).toBe("503 Nobody serves here yet");
    for (const name of ["one", "two"]) {
      const server = await Server.open([bridge.listen], jsonrpc(), { handlers: { x: () => name } });
      expect(server.addresses).toEqual(["http:/"]);
      await expect(Server.open([bridge.listen], jsonrpc(), {})).rejects.toThrow("make another bridge");
      expect(await (await bridge.fetch(request())).json()).toMatchObject({ result: name });
      await server.close();
    }
  });
});

test("fetch looks at the request alone: what else a platform passes to it is no identity", async () => {
  const { http } = await stage({ handlers: { who: (_: unknown, { identity }: CallContext) => identity ?? "nobody" } });
  const fetch = http.fetch as (request: Request, environment: unknown) => Promise<Response>;
  const headers = { "content-type": "application/json" };
  const request = new Request("http://localhost/", { method: "POST", body: callText(1, "who"), headers });
  expect(await (await fetch(request, { identity: "admin" })).json()).toMatchObject({ result: "nobody" });
});

test("a caller that has left by the time its body is read has nothing run", async () => {
  const { ask, http } = await stage({ answerTimeoutMs: 60_000 });
  const abort = new AbortController();
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      abort.abort();
      controller.enqueue(new TextEncoder().encode(callText(1, "x")));
      controller.close();
    },
  });
  const init = { method: "POST", body, duplex: "half", headers: { "content-type": "application/json" } };
  await ask({ ...init, signal: abort.signal } as RequestInit).catch(() => {});
  expect(http.server.stats().accepts).toBe(0);
});

describe("hooks", () => {
  test("parseRequest makes a message of any request, as a value, text or bytes", async () => {
    const { ask } = await stage({
      handlers: { echo },
      parseRequest: async (request) => {
        const form = Object.fromEntries(new URLSearchParams(await request.text()));
        const message = { jsonrpc: "2.0", id: 1, method: "echo", params: form };
        if (request.method === "PUT") return JSON.stringify(message);
        if (request.method === "PATCH") return new TextEncoder().encode(JSON.stringify(message));
        return request.method === "DELETE" ? undefined : message;
      },
    });
    for (const method of ["POST", "PUT", "PATCH"]) {
      expect(await told(await ask({ method, body: "a=1" }))).toBe('200 {"jsonrpc":"2.0","id":1,"result":{"a":"1"}}');
    }
    expect((await ask({ method: "DELETE" })).status).toBe(204);
  });

  test("its error is a 500 that says what an RpcError says and hides anything else; its body is bounded", async () => {
    let thrown: Error = new RpcError("invalid_argument", "no form");
    const { ask, log } = await stage({
      maxBodyBytes: 10,
      parseRequest: async (request) => {
        await request.text();
        throw thrown;
      },
    });
    expect(await told(await ask({ method: "POST", body: "x" }))).toBe("500 no form");
    thrown = new Error("a secret");
    expect(await told(await ask({ method: "POST", body: "x" }))).toBe("500 Internal error");
    expect(log.of("error")).toHaveLength(1);
    expect((await ask({ method: "POST", body: "x".repeat(11) })).status).toBe(413);
  });

  test("a GET below the bridge's path is a call", async () => {
    const { ask } = await stage({ path: "/rpc/", handlers: { math: { echo } }, parseGet: typedQuery });
    expect(await told(await ask({}, "/rpc/math.echo?a=1&b=x"))).toBe('200 {"a":1,"b":"x"}');
    expect(await told(await ask({}, "/rpc/nope"))).toContain('404 {"code":-32601');
    expect((await ask({}, "/rpc")).status).toBe(400);
    expect((await ask({}, "/other/math.echo")).status).toBe(404);
    expect((await ask({}, "/rpcs")).status).toBe(404);
  });

  test("a rule of one's own sees the whole request", async () => {
    const { ask } = await stage({
      handlers: { echo },
      parseGet: ({ path, request }) => ({ method: path.slice(1), params: [request.headers.get("x-id"), request.url] }),
    });
    expect(await told(await ask({ headers: { "x-id": "7" } }, "/echo?q"))).toBe(
      '200 ["7","http://localhost:8080/echo?q"]',
    );
  });

  test("what a rule throws is a 400, and params that no JSON has a 500", async () => {
    let thrown: Error = new RpcError("invalid_argument", "no such form");
    const { ask } = await stage({
      handlers: { echo },
      parseGet: ({ path }) => {
        if (path === "/scalar") return { method: "echo", params: 7 };
        throw thrown;
      },
    });
    expect(await told(await ask({}, "/x"))).toBe('400 {"code":-32700,"message":"no such form"}');
    thrown = new Error("a secret");
    expect(await told(await ask({}, "/x"))).toBe('400 {"code":-32700,"message":"Internal error"}');
    expect(await told(await ask({}, "/scalar"))).toContain("500 ");
  });
});
