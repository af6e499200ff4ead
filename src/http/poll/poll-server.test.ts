import { afterEach, describe, expect, test } from "vitest";
import { bodyOf, type PollStage, pollStage, textsOf } from "../../../test/suites/poll-ends.ts";
import { Recorder, turn, until } from "../../../test/suites/support.ts";
import type { Channel } from "../../core/channel.ts";
import { RpcError } from "../../core/errors.ts";
import { DEFAULT_LIMITS } from "../../core/limits.ts";
import type { HttpAbout } from "../server/exchange.ts";
import { LINK_HEADER, openingBody } from "./envelope.ts";
import { newLinkId } from "./link-id.ts";

let stage: PollStage;
afterEach(async () => {
  for (const { channel } of stage.links) channel?.close({ message: "over", error: new RpcError("cancelled", "over") });
  const closed = stage.close();
  await turn();
  stage.clock.advance(10_000);
  await closed;
  expect(stage.clock.listeners).toBe(0);
  expect(stage.server.links).toBe(0);
});

function channelAt(at = 0): Channel {
  const channel = stage.links[at]?.channel;
  if (channel === undefined) throw new Error("There is no such link");
  return channel;
}

async function told(response: Promise<Response>): Promise<string> {
  const answer = await response;
  return `${answer.status} ${await answer.text()}`.trim();
}

const GONE = "410 There is no such link: open another";

describe("a link", () => {
  test("has an id of 128 random bits, says where its client is, and carries frames both ways", async () => {
    stage = await pollStage();
    const link = await stage.open();
    expect(link).toMatch(/^[\w-]{22}$/);
    expect(stage.links[0]).toMatchObject({ remoteAddress: "test:1" });
    const far = new Recorder().open(channelAt());
    expect(await stage.say(link, { frames: ["a", "b"] })).toMatchObject({ ack: 2, items: [], more: false });
    expect(far.frameList).toEqual(["a", "b"]);
    void channelAt().send(["c"]);
    const answer = await stage.say(link, { first: 2, down: true });
    expect([answer.first, ...textsOf(answer)]).toEqual([0, "c"]);
  });

  test("a request that comes twice delivers its frames once, and gets the same answer", async () => {
    stage = await pollStage();
    const link = await stage.open();
    const far = new Recorder().open(channelAt());
    void channelAt().send(["x"]);
    const saying = { frames: ["a", "b"], down: true };
    const answers = [await stage.say(link, saying), await stage.say(link, saying)];
    expect(answers[1]).toEqual(answers[0]);
    await stage.say(link, { frames: ["b", "c"], first: 1, ack: 1 });
    expect(far.frameList).toEqual(["a", "b", "c"]);
  });

  test("what was answered is said again until the client has said that it has it", async () => {
    stage = await pollStage();
    const link = await stage.open();
    void channelAt().send(["a"]);
    void channelAt().send(["b"]);
    expect(textsOf(await stage.say(link, { down: true }))).toEqual(["a", "b"]);
    expect(textsOf(await stage.say(link, { down: true, ack: 1 }))).toEqual(["b"]);
    expect(textsOf(await stage.say(link, { down: true, ack: 2 }))).toEqual([]);
  });

  test("a gap ends it for both sides, with data_loss", async () => {
    stage = await pollStage();
    const link = await stage.open();
    const far = new Recorder().open(channelAt());
    await turn();
    const answer = await stage.say(link, { frames: ["late"], first: 3 });
    expect(answer.broken).toMatchObject({ code: "data_loss", message: "The frames from 0 to 2 are missing" });
    await far.untilClosed();
    expect(far.reason?.error?.code).toBe("data_loss");
    expect(far.frameList).toEqual([]);
  });

  test("so does a client that has what was never sent", async () => {
    stage = await pollStage();
    const link = await stage.open();
    new Recorder().open(channelAt());
    expect((await stage.say(link, { ack: 1 })).broken?.code).toBe("data_loss");
  });

  test("a body that is none ends it, with 400", async () => {
    stage = await pollStage();
    const link = await stage.open();
    const far = new Recorder().open(channelAt());
    expect(await told(stage.ask(Uint8Array.of(0x1a, 0x7f), { link }))).toBe("400 A field is longer than its message");
    await far.untilClosed();
    expect((await stage.say(link, {})).broken?.code).toBe("data_loss");
  });
});

