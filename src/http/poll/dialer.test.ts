import { afterEach, describe, expect, test } from "vitest";
import { type Deferred, deferred, Recorder, turn, until } from "../../../test/suites/support.ts";
import { linkTerms } from "../../../test/suites/ws-ends.ts";
import type { Channel } from "../../core/channel.ts";
import { ManualClock } from "../../core/clock.ts";
import { RpcError } from "../../core/errors.ts";
import { textOf } from "../../core/text.ts";
import type { LinkTerms, RawConnection } from "../../core/wire.ts";
import { type PollTarget, pollDialer } from "./dialer.ts";
import { LINK_HEADER, readAsking } from "./envelope.ts";
import type { PollServeOptions } from "./options.ts";
import { PollServer } from "./poll-server.ts";

const never = new AbortController().signal;
const BEAT = "beat+http://localhost:8080/";

/** One request of a client. */
interface Seen {
  readonly link: string | undefined;
  readonly headers: Headers;
  readonly down: boolean;
  readonly holdMs: number;
  readonly items: number;
}

/** A client and a server without a network, in virtual time. */
class Stage {
  readonly clock = new ManualClock();
  readonly terms = linkTerms({ clock: this.clock });
  readonly seen: Seen[] = [];
  readonly accepted: RawConnection[] = [];
  /** In place of the server. */
  instead: ((init: RequestInit) => Promise<Response | undefined> | undefined) | undefined;
  readonly server: PollServer;
  readonly #target: Partial<PollTarget>;

  constructor(target: Partial<PollTarget> = {}, serving: PollServeOptions = {}) {
    this.#target = target;
    this.server = new PollServer(serving);
  }

  async dial(terms: Partial<LinkTerms> = {}): Promise<Channel> {
    const all = { ...this.terms, ...terms };
    if (this.server.links === 0) await this.server.listen((raw) => void this.accepted.push(raw), all);
    const target = { url: "poll+http://localhost:8080/", fetch: this.#fetch, random: () => 0.5, ...this.#target };
    const { channel } = await pollDialer(target)(never, all);
    if (channel === undefined) throw new Error("There is no channel");
    return channel;
  }

  get far(): Channel {
    const channel = this.accepted.at(-1)?.channel;
    if (channel === undefined) throw new Error("There is no link");
    return channel;
  }

  async advance(ms: number, step = 10): Promise<void> {
    for (let passed = 0; passed < ms; passed += step) {
      this.clock.advance(step);
      await turn(2);
    }
  }

  readonly #fetch = async (url: string, init: RequestInit): Promise<Response> => {
    const headers = new Headers(init.headers);
    const link = headers.get(LINK_HEADER) ?? undefined;
    const { down, holdMs, items } = readAsking(init.body as Uint8Array, 1 << 22);
    this.seen.push({ link, headers, down, holdMs, items: items.length });
    return (await this.instead?.(init)) ?? this.server.answer(new Request(url, init), {});
  };
}

const channels: Channel[] = [];
afterEach(() => {
  for (const channel of channels.splice(0))
    channel.close({ message: "over", error: new RpcError("cancelled", "over") });
});

let token = deferred<Record<string, string>>();

async function failure(attempt: Promise<unknown>): Promise<Error> {
  const error = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof Error) return error;
  throw new Error("It did not fail");
}

async function linked(stage: Stage): Promise<{ near: Recorder; far: Recorder; client: Channel; server: Channel }> {
  const client = await stage.dial();
  const server = stage.far;
  channels.push(client, server);
  const [near, far] = [new Recorder().open(client), new Recorder().open(server)];
  await turn();
  return { near, far, client, server };
}

