import { afterEach, expect, test } from "vitest";
import type { Client, ConnectOptions } from "../src/client/client.ts";
import { ManualClock } from "../src/core/clock.ts";
import { connectHttp, type HttpConnectOptions } from "../src/http.ts";
import { codeOf, Log, pass } from "./suites/engine.ts";
import { deferred, turn } from "./suites/support.ts";

/** Servers, and proxies before them, that answer "not now" to one request while others are under way. */

const clients: Client[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close({ graceMs: 0 });
});

/** Answers a call of "slow" when it is told to, and any other by `status`. */
class Stage {
  readonly clock = new ManualClock();
  readonly log = new Log();
  readonly posted: string[] = [];
  readonly slow = deferred();
  readonly aborted: string[] = [];
  status = 503;
  headers: Record<string, string> = {};

  async client(options: ConnectOptions<never> & HttpConnectOptions = {}): Promise<Client> {
    const { clock, log: logger } = this;
    const client = await connectHttp<unknown, never>("http://localhost:8080/rpc", {
      ...{ clock, logger, redial: false, fetch: this.#fetch },
      ...options,
    });
    clients.push(client);
    return client;
  }

  readonly #fetch = async (_: string, { body, signal }: RequestInit): Promise<Response> => {
    const { id, method } = JSON.parse(String(body)) as { id?: number; method: string };
    this.posted.push(method);
    const aborted = new Promise<never>((_resolve, reject) => {
      signal?.addEventListener("abort", () => {
        this.aborted.push(method);
        reject(new Error("aborted"));
      });
    });
    aborted.catch(() => {});
    if (method === "slow") await Promise.race([this.slow.promise, aborted]);
    else if (this.status !== 200) return new Response("busy", { status: this.status, headers: this.headers });
    const headers = { "content-type": "application/json" };
    return new Response(`{"jsonrpc":"2.0","id":${id ?? "null"},"result":"${method}"}`, { headers });
  };
}

const failure = (call: Promise<unknown>): Promise<unknown> => call.catch((thrown: unknown) => thrown);

test.each([429, 502, 503, 504])("status %i costs its own call only: what is under way is answered", async (status) => {
  const stage = new Stage();
  stage.status = status;
  const client = await stage.client();
  const slow = client.call("slow");
  const refused = failure(client.call("m"));
  await pass(stage.clock, 1100);
  expect(await refused).toMatchObject({ code: "unavailable", executed: "unknown" });
  expect((await refused) as Error).toHaveProperty("message", `unexpected HTTP status ${status}: busy`);
  expect([client.state, stage.aborted]).toEqual(["open", []]);
  stage.slow.resolve();
  expect(await slow).toBe("slow");
});

test("while its server rests a link starts nothing, and is lost when the last that was under way is answered", async () => {
  const stage = new Stage();
  stage.headers = { "retry-after": "7" };
  const client = await stage.client({ redial: { baseMs: 10, maxMs: 10 } });
  const slow = client.call("slow");
  const refused = codeOf(client.call("refused"));
  await pass(stage.clock, 2000);
  expect(await refused).toBe("unavailable/unknown");
  const late = client.call("late");
  await pass(stage.clock, 2000);
  expect(stage.posted).toEqual(["slow", "refused"]);
  stage.slow.resolve();
  expect(await slow).toBe("slow");
  await turn();
  expect(client.state).toBe("connecting");
  stage.status = 200;
  await pass(stage.clock, 2900);
  expect([client.state, stage.posted.length]).toEqual(["connecting", 2]);
  await pass(stage.clock, 300);
  expect(await late).toBe("late");
});

test("a link that is not idle when its server has rested goes on", async () => {
  const stage = new Stage();
  stage.headers = { "retry-after": "3" };
  const client = await stage.client();
  const slow = client.call("slow");
  const refused = codeOf(client.call("refused"));
  await turn();
  const late = client.call("late");
  stage.status = 200;
  await pass(stage.clock, 2900);
  expect(stage.posted).toEqual(["slow", "refused"]);
  await pass(stage.clock, 200);
  expect(await Promise.all([refused, late])).toEqual(["unavailable/unknown", "late"]);
  stage.slow.resolve();
  expect([await slow, client.state]).toEqual(["slow", "open"]);
});

test("without Retry-After it rests for a second, and for twice that when it was of no use since", async () => {
  const stage = new Stage();
  const client = await stage.client();
  const slow = client.call("slow");
  const calls = ["one", "two"].map((name) => codeOf(client.call(name)));
  await pass(stage.clock, 900);
  calls.push(codeOf(client.call("three")));
  await pass(stage.clock, 200);
  expect(stage.posted).toEqual(["slow", "one", "two", "three"]);
  calls.push(codeOf(client.call("four")));
  await pass(stage.clock, 1800);
  expect(stage.posted).toHaveLength(4);
  stage.status = 200;
  await pass(stage.clock, 300);
  expect(await Promise.all(calls)).toEqual([...Array<string>(3).fill("unavailable/unknown"), "ok"]);
  stage.status = 503;
  calls.push(codeOf(client.call("five")));
  await turn();
  calls.push(codeOf(client.call("six")));
  stage.status = 200;
  await pass(stage.clock, 1100);
  expect(stage.posted.at(-1)).toBe("six");
  stage.slow.resolve();
  await slow;
});

test("calls that may run twice leave again when all that was under way was refused", async () => {
  const stage = new Stage();
  const client = await stage.client({ redial: { baseMs: 10, maxMs: 10 } });
  const calls = ["a", "b", "c"].map((name) => client.call(name, [], { idempotent: name !== "b" }));
  const outcomes = Promise.allSettled(calls);
  await turn();
  stage.status = 200;
  await pass(stage.clock, 100);
  expect((await outcomes).map((each) => (each.status === "fulfilled" ? each.value : "lost"))).toEqual([
    "a",
    "lost",
    "c",
  ]);
});

test("a notification that is refused meanwhile is logged", async () => {
  const stage = new Stage();
  const client = await stage.client();
  const slow = client.call("slow");
  await client.notify("note");
  await turn();
  expect(stage.log.of("warn")).toEqual(["http://localhost:8080/rpc refused a notification, HTTP status 503"]);
  expect(client.state).toBe("open");
  stage.slow.resolve();
  expect(await slow).toBe("slow");
});

test("a client that closes meanwhile leaves nothing behind", async () => {
  const stage = new Stage();
  const client = await stage.client();
  const calls = ["slow", "m"].map((name) => codeOf(client.call(name)));
  await turn();
  calls.push(codeOf(client.call("late")));
  await client.close();
  await turn();
  expect(await Promise.all(calls)).toEqual(["cancelled/unknown", "cancelled/unknown", "cancelled/no"]);
  expect([stage.aborted, stage.posted, stage.clock.listeners]).toEqual([["slow", "m"], ["slow", "m"], 0]);
});