describe("a request that is held", () => {
  test("is answered when there is something to say, with all of this turn", async () => {
    stage = await pollStage();
    const link = await stage.open();
    const asked = stage.say(link, { down: true, holdMs: 20_000 });
    await turn();
    void channelAt().send(["a"]);
    void channelAt().send(["b"]);
    expect(textsOf(await asked)).toEqual(["a", "b"]);
  });

  test("is answered empty when its time is over, and never later than the server holds", async () => {
    stage = await pollStage({ maxHoldMs: 1000 });
    const link = await stage.open();
    let isOver = false;
    const asked = stage.say(link, { down: true, holdMs: 60_000 }).finally(() => {
      isOver = true;
    });
    await turn();
    stage.clock.advance(999);
    await turn();
    expect(isOver).toBe(false);
    stage.clock.advance(1);
    expect(await asked).toMatchObject({ items: [] });
  });

  test("is answered empty at once when another one comes, which gets the frames", async () => {
    stage = await pollStage();
    const link = await stage.open();
    const first = stage.say(link, { down: true, holdMs: 20_000 });
    await turn();
    const second = stage.say(link, { down: true, holdMs: 20_000 });
    expect(textsOf(await first)).toEqual([]);
    void channelAt().send(["a"]);
    expect(textsOf(await second)).toEqual(["a"]);
  });

  test("is given up when its caller leaves, and loses nothing", async () => {
    stage = await pollStage();
    const link = await stage.open();
    const abort = new AbortController();
    const left = stage.say(link, { down: true, holdMs: 20_000, init: { signal: abort.signal } }).catch(() => {});
    await turn();
    abort.abort();
    await turn();
    void channelAt().send(["a"]);
    expect(textsOf(await stage.say(link, { down: true }))).toEqual(["a"]);
    await left;
  });

  test("is answered when this end asks for a sign of life, which the next request is", async () => {
    stage = await pollStage();
    const link = await stage.open();
    const signs: number[] = [];
    channelAt().open({ frames: (frames) => void signs.push(frames.length), skipped() {}, ended() {}, closed() {} });
    const asked = stage.say(link, { down: true, holdMs: 20_000 });
    await turn();
    channelAt().ping?.();
    await asked;
    expect(signs).toEqual([]);
    await stage.say(link, {});
    expect(signs).toEqual([0]);
  });

  test("waits for room while the sink is full, and takes nothing until there is", async () => {
    stage = await pollStage();
    const link = await stage.open();
    const far = new Recorder();
    far.pause();
    far.open(channelAt());
    await stage.say(link, { frames: ["a"] });
    const waiting = stage.say(link, { frames: ["b"], first: 1, holdMs: 5000 });
    await turn();
    stage.clock.advance(5000);
    expect(await waiting).toMatchObject({ ack: 1 });
    const again = stage.say(link, { frames: ["b"], first: 1, holdMs: 5000 });
    await turn();
    far.resume();
    expect(await again).toMatchObject({ ack: 2 });
    expect(far.frameList).toEqual(["a", "b"]);
  });
});