describe("long-poll", () => {
  test("keeps one request at the server, and says nothing while there is nothing to say", async () => {
    const stage = new Stage({}, { maxHoldMs: 10_000 });
    await linked(stage);
    expect(stage.seen.map(({ down, holdMs }) => [down, holdMs])).toEqual([
      [false, 0],
      [true, 10_000],
    ]);
    await stage.advance(9990, 90);
    expect(stage.seen).toHaveLength(2);
    await stage.advance(100);
    expect(stage.seen).toHaveLength(3);
    expect(stage.seen[2]).toMatchObject({ down: true, items: 0 });
  });

  test("says all frames of a turn in one request, and those that come meanwhile in the next", async () => {
    const stage = new Stage();
    const { far, client } = await linked(stage);
    void client.send(["a"]);
    void client.send(["b", "c"]);
    await turn(1);
    for (let each = 0; each < 10; each++) void client.send([String(each)]);
    await far.until(() => far.frameList.length === 13);
    expect(stage.seen.slice(2).map(({ items, down }) => [items, down])).toEqual([
      [3, false],
      [10, false],
    ]);
  });

  test("does not ask for frames while its sink is full, but stays alive", async () => {
    const stage = new Stage({}, { idleMs: 3000 });
    const { near, far, server } = await linked(stage);
    near.pause();
    void server.send(["a"]);
    await near.until(() => near.frameList.length === 1);
    void server.send(["b"]);
    const before = stage.seen.length;
    await stage.advance(10_000, 100);
    const since = stage.seen.slice(before);
    expect(since.length).toBeGreaterThan(5);
    expect(since.some(({ down }) => down)).toBe(false);
    expect(far.reason).toBeUndefined();
    near.resume();
    await near.until(() => near.frameList.length === 2);
  });

  test("a server that holds nothing is asked less and less often", async () => {
    const stage = new Stage({}, { maxHoldMs: 0 });
    const { near, server } = await linked(stage);
    await stage.advance(30_000, 50);
    expect(stage.seen.length).toBeLessThan(40);
    void server.send(["a"]);
    await stage.advance(5000, 50);
    expect(near.frameList).toEqual(["a"]);
  });

  test("a ping is a request, and its answer a sign of life", async () => {
    const stage = new Stage();
    const client = await stage.dial();
    channels.push(client, stage.far);
    const signs: number[] = [];
    client.open({ frames: (frames) => void signs.push(frames.length), skipped() {}, ended() {}, closed() {} });
    new Recorder().open(stage.far);
    await turn();
    client.ping?.();
    await until(() => signs.length > 0);
    expect(signs).toEqual([0]);
  });
});

describe("heartbeat", () => {
  test("asks every intervalMs, and one exchange carries both ways", async () => {
    const stage = new Stage({ url: BEAT, intervalMs: 1000 });
    const { near, far, client, server } = await linked(stage);
    expect(stage.seen).toHaveLength(2);
    void client.send(["up"]);
    void server.send(["down"]);
    await stage.advance(990);
    expect([near.frameList, far.frameList]).toEqual([[], []]);
    await stage.advance(20);
    expect([near.frameList, far.frameList]).toEqual([["down"], ["up"]]);
    expect(stage.seen).toHaveLength(3);
    await stage.advance(10_000, 50);
    expect(stage.seen.length).toBeLessThanOrEqual(13);
  });

  test("takes the answer to what it says home at once, if there is one", async () => {
    const stage = new Stage({ url: BEAT, intervalMs: 1000 });
    const { near, client, server } = await linked(stage);
    const { far } = { far: near };
    void client.send(["ping"]);
    await stage.advance(1000);
    void server.send(["pong"]);
    await turn();
    expect(far.frameList).toEqual(["pong"]);
    expect(stage.seen).toHaveLength(3);
  });

  test("asks again at once while one of both has more than fits", async () => {
    const stage = new Stage({ url: BEAT, intervalMs: 1000 });
    const { near, far, client, server } = await linked(stage);
    for (let each = 0; each < 5; each++) {
      void client.send(["u".repeat(200_000)]);
      void server.send(["d".repeat(200_000)]);
    }
    await stage.advance(1000);
    await until(() => near.frameList.length === 5 && far.frameList.length === 5);
    expect(stage.seen.length).toBeLessThan(10);
  });

  test("a server that has no room has its time", async () => {
    const stage = new Stage({ url: BEAT, intervalMs: 1000 });
    const { far, client } = await linked(stage);
    far.pause();
    for (let each = 0; each < 5; each++) void client.send(["u".repeat(200_000)]);
    await stage.advance(10_000, 50);
    expect(stage.seen.length).toBeLessThan(20);
  });

  test("does not fit a link that is taken for dead earlier", async () => {
    const dial = new Stage({ url: BEAT, intervalMs: 10_000 }).dial();
    await expect(dial).rejects.toThrow("heartbeat.timeoutMs must be at least 20000, at both ends");
    const other = new Stage({ url: BEAT, intervalMs: 5000 }, { idleMs: 6000 }).dial();
    await expect(other).rejects.toMatchObject({ code: "failed_precondition" });
  });
});

