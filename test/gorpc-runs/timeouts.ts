import type { Client } from "../../src/client/client.ts";
import { ManualClock } from "../../src/core/clock.ts";
import type { CallContext } from "../../src/core/context.ts";
import { Log, pass } from "../suites/engine.ts";
import { turn } from "../suites/support.ts";
import { echo, flagOf, LAZY, Loop, type Runs, stage, strike, type Tap, watch } from "./stage.ts";

/** A pipe whose reading end can be held up. */
function holdable(): { readonly tap: Tap; hold(): void; release(): void } {
  let held: (() => void)[] | undefined;
  return {
    tap: (pipe) => ({
      open: (sink) =>
        pipe.open({
          data(bytes) {
            if (held === undefined) return sink.data(bytes);
            const copy = bytes.slice();
            held.push(() => void sink.data(copy));
          },
          ended: () => sink.ended(),
          closed: (reason) => sink.closed(reason),
        }),
      write: (bytes) => pipe.write(bytes),
      close: (reason) => pipe.close(reason),
    }),
    hold: () => void (held = []),
    release() {
      const due = held ?? [];
      held = undefined;
      for (const each of due) each();
    },
  };
}

async function timeouts(): Promise<string> {
  const lines: string[] = [];
  const [clock, log, line, loop] = [new ManualClock(), new Log(), holdable(), new Loop()];
  await loop.serve({ clock, handlers: { echo } });
  const client = await loop.connect({ clock, logger: log }, line.tap);
  line.hold();
  const late = flagOf(client.call("echo", 1, { timeoutMs: 50 }));
  await pass(clock, 60, 10);
  lines.push(`sent: ${await late}`);
  const before = client.connections[0]?.stats().strays;
  line.release();
  await turn();
  const strays = (client.connections[0]?.stats().strays ?? 0) - (before ?? 0);
  const loud = [...log.of("warn"), ...log.of("error"), ...log.of("info")].length;
  lines.push(`the late reply: ${strays === 1 && loud === 0 ? "dropped quietly" : `${strays} dropped, ${loud} lines`}`);
  lines.push(`the next call: ${await flagOf(client.call("echo", 2))}`);
  await loop.close();

  const it = await stage();
  it.switchOff();
  it.cut();
  await turn();
  const queued = flagOf(it.client.call("echo", "queued", { timeoutMs: 50 }));
  await pass(it.clock, 60, 10);
  lines.push(`queued: ${await queued}`);
  it.switchOn();
  await pass(it.clock, 2000);
  lines.push(`the server got it: ${it.ran.length === 0 ? "never" : it.ran.join()}`);
  await strike(it);
  return lines.join("\n");
}

async function noServer(): Promise<string> {
  const lines: string[] = [];
  const it = await stage();
  it.switchOff();
  const clients: Client[] = [];
  const lazily = it.connect({ ...LAZY }).then((client) => {
    clients.push(client);
    return client.call("echo", 1, { timeoutMs: 50 });
  });
  const first = flagOf(lazily);
  await pass(it.clock, 100, 10);
  lines.push(`there never was one: ${await first}`);
  it.cut();
  await turn();
  const gone = flagOf(it.client.call("echo", 1, { timeoutMs: 50 }));
  await pass(it.clock, 60, 10);
  lines.push(`it has gone: ${await gone}`);
  await strike(it, ...clients);
  return lines.join("\n");
}

async function cancels(): Promise<string> {
  const lines: string[] = [];
  let told = "";
  const waits = (_: unknown, { signal }: CallContext): Promise<never> =>
    new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => {
        told = ", and its handler is told";
        reject(signal.reason);
      });
    });
  const it = await stage({ handlers: { waits } });
  const sentAbort = new AbortController();
  const sent = flagOf(it.client.call("waits", 1, { signal: sentAbort.signal }));
  await turn();
  sentAbort.abort();
  await turn();
  const after = `after sending: ${await sent}${told}`;
  const ranBefore = it.ran.length;

  it.switchOff();
  it.cut();
  await turn();
  const abort = new AbortController();
  const queued = it.client.call("echo", 1, { signal: abort.signal });
  const seen = watch(queued);
  await turn();
  abort.abort();
  await turn();
  const when = seen.isSettled ? "at once" : "when its turn comes";
  it.switchOn();
  await pass(it.clock, 2000);
  lines.push(`before sending: ${await flagOf(queued)} ${when}, ${it.ran.length === ranBefore ? "never sent" : "sent"}`);
  abort.abort();
  lines.push(after, "twice: no harm");
  await strike(it);
  return lines.join("\n");
}

async function noTime(): Promise<string> {
  const it = await stage();
  const call = it.client.call("echo", 1, { timeoutMs: 0 });
  const seen = watch(call);
  await turn();
  const outcome = `${await flagOf(call)} ${seen.isSettled ? "at once" : "later"}`;
  await strike(it);
  return outcome;
}

/** Timeouts and cancel: rows 9 to 12. */
export const TIMEOUT_RUNS: Runs = {
  9: timeouts,
  10: noServer,
  11: cancels,
  12: noTime,
};