describe("who is refused", () => {
  test("ids that are guessed, closed or expired get one answer, are counted, and cost a few lines of log", async () => {
    stage = await pollStage({ idleMs: 1000 });
    const [closed, expired, alive] = [await stage.open(), await stage.open(), await stage.open()];
    await stage.say(closed, { broken: { message: "bye" } });
    await stage.say(alive, {});
    await stage.say(expired, {});
    stage.clock.advance(999);
    await stage.say(alive, {});
    stage.clock.advance(1);
    const guesses = [newLinkId(), closed, expired, "", "x", "__proto__", "constructor", `${alive}A`, alive.slice(1)];
    for (const link of guesses) expect([link, await told(stage.ask(bodyOf({}), { link }))]).toEqual([link, GONE]);
    expect(stage.server.strayRequests).toBe(guesses.length);
    expect(stage.log.of("warn").filter((line) => line.includes("link that there is not"))).toHaveLength(1);
    expect(await stage.say(alive, {})).toMatchObject({ ack: 0 });
    // Nobody's id is ever in a log.
    expect(stage.log.lines.map(({ message }) => message).join()).not.toContain(alive);
  });

  test("the body of a stranger's request is not read", async () => {
    stage = await pollStage();
    let isRead = false;
    const body = new ReadableStream(
      {
        pull() {
          isRead = true;
        },
      },
      { highWaterMark: 0 },
    );
    const request = { method: "POST", body, duplex: "half", headers: { [LINK_HEADER]: newLinkId() } };
    expect(await told(stage.ask(bodyOf({}), request as RequestInit))).toBe(GONE);
    expect(isRead).toBe(false);
  });

  test("a link is bound to who opened it: another identity gets what an unknown link gets", async () => {
    stage = await pollStage({
      identify: ({ headers }) => {
        const user = headers.get("authorization");
        if (user === null) throw new RpcError("unauthenticated", "Say who you are");
        return { user };
      },
    });
    const as = (user: string): RequestInit => ({ headers: { authorization: user } });
    const link = await stage.open(as("ann"));
    expect(stage.links[0]).toMatchObject({ identity: { user: "ann" } });
    expect(await told(stage.ask(bodyOf({}), { link, ...as("bob") }))).toBe(GONE);
    expect(await told(stage.ask(bodyOf({}), { link }))).toBe("401 Say who you are");
    expect(await stage.say(link, { init: as("ann") })).toMatchObject({ ack: 0 });
  });

  test("and to what the platform knows of its connection", async () => {
    const about: HttpAbout & { identity: unknown } = { identity: { fingerprint256: "AA" } };
    stage = await pollStage({ identify: () => "everybody" }, {}, about);
    const link = await stage.open();
    about.identity = { fingerprint256: "BB" };
    expect(await told(stage.ask(bodyOf({}), { link }))).toBe(GONE);
    about.identity = undefined;
    expect(await told(stage.ask(bodyOf({}), { link }))).toBe(GONE);
    about.identity = { fingerprint256: "AA" };
    expect(await stage.say(link, {})).toMatchObject({ ack: 0 });
  });

  test.each<[string, () => unknown, string]>([
    ["a number of many digits", () => ({ account: 5n }), "BigInt"],
    [
      "a circle",
      () => {
        const user: { self?: unknown } = {};
        user.self = user;
        return user;
      },
      "circular",
    ],
    ["a Map", () => new Map([["user", "ann"]]), "Map"],
    ["a function", () => () => "ann", "function"],
  ])("an identity that cannot be compared opens no link, and the log says why: %s", async (_, identify, why) => {
    stage = await pollStage({ identify });
    const answer = await told(stage.ask(openingBody({ maxFrameBytes: 1000 })));
    expect(answer).toBe("500 The server cannot tell whose link this would be: its log says why");
    expect([stage.links, stage.server.links]).toEqual([[], 0]);
    const message = expect.stringMatching(/^Cannot open a link: .* must have a JSON form/) as string;
    const cause = expect.objectContaining({ message: expect.stringContaining(why) as string }) as Error;
    expect(stage.log.lines).toEqual([{ level: "error", message, cause }]);
  });

  test("a link whose client is somebody else later, of whom JSON can say nothing, is not theirs", async () => {
    let identity: unknown = "ann";
    stage = await pollStage({ identify: () => identity });
    const link = await stage.open();
    identity = { user: 5n };
    expect(await told(stage.ask(bodyOf({}), { link }))).toBe(GONE);
    identity = undefined;
    expect(await told(stage.ask(bodyOf({}), { link }))).toBe(GONE);
    identity = "ann";
    expect(await stage.say(link, {})).toMatchObject({ ack: 0 });
  });

  test.each<[string, RequestInit, string]>([
    ["another method", { method: "GET" }, "405"],
    [
      "a type that pages may send",
      { headers: { "content-type": "text/plain" } },
      "415 content-type must be application/octet-stream",
    ],
    ["a packed body", { headers: { "content-encoding": "gzip" } }, "415 content-encoding must be identity"],
    [
      "another page",
      { headers: { origin: "https://evil.example" } },
      '403 The origin "https://evil.example" is not allowed here: list it in the option origins',
    ],
    [
      "a name that somebody points to this machine",
      { headers: { host: "evil.example:8080" } },
      '403 The host "evil.example:8080" is not allowed here: list it in the option hosts',
    ],
  ])("%s", async (_, init, answer) => {
    stage = await pollStage();
    expect(await told(stage.ask(openingBody({ maxFrameBytes: 1000 }), init))).toBe(answer);
  });

  test("an opening that says nothing, or too much", async () => {
    stage = await pollStage();
    expect(await told(stage.ask(new Uint8Array(0)))).toMatch(/^400 The opening does not say which frames/);
    expect(await told(stage.ask(new Uint8Array(5000)))).toBe("413 The body is above the limit of 2048 bytes");
    expect(stage.links).toEqual([]);
  });

  test("a body above the limit, whatever its length says, and nothing of it is kept", async () => {
    stage = await pollStage({}, { limits: { ...DEFAULT_LIMITS, maxFrameBytes: 1000 } });
    const link = await stage.open();
    const body = bodyOf({ frames: ["x".repeat(300_000)] });
    expect(await told(stage.ask(body, { link }))).toBe("413 The body is above the limit of 264192 bytes");
    expect(await stage.say(link, {})).toMatchObject({ ack: 0 });
  });

  test("a body that does not come in time", async () => {
    stage = await pollStage({ bodyTimeoutMs: 1000 });
    const link = await stage.open();
    const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(Uint8Array.of(8)) });
    const slow = told(stage.ask(bodyOf({}), { link, body, duplex: "half" } as RequestInit & { link: string }));
    await turn();
    stage.clock.advance(1001);
    expect(await slow).toBe("408 The body did not come within 1000 ms");
  });

  test("more bodies of one link at once than an honest client sends", async () => {
    stage = await pollStage();
    const link = await stage.open();
    const ends: (() => void)[] = [];
    const slow = Array.from({ length: 4 }, () => {
      const body = new ReadableStream<Uint8Array>({ start: (controller) => void ends.push(() => controller.close()) });
      return told(stage.ask(bodyOf({}), { link, body, duplex: "half" } as RequestInit & { link: string }));
    });
    await turn();
    expect(await told(stage.ask(bodyOf({}), { link }))).toBe("429 Too many requests of this link are under way");
    for (const end of ends) end();
    for (const answer of await Promise.all(slow)) expect(answer).toMatch(/^200/);
    expect(await stage.say(link, {})).toMatchObject({ ack: 0 });
  });

  test("more links than there may be, until one has ended", async () => {
    stage = await pollStage({ maxLinks: 2 });
    const [link] = [await stage.open(), await stage.open()];
    await expect(stage.open()).rejects.toThrow("503 There are too many links");
    await stage.say(link, { broken: { message: "bye" } });
    await stage.open();
  });

  test("pages of other origins, unless they are listed: they are told what they may send", async () => {
    stage = await pollStage({ origins: ["https://app.example"], cors: true });
    const headers = { origin: "https://app.example", "access-control-request-method": "POST" };
    const answer = await stage.ask(bodyOf({}), { method: "OPTIONS", headers });
    expect(answer.status).toBe(204);
    expect(answer.headers.get("access-control-allow-headers")).toBe("content-type, convoke-link, authorization");
    expect(answer.headers.get("access-control-allow-origin")).toBe("https://app.example");
  });
});