describe("requests that fail", () => {
  test("are repeated with the same frames, later and later, and the link lives on", async () => {
    const stage = new Stage();
    const { far, client } = await linked(stage);
    stage.instead = async () => {
      throw new TypeError("fetch failed");
    };
    void client.send(["a"]);
    await stage.advance(5000, 10);
    const tries = stage.seen.filter(({ items }) => items === 1).length;
    expect(tries).toBeGreaterThan(4);
    expect(tries).toBeLessThan(10);
    stage.instead = undefined;
    await stage.advance(5000, 10);
    expect(far.frameList).toEqual(["a"]);
  });

  test("for longer than resumeMs end the link with unavailable, and so is the server's end", async () => {
    const stage = new Stage({ resumeMs: 3000 }, { idleMs: 5000 });
    const { near, far, client } = await linked(stage);
    stage.instead = async () => {
      throw new TypeError("fetch failed");
    };
    void client.send(["a"]);
    await stage.advance(4000, 10);
    expect(near.reason?.error).toMatchObject({ code: "unavailable" });
    expect(near.reason?.message).toMatch(/^The server could not be reached for \d+ ms: fetch failed$/);
    await stage.advance(30_000, 100);
    expect(far.reason?.error).toMatchObject({ code: "unavailable" });
    expect(stage.server.links).toBe(0);
  });

  test("so do those that nobody answers", async () => {
    const stage = new Stage({ resumeMs: 3000, timeoutMs: 1000 });
    const { near, client } = await linked(stage);
    const aborted: boolean[] = [];
    stage.instead = ({ signal }) =>
      new Promise((_, reject) => {
        signal?.addEventListener("abort", () => {
          aborted.push(true);
          reject(new Error("aborted"));
        });
      });
    client.ping?.();
    await stage.advance(60_000, 50);
    expect(near.reason?.message).toMatch(/no answer within 1000 ms$/);
    expect(aborted.length).toBeGreaterThan(1);
  });

  test.each<[string, Partial<PollTarget>, (stage: Stage) => () => void]>([
    [
      "a fetch that does not end when it is told to",
      {},
      (stage) => {
        stage.instead = () => new Promise(() => {});
        return () => {
          stage.instead = undefined;
        };
      },
    ],
    [
      "a body that never ends, of such a fetch",
      {},
      (stage) => {
        stage.instead = async () => new Response(new ReadableStream(), { headers: OCTETS });
        return () => {
          stage.instead = undefined;
        };
      },
    ],
    [
      "headers that do not come",
      { headers: () => token.promise },
      () => {
        token = deferred();
        return () => {
          token = deferred();
          token.resolve({});
        };
      },
    ],
  ])("so does %s, and the link lives on when it is over", async (_, target, stall) => {
    token = deferred();
    token.resolve({});
    const stage = new Stage({ timeoutMs: 1000, ...target }, { maxHoldMs: 1000 });
    const { near, far, client } = await linked(stage);
    const goOn = stall(stage);
    void client.send(["a"]);
    await stage.advance(10_000, 10);
    expect([far.frameList, near.reason]).toEqual([[], undefined]);
    goOn();
    await stage.advance(6000, 10);
    expect(far.frameList).toEqual(["a"]);
  });

  test("a request whose headers come too late does not leave", async () => {
    const tokens: Deferred<Record<string, string>>[] = [];
    const headers = (): Promise<Record<string, string>> => {
      const asked = deferred<Record<string, string>>();
      if (tokens.push(asked) < 3) asked.resolve({});
      return asked.promise;
    };
    const stage = new Stage({ timeoutMs: 1000, maxRetryMs: 0, headers }, { maxHoldMs: 500 });
    await linked(stage);
    await stage.advance(1600, 10);
    expect([tokens.length, stage.seen.length]).toEqual([3, 2]);
    await stage.advance(500, 10);
    expect(tokens.length).toBe(4);
    tokens[2]?.resolve({});
    await turn();
    expect(stage.seen.length).toBe(2);
    tokens[3]?.resolve({});
    await turn();
    expect(stage.seen.length).toBe(3);
  });

  test("a server that asks for patience gets it", async () => {
    const stage = new Stage();
    const { client } = await linked(stage);
    const before = stage.seen.length;
    stage.instead = async () => new Response("later", { status: 503, headers: { "retry-after": "3" } });
    void client.send(["a"]);
    await stage.advance(2500, 10);
    expect(stage.seen.length - before).toBe(1);
    stage.instead = undefined;
    await stage.advance(1000, 10);
    expect(stage.seen.length - before).toBe(2);
  });

  test("a link that the server does not know ends at once", async () => {
    const stage = new Stage();
    const { near, client } = await linked(stage);
    stage.instead = async () => new Response("There is no such link: open another\n", { status: 410, headers: TEXT });
    void client.send(["a"]);
    await near.untilClosed();
    expect(near.reason?.message).toContain("the server answered 410 There is no such link: open another");
    expect(near.reason?.error).toMatchObject({ code: "unavailable", wireCode: 410 });
  });

  test.each([
    [401, "unauthenticated"],
    [403, "permission_denied"],
    [302, "unavailable"],
  ])("status %i ends it with %s", async (status, code) => {
    const stage = new Stage();
    const { near, client } = await linked(stage);
    stage.instead = async () => new Response(null, { status, headers: { location: "http://elsewhere/" } });
    void client.send(["a"]);
    await near.untilClosed();
    expect(near.reason?.error).toMatchObject({ code, wireCode: status });
  });

  test.each([
    [2, ". All requests of a link must reach the same server: has a proxy several of them?"],
    [20, ""],
  ])("a server that never knew the link is another one: after %i answers", async (answers, advice) => {
    const stage = new Stage();
    const { near, far, client } = await linked(stage);
    for (let each = 1; each <= answers; each++) {
      void client.send(["a"]);
      await far.until(() => far.frameList.length === each);
    }
    stage.instead = async () => new Response("No such link", { status: 410, headers: TEXT });
    void client.send(["a"]);
    await near.untilClosed();
    expect(near.reason?.error).toMatchObject({ code: "unavailable", wireCode: 410 });
    expect(near.reason?.message).toBe(`the server answered 410 No such link${advice}`);
  });

  test("an answer that makes no sense ends it for both ends", async () => {
    const stage = new Stage();
    const { near, far, client } = await linked(stage);
    let isFirst = true;
    stage.instead = () => {
      if (!isFirst) return undefined;
      isFirst = false;
      return Promise.resolve(new Response(Uint8Array.of(0x1a, 0x7f), { headers: OCTETS }));
    };
    void client.send(["a"]);
    await Promise.all([near.untilClosed(), far.untilClosed()]);
    expect(near.reason?.error?.code).toBe("data_loss");
    expect(far.reason?.error?.code).toBe("data_loss");
  });
});

