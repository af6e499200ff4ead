import { describe, expect, test } from "vitest";
import { peerOn } from "../../test/suites/engine.ts";
import { turn } from "../../test/suites/support.ts";
import { decodeCommand, request } from "../command.ts";
import type { CloseReason } from "../core/channel.ts";
import { ManualClock } from "../core/clock.ts";
import { DEFAULT_LIMITS } from "../core/limits.ts";
import { memoryChannels, memoryPipes } from "../transports/memory.ts";
import { command } from "./command.ts";

const WIRE = command({ prefix: "t", methods: { add: request() } });

describe("the wire of commands", () => {
  test("holds nothing back, and is never dialled again after 4100", () => {
    expect(WIRE).toMatchObject({ name: "command", ordered: false });
    const refused: CloseReason = { message: "invalid public key", closeCode: 4100 };
    expect(WIRE.closed?.(refused)).toEqual({ ...refused, redialAfterMs: Number.POSITIVE_INFINITY });
    const killed: CloseReason = { message: "killed", closeCode: 1002 };
    expect(WIRE.closed?.(killed)).toEqual(killed);
  });

  test.each([{ requestTimeoutMs: -1 }, { requestTimeoutMs: Number.NaN }])("refuses %o", (options) => {
    expect(() => command({ prefix: "t", ...options })).toThrow(RangeError);
  });

  test("on a pipe asks with the command ping for a sign of life, and a dead end is found", async () => {
    const clock = new ManualClock();
    const [near, far] = memoryPipes();
    const context = { limits: DEFAULT_LIMITS, clock };
    const client = peerOn(WIRE.framing(near, { role: "client", ...context }), WIRE, "client", clock);
    const heard: string[] = [];
    // An end that takes what it is sent and says nothing but its first ping.
    const channel = WIRE.framing(far, { role: "server", ...context });
    let answers = true;
    channel.open({
      frames: (frames) => {
        for (const frame of frames) {
          const { command: name, id } = decodeCommand(frame);
          heard.push(name);
          if (answers) void channel.send([`{"header":{"command":"t-ping-response","id":"${id}"},"payload":{}}`]);
        }
      },
      skipped: () => {},
      ended: () => {},
      closed: () => {},
    });
    void channel.send(['{"header":{"command":"t-ping-request","id":"0"},"payload":{"timestamp":0}}']);
    await client.opened;
    const wait = async (seconds: number): Promise<void> => {
      for (let second = 0; second < seconds; second++) {
        clock.advance(1000);
        await turn(1);
      }
    };
    await wait(60);
    expect(client.isClosed).toBe(false);
    expect(heard.length).toBeGreaterThanOrEqual(3);
    expect(new Set(heard)).toEqual(new Set(["t-ping-request"]));
    answers = false;
    await wait(32);
    expect(await client.closed).toMatchObject({ error: { code: "unavailable" } });
    channel.close();
  });

  test("where nobody can ping below it the other side need not answer any", async () => {
    const clock = new ManualClock();
    const [near, far] = memoryChannels();
    const heard: unknown[] = [];
    far.open({ frames: (frames) => void heard.push(...frames), skipped() {}, ended() {}, closed() {} });
    const server = peerOn(near, WIRE, "server", clock);
    for (let minute = 0; minute < 10; minute++) {
      clock.advance(60_000);
      await turn(1);
    }
    expect(server.isClosed).toBe(false);
    expect(heard).toHaveLength(1);
    await server.close({ graceMs: 0 });
  });

  test("a table without ping has no heartbeat and no first ping", () => {
    const wire = command({ methods: { a: request({ command: "a?", reply: "a!" }) } });
    const [pipe] = memoryPipes();
    expect(
      wire.framing(pipe, { role: "client", limits: DEFAULT_LIMITS, clock: new ManualClock() }).ping,
    ).toBeUndefined();
  });
});
