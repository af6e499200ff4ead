import { afterEach, describe, expect, test } from "vitest";
import type { Client, ConnectOptions } from "../src/client/client.ts";
import { ManualClock } from "../src/core/clock.ts";
import type { RpcError } from "../src/core/errors.ts";
import { connectHttp, type HttpConnectOptions, httpDialer } from "../src/http.ts";
import type { CallContext } from "../src/index.ts";
import { CANCELLED_NOTIFICATION, jsonrpc } from "../src/jsonrpc.ts";
import { native } from "../src/wires/native.ts";
import { codeOf, Log, pass } from "./suites/engine.ts";
import { httpStage } from "./suites/http-ends.ts";
import { deferred, turn, until } from "./suites/support.ts";

type Options = ConnectOptions<never> & HttpConnectOptions;

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** One request as it reached the server. */
interface Sent {
  readonly method: string;
  readonly body: string;
  readonly headers: Headers;
  readonly signal: AbortSignal;
  readonly url: string;
}

/** A client of whatever answers its requests, in virtual time. */
async function clientOf(
  answer: (sent: Sent) => Response | Promise<Response>,
  options: Options = {},
  url = "http://localhost:8080/rpc",
): Promise<{ client: Client; sent: Sent[]; clock: ManualClock; log: Log }> {
  const sent: Sent[] = [];
  const clock = (options.clock as ManualClock | undefined) ?? new ManualClock();
  const log = new Log();
  const client = await connectHttp<unknown, never>(url, {
    clock,
    logger: log,
    redial: false,
    fetch: async (to, init) => {
      const request = new Request(to, init);
      const { method, headers } = request;
      const { signal } = init as { signal: AbortSignal };
      const one = { method, headers, signal, url: to, body: await request.text() };
      sent.push(one);
      return new Promise((resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason as Error));
        void Promise.resolve(answer(one)).then(resolve, reject);
      });
    },
    ...options,
  });
  cleanups.push(async () => {
    await client.close({ graceMs: 0 });
    expect(clock.listeners).toBe(0);
  });
  return { client, sent, clock, log };
}

const json = (body: string, init?: ResponseInit): Response =>
  new Response(body, { headers: { "content-type": "application/json" }, ...init });
const idOf = ({ body }: Sent): number => (JSON.parse(body) as { id: number }).id;
const ok = (sent: Sent): Response => json(`{"jsonrpc":"2.0","id":${idOf(sent)},"result":"ok"}`);
const isCall = ({ body }: Sent): boolean => body.includes('"id":');
const methodOf = ({ body }: Sent): string => (JSON.parse(body) as { method: string }).method;