describe("a proxy that takes no large bodies", () => {
  /** Takes as many bytes at once as it is told to. */
  const takes = (stage: Stage, maxBytes: number): void => {
    stage.instead = async ({ body }) => {
      if ((body as Uint8Array).length > maxBytes) return new Response("<html>", { status: 413, headers: HTML });
      return undefined;
    };
  };

  test.each(["poll+http://localhost:8080/", BEAT])("%s: gets many messages in smaller ones", async (url) => {
    const stage = new Stage({ url });
    const { far, near, client } = await linked(stage);
    takes(stage, 10_000);
    void client.send(Array.from({ length: 50 }, (_, each) => `${each}:${"x".repeat(1000)}`));
    for (let each = 50; each < 100; each++) void client.send([`${each}:${"x".repeat(1000)}`]);
    await stage.advance(5000, 50);
    await far.until(() => far.frameList.length === 100);
    expect(far.frameList.map((frame) => Number.parseInt(String(frame), 10))).toEqual([...Array(100).keys()]);
    expect([near.reason, far.skips]).toEqual([undefined, []]);
    // It is not tried anew for each.
    expect(stage.seen.length).toBeLessThan(45);
  });

  test("leaves out a text that is too large by itself, and the link and the others live", async () => {
    const stage = new Stage();
    const { far, near, client } = await linked(stage);
    takes(stage, 10_000);
    void client.send(["before", `large ${"x".repeat(20_000)}`, "behind"]);
    void client.send([`small ${"x".repeat(9000)}`]);
    await far.until(() => far.frameList.length === 3);
    expect(far.frameList.map((frame) => String(frame).slice(0, 6))).toEqual(["before", "behind", "small "]);
    expect(far.skips.map(({ head }) => textOf(head))).toEqual([`large ${"x".repeat(1018)}`]);
    expect(near.reason).toBeUndefined();
    expect(stage.terms.logger.of("warn")).toEqual([
      expect.stringMatching(
        /^A message to poll\+http:\/\/localhost:8080\/ was left out: the server answered 413, to 200\d\d bytes\. Send less, or/,
      ),
    ]);
  });

  test("ends a link with bytes that are too large, and both ends know why", async () => {
    const stage = new Stage();
    const { far, near, client } = await linked(stage);
    takes(stage, 10_000);
    void client.send([new Uint8Array(20_000)]);
    await Promise.all([near.untilClosed(), far.untilClosed()]);
    for (const { reason } of [near, far]) {
      expect(reason?.error?.code).toBe("resource_exhausted");
      expect(reason?.message).toMatch(
        /^the server answered 413, to 200\d\d bytes\. Send less, or .+\(nginx: client_max_body_size\)$/,
      );
    }
  });

  test("and hardly anything at all ends it, too", async () => {
    const stage = new Stage();
    const { near, client } = await linked(stage);
    takes(stage, 0);
    void client.send(["a", "b"]);
    await near.untilClosed();
    expect(near.reason?.error).toMatchObject({ code: "resource_exhausted", wireCode: 413 });
  });
});