describe("a client that is gone", () => {
  test("ends its link when it was not heard for idleMs; a request that is held counts as heard", async () => {
    stage = await pollStage({ idleMs: 3000, maxHoldMs: 10_000 });
    const link = await stage.open();
    const far = new Recorder().open(channelAt());
    const asked = stage.say(link, { down: true, holdMs: 10_000 });
    await turn();
    for (let ms = 0; ms < 10_000; ms += 500) stage.clock.advance(500);
    await asked;
    stage.clock.advance(2999);
    expect(far.reason).toBeUndefined();
    stage.clock.advance(1);
    await far.untilClosed();
    expect(far.reason).toMatchObject({
      message: "The client was not heard for 3000 ms",
      error: { code: "unavailable" },
    });
  });

  test("a link that is opened and never used ends with the time of a handshake", async () => {
    stage = await pollStage({}, { handshakeTimeoutMs: 2000 });
    await stage.open();
    const far = new Recorder().open(channelAt());
    stage.clock.advance(2000);
    await far.untilClosed();
    expect(stage.server.links).toBe(0);
  });

  test("a pause of this process is not its fault", async () => {
    stage = await pollStage({ idleMs: 3000 });
    const link = await stage.open();
    await stage.say(link, {});
    stage.clock.advance(60_000, 60_000);
    stage.clock.advance(2000);
    expect(await stage.say(link, {})).toMatchObject({ ack: 0 });
  });
});