describe("a client over HTTP", () => {
  test("posts each message, and nothing before the first", async () => {
    const { client, sent } = await clientOf((one) => (isCall(one) ? ok(one) : new Response(null, { status: 204 })));
    await turn();
    expect([client.state, sent.length]).toEqual(["open", 0]);
    expect(await client.call("m", [1])).toBe("ok");
    await client.notify("n", { a: 1 });
    await turn();
    expect(sent.map(({ body }) => body)).toEqual([
      '{"jsonrpc":"2.0","id":1,"method":"m","params":[1]}',
      '{"jsonrpc":"2.0","method":"n","params":{"a":1}}',
    ]);
    for (const { method, headers, url } of sent) {
      expect([method, url]).toEqual(["POST", "http://localhost:8080/rpc"]);
      expect(Object.fromEntries(headers)).toEqual({ "content-type": "application/json", accept: "application/json" });
    }
  });

  test("calls a bridge: results, errors, batches", async () => {
    const { http, clock } = await httpStage({
      handlers: { add: ([a, b]: [number, number]) => a + b, fail: () => Promise.reject(new Error("hidden")) },
    });
    cleanups.push(() => http.close());
    const client = await connectHttp<unknown, never>("http://localhost/", {
      clock,
      fetch: (url, init) => http.fetch(new Request(url, init)),
    });
    cleanups.push(() => client.close());
    expect(await client.call("add", [1, 2])).toBe(3);
    expect(await codeOf(client.call("nope"))).toBe("unimplemented/-");
    expect(await codeOf(client.call("fail"))).toBe("internal/-");
    const outcomes = await client.batch([["add", [1, 1]], ["add", [0, 0], { notify: true }], ["nope"]]);
    expect(outcomes.map((each) => (each.ok ? each.value : each.error.code))).toEqual([2, undefined, "unimplemented"]);
    const many = Array.from({ length: 500 }, (_, n) => client.call("add", [n, 1]));
    expect(await Promise.all(many)).toEqual(many.map((_, n) => n + 1));
  });

  test("nothing passes a notification on an ordered wire, and everything does otherwise", async () => {
    for (const ordered of [true, false]) {
      const gate = deferred();
      const { client, sent } = await clientOf(
        async (one) => {
          if (isCall(one)) return ok(one);
          await gate.promise;
          return new Response(null, { status: 204 });
        },
        { wire: jsonrpc({ ordered }) },
      );
      void client.call("before");
      void client.notify("note");
      const after = client.call("after");
      await turn();
      expect(sent.map(methodOf)).toEqual(ordered ? ["before", "note"] : ["before", "note", "after"]);
      gate.resolve();
      await after;
      expect(sent.map(methodOf)).toEqual(["before", "note", "after"]);
    }
  });

  test("a notification that is never answered holds the others for 20 s at most", async () => {
    const { client, clock, sent } = await clientOf((one) => (isCall(one) ? ok(one) : new Promise<Response>(() => {})));
    void client.notify("note");
    const after = client.call("after", undefined, { timeoutMs: 60_000 });
    await pass(clock, 19_900, 100);
    expect(sent).toHaveLength(1);
    await pass(clock, 200, 100);
    expect(await after).toBe("ok");
    await client.close();
    await pass(clock, 5100);
  });

  test("has a bounded number of requests under way, and says so when many wait", async () => {
    const gates: (() => void)[] = [];
    const { client, sent } = await clientOf((one) => new Promise((resolve) => gates.push(() => resolve(ok(one)))), {
      maxRequests: 3,
    });
    const calls = Array.from({ length: 1000 }, () => client.call("m"));
    await turn();
    expect(sent).toHaveLength(3);
    // What the channel did not take waits where a caller can still have it back.
    expect(client.stats().queued).toBeGreaterThan(400);
    while (sent.length < 1000 || gates.length > 0) {
      for (const open of gates.splice(0)) open();
      await turn(1);
    }
    expect(new Set(await Promise.all(calls))).toEqual(new Set(["ok"]));
  });

  test("a call that is given up takes its request with it, sent or not", async () => {
    const { client, sent, clock } = await clientOf(() => new Promise(() => {}), { maxRequests: 2 });
    const abort = new AbortController();
    const calls = ["a", "b", "c"].map((name) => codeOf(client.call(name, [], { signal: abort.signal })));
    const late = codeOf(client.call("late", [], { timeoutMs: 100 }));
    await turn();
    expect(sent.map(({ signal }) => signal.aborted)).toEqual([false, false]);
    abort.abort();
    expect(await Promise.all(calls)).toEqual(Array(3).fill("cancelled/unknown"));
    await turn();
    expect(sent.map((one) => [methodOf(one), one.signal.aborted])).toEqual([
      ["a", true],
      ["b", true],
      ["late", false],
    ]);
    await pass(clock, 200);
    expect([await late, sent[2]?.signal.aborted, client.state]).toEqual(["deadline_exceeded/unknown", true, "open"]);
  });

  test("MCP's cancel is said, too; a batch ends when nobody waits for any of it", async () => {
    const { client, sent } = await clientOf(
      (one) =>
        isCall(one) && !one.body.includes("requestId")
          ? new Promise<Response>(() => {})
          : new Response(null, { status: 202 }),
      { wire: jsonrpc({ cancel: CANCELLED_NOTIFICATION }) },
    );
    const abort = new AbortController();
    const batch = client.batch([["a"], ["b"]], { signal: abort.signal });
    await turn();
    abort.abort();
    await batch;
    await until(() => sent.length === 3);
    expect(sent[0]?.signal.aborted).toBe(true);
    expect(sent.slice(1).map(({ body }) => body)).toEqual(
      [1, 2].map((id) => `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${id}}}`),
    );
  });

  test.each([
    ["no cancel", false, []],
    ["a cancel of its own", { method: "CancelMe", key: "call" }, [1, 2]],
  ] as const)("a wire with %s: calls whose time is over free their requests", async (_, cancel, said) => {
    const { client, sent, clock } = await clientOf(
      (one) => (!isCall(one) ? new Response(null, { status: 204 }) : idOf(one) < 3 ? new Promise(() => {}) : ok(one)),
      { wire: jsonrpc({ cancel }), maxRequests: 2 },
    );
    const late = ["a", "b"].map((name) => codeOf(client.call(name, [], { timeoutMs: 100 })));
    await pass(clock, 200);
    expect(await Promise.all(late)).toEqual(Array(2).fill("deadline_exceeded/unknown"));
    expect(sent.slice(0, 2).map(({ signal }) => signal.aborted)).toEqual([true, true]);
    expect(await client.call("next")).toBe("ok");
    expect(sent.filter((one) => !isCall(one)).map(({ body }) => body)).toEqual(
      said.map((id) => `{"jsonrpc":"2.0","method":"CancelMe","params":{"call":${id}}}`),
    );
  });

  test("calls that are given up while they wait for a request leave the queue unposted", async () => {
    const gate = deferred();
    const { client, sent, clock } = await clientOf(
      async (one) => {
        await gate.promise;
        return ok(one);
      },
      { wire: jsonrpc({ cancel: false }), maxRequests: 1 },
    );
    const first = client.call("first");
    await turn();
    // More than the channel takes: those behind can leave only when these have made room.
    const late = Array.from({ length: 400 }, () => codeOf(client.call("late", [], { timeoutMs: 100 })));
    await pass(clock, 200);
    await Promise.all(late);
    const next = client.call("next");
    gate.resolve();
    expect([await first, await next]).toEqual(["ok", "ok"]);
    expect(sent.map(methodOf)).toEqual(["first", "next"]);
  });

  test("a notification that is never answered gives its request up after 60 s", async () => {
    const { client, clock, sent, log } = await clientOf(
      (one) => (isCall(one) ? ok(one) : new Promise<Response>(() => {})),
      { wire: jsonrpc({ ordered: false }), maxRequests: 1 },
    );
    void client.notify("note");
    const after = client.call("after", undefined, { timeoutMs: 100_000 });
    await pass(clock, 59_900, 100);
    expect([sent.length, sent[0]?.signal.aborted]).toEqual([1, false]);
    await pass(clock, 200, 100);
    expect(await after).toBe("ok");
    expect([sent[0]?.signal.aborted, client.state]).toEqual([true, "open"]);
    expect(log.of("warn")).toEqual([
      "http://localhost:8080/rpc did not answer a notification within 60 s: its request was broken off",
    ]);
  });

  test("close lets notifications arrive, and ends calls and their requests", async () => {
    const gate = deferred();
    const { client, sent } = await clientOf(async (one) => {
      if (isCall(one)) return new Promise(() => {});
      await gate.promise;
      return new Response(null, { status: 204 });
    });
    const call = codeOf(client.call("m"));
    void client.notify("one");
    void client.notify("two");
    await turn();
    const closed = client.close();
    expect(await call).toBe("cancelled/unknown");
    gate.resolve();
    await closed;
    await until(() => sent.length === 3);
    expect(sent.map((one) => [methodOf(one), one.signal.aborted])).toEqual([
      ["m", true],
      ["one", false],
      ["two", false],
    ]);
  });
});