const HTML = { "content-type": "text/html" };
const TEXT = { "content-type": "text/plain; charset=utf-8" };
const OCTETS = { "content-type": "application/octet-stream" };

describe("an attempt", () => {
  test.each<[string, () => Promise<Response>, string, string]>([
    [
      "nobody there",
      () => Promise.reject(new TypeError("fetch failed", { cause: new Error("refused") })),
      "unavailable",
      "refused",
    ],
    [
      "404",
      async () => new Response("There is nothing at this path\n", { status: 404, headers: TEXT }),
      "not_found",
      "the server answered 404 There is nothing at this path",
    ],
    [
      "401",
      async () => new Response("Who?\n", { status: 401, headers: TEXT }),
      "unauthenticated",
      "the server answered 401 Who?",
    ],
    [
      "503",
      async () => new Response("Too many\u0007 links", { status: 503, headers: TEXT }),
      "unavailable",
      "the server answered 503 Too many\\u0007 links",
    ],
    [
      "a redirect",
      async () => new Response(null, { status: 307, headers: { location: "/" } }),
      "unavailable",
      "Redirects are not followed: connect to where it points",
    ],
    [
      "a page",
      async () => new Response("<p>", { headers: { "content-type": "text/html" } }),
      "unavailable",
      "something else answers there, text/html",
    ],
    [
      "no link",
      async () => new Response(Uint8Array.of(8, 1), { status: 201, headers: OCTETS }),
      "data_loss",
      "The answer is no link",
    ],
  ])("says what is wrong: %s", async (_, answer, code, message) => {
    const stage = new Stage();
    stage.instead = answer;
    const error = await failure(stage.dial());
    expect(error).toMatchObject({ code, executed: "no" });
    expect(error.message).toContain(`Cannot connect to poll+http://localhost:8080/: `);
    expect(error.message).toContain(message);
  });

  test("ends when its signal fires", async () => {
    const stage = new Stage();
    const abort = new AbortController();
    const fetch = (_: string, { signal }: RequestInit): Promise<Response> =>
      new Promise((_resolve, reject) => signal?.addEventListener("abort", () => reject(new Error("aborted"))));
    const attempt = pollDialer({ url: "http://localhost/", fetch })(abort.signal, stage.terms);
    await turn();
    abort.abort();
    await expect(attempt).rejects.toThrow("the attempt was given up");
    expect(stage.clock.listeners).toBe(0);
  });

  test("a link whose opening was answered too late is no link, and ends at the server", async () => {
    const stage = new Stage({ timeoutMs: 1000 });
    stage.instead = (init) =>
      new Promise((_, reject) => {
        init.signal?.addEventListener("abort", () => reject(new Error("aborted")));
        void stage.server.answer(new Request("http://localhost:8080/", { ...init, signal: null }), {});
      });
    const attempt = failure(stage.dial());
    await until(() => stage.server.links === 1);
    stage.clock.advance(1001);
    expect((await attempt).message).toContain("no answer within 1000 ms");
    await turn();
    await stage.advance(20_000, 500);
    expect(stage.server.links).toBe(0);
  });

  test("sends the headers that it was given with each request, or what a function says each time", async () => {
    let calls = 0;
    const stage = new Stage({ headers: async () => ({ Authorization: `Bearer ${++calls}` }) });
    await linked(stage);
    expect(stage.seen.map(({ headers }) => headers.get("authorization"))).toEqual(["Bearer 1", "Bearer 2"]);
  });

  test("ends when the function that gives its headers never does", async () => {
    const abort = new AbortController();
    const stage = new Stage({ timeoutMs: 1000, headers: () => new Promise(() => {}) });
    const late = failure(stage.dial());
    await stage.advance(1100);
    const message = "Cannot connect to poll+http://localhost:8080/: no headers for the request within 1000 ms";
    expect(await late).toMatchObject({ code: "unavailable", executed: "no", message });
    const dial = pollDialer({ url: "http://localhost/", headers: () => new Promise(() => {}) });
    const given = failure(dial(abort.signal, stage.terms));
    await turn();
    abort.abort();
    expect((await given).message).toContain("the attempt was given up");
    expect(stage.clock.listeners).toBe(0);
  });

  test("gives what that function throws, when it dials", async () => {
    const thrown = new Error("no token");
    const stage = new Stage({ headers: () => Promise.reject(thrown) });
    expect(await failure(stage.dial())).toBe(thrown);
  });

  test.each<[string, Partial<PollTarget>, string]>([
    ["an address that is none", { url: "nowhere" }, "The address is no URL"],
    ["one of another kind", { url: "ws://localhost/" }, "Bad address of the kind ws:"],
    ["credentials in the clear", { url: "http://ann:secret@192.0.2.1/" }, "would cross the network as plain text"],
    ["an interval without heartbeat", { intervalMs: 5 }, "belongs to an address beat+http://"],
    ["an interval of nothing", { url: BEAT, intervalMs: 0 }, "intervalMs must be a number above 0"],
    ["a time that is none", { resumeMs: -1 }, "resumeMs must be 0, a positive number or Infinity"],
  ])("%s is refused at once", (_, target, message) => {
    expect(() => pollDialer({ url: "http://localhost/", ...target })).toThrow(message);
  });
});