describe("the end of a link", () => {
  test("the client is told after everything that was sent before, and this end when the client has it", async () => {
    stage = await pollStage();
    const link = await stage.open();
    const far = new Recorder().open(channelAt());
    void channelAt().send(["last"]);
    channelAt().close({ message: "done", closeCode: 4001 });
    const answer = await stage.say(link, { down: true });
    expect(textsOf(answer)).toEqual(["last", "close"]);
    expect(answer.items[1]).toMatchObject({ ending: { message: "done", closeCode: 4001 } });
    expect(far.reason).toBeUndefined();
    await stage.say(link, { ack: 2 });
    expect(far.reason).toEqual({ message: "done", closeCode: 4001 });
    expect(await told(stage.ask(bodyOf({}), { link }))).toBe(GONE);
  });

  test("an error overtakes what was sent, and is told for some time", async () => {
    stage = await pollStage();
    const link = await stage.open();
    const far = new Recorder().open(channelAt());
    await turn();
    void channelAt().send(["lost"]);
    const error = new RpcError("permission_denied", "Not you");
    channelAt().close({ message: "Not you", error });
    await far.untilClosed();
    expect(far.reason?.error).toBe(error);
    for (let each = 0; each < 2; each++) {
      expect(await stage.say(link, { down: true })).toMatchObject({
        items: [],
        broken: { message: "Not you", code: "permission_denied" },
      });
    }
    stage.clock.advance(5000);
    expect(await told(stage.ask(bodyOf({}), { link }))).toBe(GONE);
  });

  test("of a client that never hears of it is after five seconds", async () => {
    stage = await pollStage();
    await stage.open();
    const far = new Recorder().open(channelAt());
    await turn();
    channelAt().close({ message: "done" });
    stage.clock.advance(4999);
    expect(far.reason).toBeUndefined();
    stage.clock.advance(1);
    await far.untilClosed();
    expect(far.reason).toEqual({ message: "done" });
  });

  test("text of the client is made safe, and an unknown code is one", async () => {
    stage = await pollStage();
    const link = await stage.open();
    const far = new Recorder().open(channelAt());
    await turn();
    const code = "nonsense" as "internal";
    await stage.say(link, { broken: { message: "a\nb\u202e", code } });
    expect(far.reason).toMatchObject({ message: "a\\u000ab\\u202e", error: { code: "unknown" } });
  });
});

describe("a listener that closes", () => {
  test("lets nobody in, and the links that there are live on", async () => {
    stage = await pollStage();
    const link = await stage.open();
    const far = new Recorder().open(channelAt());
    await stage.close();
    await expect(stage.open()).rejects.toThrow("503 The server is closing");
    await stage.say(link, { frames: ["a"] });
    expect(far.frameList).toEqual(["a"]);
    let isEmpty = false;
    void stage.server.emptied().then(() => {
      isEmpty = true;
    });
    await turn();
    expect(isEmpty).toBe(false);
    await stage.say(link, { first: 1, broken: { message: "bye" } });
    await until(() => isEmpty);
    expect(await told(stage.ask(bodyOf({}), { link }))).toBe("503 Nobody serves here");
  });

  test("serves one server at a time, and the next one afterwards", async () => {
    stage = await pollStage();
    await expect(stage.server.listen(() => {}, stage.terms)).rejects.toThrow(TypeError);
    await stage.close();
    await turn();
    const again = await stage.server.listen(() => {}, stage.terms);
    await again.close();
  });
});