describe("an answer that is none", () => {
  const failed = async (response: () => Response): Promise<readonly unknown[]> => {
    const { client } = await clientOf(response);
    const error = await client.call("m").catch((thrown: unknown) => thrown as RpcError);
    await turn();
    const { wireCode, message, executed } = error as RpcError;
    return [wireCode, message, executed, client.state];
  };

  test.each([
    [418, "I'm a teapot", -32603, "stopped", "unknown"],
    [404, "Not Found", -32603, "stopped", "unknown"],
    [302, "Found", -32603, "stopped", "unknown"],
    [401, "Unauthorized", -32093, "stopped", "unknown"],
    [403, "Forbidden", -32092, "stopped", "unknown"],
    [500, "Internal Server Error", -32603, "open", "unknown"],
    [413, "Payload Too Large", -32095, "open", "no"],
  ])(
    "status %i %s fails its call, and ends the link unless it is about this one alone",
    async (status, statusText, code, state, executed) => {
      const outcome = await failed(() => new Response("no\n", { status, statusText }));
      const advice = status === 302 ? ". Redirects are not followed: connect to where it points" : "";
      expect(outcome).toEqual([code, `unexpected HTTP status ${status} ${statusText}: no${advice}`, executed, state]);
    },
  );

  test.each([429, 502, 503, 504])("status %i is a lost link, which may come back", async (status) => {
    const { client } = await clientOf(() => new Response(null, { status, headers: { "retry-after": "7" } }));
    const other = codeOf(client.call("other"));
    const error = await client.call("m").catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "unavailable", executed: "unknown" });
    expect((error as RpcError).message).toContain(`unexpected HTTP status ${status}`);
    expect(await other).toBe("unavailable/unknown");
    expect(await client.closed).toMatchObject({ redialAfterMs: 7000 });
  });

  test("a client that redials waits as long as the server asks for", async () => {
    let status = 503;
    const { client, clock } = await clientOf(
      (one) => (status === 200 ? ok(one) : new Response(null, { status, headers: { "retry-after": "7" } })),
      { redial: { baseMs: 10, maxMs: 10 } },
    );
    expect(await codeOf(client.call("m"))).toBe("unavailable/unknown");
    status = 200;
    const next = client.call("m");
    await pass(clock, 6900);
    expect(client.state).toBe("connecting");
    await pass(clock, 200);
    expect(await next).toBe("ok");
  });

  test("what a server says about a status is told, if that is text, and not at any length", async () => {
    const [, message] = await failed(() => new Response(`list it\u0007 ${"x".repeat(9999)}`, { status: 403 }));
    expect(message).toContain("unexpected HTTP status 403: list it\\u0007 xxx");
    expect(String(message).length).toBeLessThan(600);
    const page = (): Response => new Response("<p>", { status: 403, headers: { "content-type": "text/html" } });
    expect((await failed(page))[1]).toBe("unexpected HTTP status 403");
  });

  test.each([
    ["204 without content", () => new Response(null, { status: 204 }), "no answer came, HTTP status 204"],
    ["nothing", () => json(""), "the answer is no JSON-RPC message, content type application/json"],
    [
      "a page",
      () => new Response("<p>", { headers: { "content-type": "text/html" } }),
      "the answer is no JSON-RPC message, content type text/html",
    ],
  ])("%s fails its call alone", async (_, response, message) => {
    expect(await failed(response)).toEqual([-32603, message, "unknown", "open"]);
  });

  test("a stream of events fails its call alone, and is not waited for", async () => {
    const cancelled = deferred();
    const { client } = await clientOf(() => {
      const body = new ReadableStream({ cancel: () => cancelled.resolve() });
      return new Response(body, { headers: { "content-type": "text/event-stream; charset=utf-8" } });
    });
    await expect(client.call("m")).rejects.toMatchObject({
      code: "internal",
      executed: "unknown",
      message: "the answer is a stream of events, which is read of a GET only: have the server answer with JSON",
    });
    await cancelled.promise;
    expect(client.state).toBe("open");
  });

  test("one above the limit is not read, and fails its call alone", async () => {
    let cancelled = false;
    let pulls = 0;
    const { client } = await clientOf(
      (one) => {
        if (methodOf(one) === "small") return ok(one);
        const body = new ReadableStream<Uint8Array>({
          pull: (controller) => controller.enqueue(new Uint8Array(pulls++ === 0 ? 300 : 1000)),
          cancel: () => {
            cancelled = true;
          },
        });
        return new Response(body);
      },
      { maxFrameBytes: 1000 },
    );
    const calls = [client.call("large"), client.call("small")];
    expect(await codeOf(calls[0] as Promise<unknown>)).toBe("resource_exhausted/yes");
    expect(await calls[1]).toBe("ok");
    expect([cancelled, pulls < 5]).toEqual([true, true]);
  });

  test("a request that breaks is a lost link", async () => {
    const { client } = await clientOf(() =>
      Promise.reject(new TypeError("fetch failed", { cause: new Error("connect ECONNREFUSED") })),
    );
    const error = await client.call("m").catch((thrown: unknown) => thrown as RpcError);
    expect(error).toMatchObject({ code: "unavailable", executed: "unknown" });
    expect((error as RpcError).message).toBe(
      'Lost "m": Cannot post to http://localhost:8080/rpc: connect ECONNREFUSED',
    );
  });

  const systemError = (code: string, syscall?: string): Error => Object.assign(new Error(code), { code, syscall });

  test.each([
    ["a connection that was refused", "no", systemError("ECONNREFUSED", "connect")],
    ["a name that nobody knows", "no", systemError("ENOTFOUND", "getaddrinfo")],
    ["no route", "no", systemError("EHOSTUNREACH", "connect")],
    ["addresses that were all refused", "no", new AggregateError([systemError("ECONNREFUSED", "connect")])],
    ["no connection in time", "no", systemError("UND_ERR_CONNECT_TIMEOUT")],
    ["a certificate that is not trusted", "no", systemError("DEPTH_ZERO_SELF_SIGNED_CERT")],
    ["a certificate of another", "no", systemError("ERR_TLS_CERT_ALTNAME_INVALID")],
    ["a connection that broke", "unknown", systemError("ECONNRESET", "read")],
    ["a network that went away", "unknown", systemError("EHOSTUNREACH", "read")],
    ["an address of several that is none", "unknown", new AggregateError([systemError("ECONNRESET", "read")])],
    ["nothing", "unknown", new AggregateError([])],
    ["a peer that ends", "unknown", systemError("UND_ERR_SOCKET")],
    ["a secret", "unknown", undefined],
  ])("a fetch that fails by %s has executed %s", async (_, executed, cause) => {
    const { client } = await clientOf(() => Promise.reject(new TypeError("fetch failed", { cause })));
    expect(await codeOf(client.call("m"))).toBe(`unavailable/${executed}`);
  });

  test("what waits behind a request that breaks was not sent, and leaves over the next link", async () => {
    let broken = true;
    const { client, clock, sent } = await clientOf(
      (one) => {
        if (!broken) return isCall(one) ? ok(one) : new Response(null, { status: 204 });
        broken = false;
        return new Response(null, { status: 503, headers: { "retry-after": "1" } });
      },
      { maxRequests: 1, redial: { baseMs: 10, maxMs: 10 } },
    );
    const calls = ["a", "b", "c"].map((name) => codeOf(client.call(name)));
    await pass(clock, 1200);
    expect(await Promise.all(calls)).toEqual(["unavailable/unknown", "ok", "ok"]);
    broken = true;
    void client.notify("note");
    const behind = codeOf(client.call("behind"));
    await pass(clock, 1200);
    expect(await behind).toBe("ok");
    expect(sent.map(methodOf)).toEqual(["a", "b", "c", "note", "behind"]);
  });

  test("what waits behind it fails as not sent where nobody dials again", async () => {
    const { client } = await clientOf(() => new Response(null, { status: 503 }), { maxRequests: 1 });
    const outcomes = await Promise.all(["a", "b"].map((name) => codeOf(client.call(name))));
    expect(outcomes).toEqual(["unavailable/unknown", "unavailable/no"]);
  });

  test("a notification that is refused is logged", async () => {
    const { client, log } = await clientOf(() => new Response(null, { status: 413 }));
    await client.notify("n");
    await turn();
    expect([client.state, log.of("warn")]).toEqual([
      "open",
      ["http://localhost:8080/rpc refused a notification, HTTP status 413"],
    ]);
  });
});