describe("a client that closes", () => {
  test("says everything first, then why, and leaves nothing behind", async () => {
    const stage = new Stage();
    const { near, far, client } = await linked(stage);
    void client.send(["a", "b"]);
    client.close({ message: "enough", closeCode: 4000 });
    await Promise.all([near.untilClosed(), far.untilClosed()]);
    expect(far.frameList).toEqual(["a", "b"]);
    expect(far.reason).toEqual({ message: "Closed by the other side: enough", closeCode: 4000 });
    expect(near.reason).toEqual({ message: "enough", closeCode: 4000 });
    expect(stage.server.links).toBe(0);
    await turn();
    expect(stage.clock.listeners).toBe(0);
  });

  test("and cannot reach the server gives up after five seconds", async () => {
    const stage = new Stage();
    const { near, client } = await linked(stage);
    stage.instead = async () => {
      throw new TypeError("fetch failed");
    };
    void client.send(["a"]);
    client.close({ message: "enough" });
    await stage.advance(4900, 100);
    expect(near.reason).toBeUndefined();
    await stage.advance(200);
    expect(near.reason).toEqual({ message: "enough" });
    await stage.advance(6000, 100);
    const requests = stage.seen.length;
    await stage.advance(10_000, 500);
    expect(stage.seen.length).toBe(requests);
  });

  test("tells its server which error broke the link", async () => {
    const stage = new Stage();
    const { far, client } = await linked(stage);
    client.close({ message: "nonsense", error: new RpcError("data_loss", "nonsense") });
    await far.untilClosed();
    expect(far.reason).toMatchObject({ message: "nonsense", error: { code: "data_loss" } });
  });
});
