// A controller in a process of its own, whose memory tells what its members cost it.
import { Fleet } from "convoke";
import { jsonrpc } from "convoke/jsonrpc";
import { native, serve } from "convoke/node";
import { answering } from "./answering.js";
import { heldBytes } from "./heap.js";

const WIRES = { native, jsonrpc };
/** How often the members are listed, and the one member is called. */
const TICK_MS = 5;
/** Listed so often, then all are called. */
const TICKS_PER_CALL_ALL = 40;
/** A member that answers at all does so within this time, whatever the machine is busy with. */
const PATIENCE_MS = 1000;
const TEXT_BYTES = 64 << 10;
/** In so many turns of the event loop a flood comes. */
const FLOOD_TURNS = 256;
const TURNS_PER_COLLECTION = 2;

const fleet = new Fleet();
let server;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Counts how promises end, by the code. */
class Codes {
  counts = {};
  #pending = [];

  add(promise) {
    const count = (code) => (this.counts[code] = (this.counts[code] ?? 0) + 1);
    this.#pending.push(
      promise.then(
        () => count("ok"),
        ({ code }) => count(code),
      ),
    );
  }

  async all() {
    await Promise.all(this.#pending);
    return this.counts;
  }
}

/** Calls the member again and again, and notes how long each reply takes. */
async function callInTurn(name, times, pauseMs, latencies) {
  for (let n = 0; n < times; n++) {
    const began = performance.now();
    await fleet.call(name, "echo", { began }, { timeoutMs: 20_000 });
    latencies.push(performance.now() - began);
    if (pauseMs > 0) await sleep(pauseMs);
  }
}

/** What else happens until `isOver`: the members are listed, the one member is called, and all are called. */
async function meanwhile(one, isOver) {
  const toOne = new Codes();
  const ofOne = new Codes();
  const ofOthers = new Codes();
  const alls = [];
  let slowestListMs = 0;
  for (let tick = 0; !isOver(); tick++) {
    const began = performance.now();
    const listed = fleet.list().length;
    slowestListMs = Math.max(slowestListMs, performance.now() - began);
    if (listed !== 100) throw new Error(`${listed} members are listed`);
    toOne.add(fleet.call(one, "echo", [tick], { timeoutMs: PATIENCE_MS }));
    if (tick % TICKS_PER_CALL_ALL === 0) alls.push(fleet.callAll("echo", [tick], { timeoutMs: PATIENCE_MS }));
    await sleep(TICK_MS);
  }
  for (const all of alls) {
    for (const { member, ok, error } of await all) {
      (member === one ? ofOne : ofOthers).add(ok ? Promise.resolve() : Promise.reject(error));
    }
  }
  return {
    slowestListMs,
    toOne: await toOne.all(),
    ofOne: await ofOne.all(),
    ofOthers: await ofOthers.all(),
  };
}

/** Of what is held: V8 keeps garbage for as long as it likes. */
function rss() {
  globalThis.gc();
  return process.memoryUsage.rss();
}

answering({
  async listen({ wire, heartbeat }) {
    server = await serve("tcp://127.0.0.1:0", { wire: WIRES[wire](), fleet, logger: false, heartbeat });
    return server.addresses[0];
  },
  /**
   * So many calls to all members but one, each of which is called in turn, with a pause between two; gives their p99 in
   * milliseconds, and what came of all else.
   */
  async measure({ calls, pauseMs, one }) {
    const others = fleet.list(({ name }) => name !== one).map(({ name }) => name);
    const times = Math.ceil(calls / others.length);
    const latencies = [];
    let isOver = false;
    const beginOne = async (name, at) => {
      await sleep((at * pauseMs) / others.length);
      await callInTurn(name, times, pauseMs, latencies);
    };
    const called = Promise.all(others.map(beginOne)).finally(() => {
      isOver = true;
    });
    const rest = await meanwhile(one, () => isOver);
    await called;
    latencies.sort((a, b) => a - b);
    return { calls: latencies.length, p99Ms: latencies[Math.floor(latencies.length * 0.99)], ...rest };
  },
  /** Offers so many bytes to one member, and calls another one in each turn; gives the outcomes and the most memory meanwhile. */
  async flood({ bytes, one, other }) {
    const source = Buffer.alloc(TEXT_BYTES, "offered ");
    const toOne = new Codes();
    const toOther = new Codes();
    const before = rss();
    let peak = 0;
    let pending = 0;
    for (let turn = 0; turn < FLOOD_TURNS; turn++) {
      for (let n = 0; n < bytes / TEXT_BYTES / FLOOD_TURNS; n++) {
        // In memory of its own, so that what holds it shows.
        const text = source.toString("latin1");
        toOne.add(fleet.call(one, "echo", [text], { timeoutMs: 10_000 }));
        if (n % 4 === 0) toOne.add(fleet.notify(one, "echo", [text]));
      }
      toOther.add(fleet.call(other, "echo", [turn]));
      await new Promise((resolve) => setImmediate(resolve));
      if (turn % TURNS_PER_COLLECTION === 0) peak = Math.max(peak, rss());
      pending = Math.max(pending, fleet.get(one).pending);
    }
    return { grown: peak - before, pending, toOther: await toOther.all(), toOne: toOne.counts };
  },
  /** Calls the member until it answers; gives how often that failed. */
  async reach({ name }) {
    for (let failures = 0; ; failures++) {
      const value = await fleet.call(name, "echo", [failures], { timeoutMs: PATIENCE_MS }).catch(() => undefined);
      if (value?.[0] === failures) return failures;
      await sleep(TICK_MS);
    }
  },
  pending: () => fleet.list().reduce((sum, { pending }) => sum + pending, 0),
  /** Calls everybody who is there, for so long and a little longer, and watches; gives what came of it. */
  async pester({ ms }) {
    const codes = new Codes();
    const abort = new AbortController();
    const there = new Set(fleet.list().map(({ name }) => name));
    let wrong = 0;
    const watching = (async () => {
      for await (const { kind, member } of fleet.watch({ signal: abort.signal, maxBehind: 100_000 })) {
        if (there.has(member) === (kind === "joined")) wrong++;
        if (kind === "left") there.delete(member);
        else there.add(member);
      }
    })();
    const end = performance.now() + ms;
    while (performance.now() < end) {
      for (const { name } of fleet.list()) codes.add(fleet.call(name, "hang", [], { timeoutMs: PATIENCE_MS }));
      for (const outcome of await fleet.callAll("echo", [1], { timeoutMs: PATIENCE_MS })) {
        codes.add(outcome.ok ? Promise.resolve() : Promise.reject(outcome.error));
      }
      await sleep(TICK_MS);
    }
    const counts = await codes.all();
    abort.abort();
    await watching;
    return { counts, wrong, left: there.size };
  },
  /** What is held, when nothing happens. */
  async state() {
    while (fleet.size > 0 || server.connections.length > 0) await sleep(TICK_MS);
    // A socket that was closed goes when the event loop comes to it.
    const end = performance.now() + PATIENCE_MS;
    const sockets = () => process.getActiveResourcesInfo().filter((kind) => kind.startsWith("TCPSocket")).length;
    while (sockets() > 0 && performance.now() < end) await sleep(TICK_MS);
    const handles = sockets();
    const heapBytes = await heldBytes();
    const { pending, running, connections } = server.stats();
    return { pending, running, connections, handles, heapBytes };
  },
});