describe("the requests", () => {
  test("have the given headers, and those that this end must set", async () => {
    const { client, sent } = await clientOf(ok, {
      headers: { "x-tenant": "a", Accept: "application/json, text/event-stream", authorization: "Bearer t" },
    });
    await client.call("m");
    expect(Object.fromEntries(sent[0]?.headers ?? [])).toEqual({
      "x-tenant": "a",
      accept: "application/json, text/event-stream",
      "content-type": "application/json",
      authorization: "Bearer t",
    });
  });

  test.each(["Content-Type", "content-length"])("have a %s of their own: another is refused at once", async (name) => {
    const why = `The header "${name}" cannot be set: it is that of the message`;
    expect(() => httpDialer({ url: "http://x/", headers: { [name]: "1" } })).toThrow(new TypeError(why));
    const { client, sent } = await clientOf(ok, { headers: () => ({ [name]: "1" }), redial: { baseMs: 1000 } });
    await expect(client.call("m")).rejects.toMatchObject({
      code: "unavailable",
      executed: "no",
      message: `Cannot post to http://localhost:8080/rpc: ${why}`,
    });
    expect(sent).toEqual([]);
  });

  test("that wait for their headers were not sent when the link is lost", async () => {
    const token = deferred();
    let number = 0;
    const { client, sent } = await clientOf(() => new Response(null, { status: 503 }), {
      headers: async () => {
        if (++number > 1) await token.promise;
        return {};
      },
    });
    expect(await Promise.all(["a", "b"].map((name) => codeOf(client.call(name))))).toEqual([
      "unavailable/unknown",
      "unavailable/no",
    ]);
    token.resolve();
    await turn();
    expect(sent).toHaveLength(1);
  });

  test("whose headers fail were not sent, and leave when there are some", async () => {
    let hasToken = false;
    const { client, clock } = await clientOf(ok, {
      redial: { baseMs: 10, maxMs: 10 },
      headers: async () => {
        if (!hasToken) throw new Error("no token");
        return {};
      },
    });
    const call = client.call("m");
    await pass(clock, 200);
    hasToken = true;
    await pass(clock, 200);
    expect(await call).toBe("ok");
  });

  test("may have new headers each time; who fails to give them loses the link", async () => {
    let number = 0;
    const { client, sent } = await clientOf(ok, {
      headers: async () => {
        if (number === 2) throw new Error("no token");
        return { "x-number": String(++number) };
      },
    });
    await client.call("m");
    await client.call("m");
    expect(sent.map(({ headers }) => headers.get("x-number"))).toEqual(["1", "2"]);
    const error = await client.call("m").catch((thrown: unknown) => thrown as RpcError);
    expect((error as RpcError).message).toContain("no token");
  });

  test("say user and password of the address as Basic authorization", async () => {
    const { client, sent } = await clientOf(ok, {}, "http://ann:p%C3%A4ss@127.0.0.1:8080/rpc?x=1#y");
    await client.call("m");
    expect(sent[0]?.url).toBe("http://127.0.0.1:8080/rpc?x=1");
    expect(sent[0]?.headers.get("authorization")).toBe(`Basic ${Buffer.from("ann:päss").toString("base64")}`);
  });

  test.each([
    ["http://example.org/", { authorization: "Bearer t" }, 'the header "authorization"'],
    ["http://example.org/", { Cookie: "a=b" }, 'the header "Cookie"'],
    ["http://ann:pass@example.org/", {}, "the user or password of the address"],
    ["http://example.org/?access_token=t", {}, 'the query parameter "access_token"'],
    ["http://192.168.1.2/", { "X-Api-Key": "k" }, 'the header "X-Api-Key"'],
  ])("to %s with %j are refused: it would cross the network as plain text", (url, headers, what) => {
    const why = `${what} would cross the network as plain text. Use https://, or set plaintextCredentials`;
    expect(() => httpDialer({ url, headers })).toThrow(TypeError);
    expect(() => httpDialer({ url, headers })).toThrow(why);
    expect(() => httpDialer({ url, headers, plaintextCredentials: true })).not.toThrow();
    expect(() => httpDialer({ url: url.replace("http:", "https:"), headers })).not.toThrow();
  });

  test("a credential that is given later is refused as well, and never sent", async () => {
    const { client, sent } = await clientOf(
      ok,
      { headers: () => ({ authorization: "Bearer t" }) },
      "http://example.org/",
    );
    const error = await client.call("m").catch((thrown: unknown) => thrown as RpcError);
    expect((error as RpcError).message).toContain("would cross the network as plain text");
    expect(sent).toEqual([]);
  });

  test.each(["http://127.0.0.1:1/", "http://localhost/", "http://[::1]/", "https://example.org/"])(
    "to %s may have credentials",
    (url) => void httpDialer({ url, headers: { authorization: "Bearer t" } }),
  );

  test.each([
    [{ url: "nonsense" }, TypeError],
    [{ url: "ftp://x/" }, TypeError],
    [{ url: "http://x/", headers: { "a b": "c" } }, TypeError],
    [{ url: "http://x/", headers: { a: "b\nc" } }, TypeError],
    [{ url: "http://x/", maxRequests: 0 }, RangeError],
  ])("%j is refused at once", (target, type) => expect(() => httpDialer(target)).toThrow(type));

  test("another wire is refused at once", async () => {
    await expect(connectHttp("http://localhost/", { wire: native() })).rejects.toThrow(
      new TypeError(
        'An address http:// carries JSON-RPC only, not the wire "native": use jsonrpc(), or another address',
      ),
    );
  });
});

describe("the stream of events", () => {
  const withEvents = async (options: Options = {}) => {
    const notes: unknown[] = [];
    const { http, clock, log } = await httpStage({
      handlers: {
        echo: (params: unknown) => params,
        wait: (_: unknown, { signal }: CallContext) =>
          new Promise((resolve) => {
            signal.addEventListener("abort", () => resolve("told"));
            void gate.promise.then(() => resolve("opened"));
          }),
      },
      heartbeat: { intervalMs: 1000, timeoutMs: 1000 },
    });
    const gate = deferred();
    const client = await connectHttp<unknown, never>("http://localhost/", {
      clock,
      events: true,
      redial: false,
      logger: log,
      fetch: (url, init) => http.fetch(new Request(url, init)),
      handlers: { note: (params: unknown) => void notes.push(params) },
      ...options,
    });
    cleanups.push(async () => {
      await client.close({ graceMs: 0 });
      await http.close({ graceMs: 0 });
      await turn();
      expect(clock.listeners).toBe(0);
    });
    return { client, http, clock, notes, gate };
  };

  test("brings the server's notifications, beside the client's own calls", async () => {
    const { client, http, notes } = await withEvents();
    for (let n = 0; n < 100; n++) for (const each of http.server.connections) void each.notify("note", [n]);
    expect(await client.call("echo", [1])).toEqual([1]);
    await until(() => notes.length === 100);
    expect(notes).toEqual(Array.from({ length: 100 }, (_, n) => [n]));
  });

  test("a call of the server fails at once, and the client goes on", async () => {
    const { client, http } = await withEvents();
    const [connection] = http.server.connections;
    expect(await codeOf(connection?.call("x") ?? Promise.resolve())).toBe("failed_precondition/no");
    expect(await client.call("echo", [1])).toEqual([1]);
  });

  test("that is quiet stays open by its comments", async () => {
    const { client, http, clock } = await withEvents();
    await pass(clock, 60_000, 500);
    expect([client.state, http.server.connections.length]).toEqual(["open", 1]);
  });

  test("ends with the client", async () => {
    const { client, http } = await withEvents();
    await client.close();
    await until(() => http.server.connections.length === 0);
  });

  test("whose server drains ends the link after the calls that run", async () => {
    const { client, http, gate } = await withEvents();
    const running = client.call("wait");
    await until(() => http.server.stats().running === 1);
    const closing = http.close();
    await turn();
    expect(client.state).toBe("open");
    gate.resolve();
    expect(await running).toBe("opened");
    await closing;
    await client.closed;
  });

  test.each([
    [
      () => new Response(null, { status: 405, statusText: "Method Not Allowed" }),
      "unimplemented",
      "unexpected HTTP status 405 Method Not Allowed",
    ],
    [() => new Response(null, { status: 401 }), "unauthenticated", "unexpected HTTP status 401"],
    [() => json("{}"), "unimplemented", "it has no server-sent events"],
    [() => Promise.reject(new TypeError("fetch failed", { cause: new Error("refused") })), "unavailable", "refused"],
  ])("that the server does not open is no link", async (answer, code, why) => {
    const dialled = clientOf(answer, { events: true });
    await expect(dialled).rejects.toMatchObject({
      code,
      message: `Cannot connect to http://localhost:8080/rpc: ${why}`,
    });
  });

  test("is given up when it does not open in time", async () => {
    const clock = new ManualClock();
    const dialled = codeOf(clientOf(() => new Promise(() => {}), { events: true, connectTimeoutMs: 500, clock }));
    await pass(clock, 600);
    expect(await dialled).toMatch(/^deadline_exceeded/);
    expect(clock.listeners).toBe(0);
  });

  test("drops an event above the limit, and brings the next", async () => {
    const notes: unknown[] = [];
    const text = `data: {"jsonrpc":"2.0","method":"note","params":["${"x".repeat(2000)}"]}\n\ndata: {"jsonrpc":"2.0","method":"note","params":[1]}\n\n`;
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode(text)),
    });
    const { client } = await clientOf(
      ({ method }) =>
        method === "GET"
          ? new Response(stream, { headers: { "content-type": "text/event-stream" } })
          : new Response(null, { status: 204 }),
      { events: true, maxFrameBytes: 1000, handlers: { note: (params: unknown) => void notes.push(params) } },
    );
    await until(() => notes.length === 1);
    expect([notes, client.state]).toEqual([[[1]], "open"]);
  });
});
