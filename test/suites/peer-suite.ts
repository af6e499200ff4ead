import { describe, expect, test } from "vitest";
import { type Clock, ManualClock, systemClock } from "../../src/core/clock.ts";
import { RpcError } from "../../src/core/errors.ts";
import { establish } from "../../src/core/establish.ts";
import { establishOptions } from "../../src/core/options.ts";
import type { Peer } from "../../src/core/peer.ts";
import type { RawConnection, Wire } from "../../src/core/wire.ts";
import type { CallContext } from "../../src/index.ts";
import { codeOf } from "./engine.ts";
import { deferred, testWhere, turn, until } from "./support.ts";

/** The methods that the suite calls and the notification that it sends, for wires that have a table of names. */
export const PEER_METHODS: readonly string[] = ["echo", "later", "fail", "bad", "wait", "gate", "down"];
export const PEER_NOTIFICATIONS: readonly string[] = ["note"];

/** The two ends of a fresh connection. */
export interface RawPair {
  readonly client: RawConnection;
  readonly server: RawConnection;
  /** Ends what the client sends and keeps what it receives, where the transport can. */
  endClient?(): void;
  /** Frees what closing both ends does not. */
  cleanup?(): Promise<void> | void;
}

/** The end that is called, as far as the suite looks at it. */
export type Callee = Pick<Peer, "call" | "notify" | "runningCount" | "closed" | "close">;

/** Two ends of which the called one is made by what serves: it may be many links, as over HTTP. */
export interface ServedPair {
  serve(options: {
    readonly clock: Clock;
    readonly handlers: object;
    readonly logger: false;
  }): Promise<{ readonly client: RawConnection; readonly callee: Callee }>;
  cleanup?(): Promise<void> | void;
}

/** What a wire can say; a flag that is false leaves out or changes the tests about it. */
export interface PeerCapabilities {
  /** Which end can call the other. */
  readonly calls: "both" | "client" | "server";
  readonly notifies: boolean;
  /** Any name can be sent; otherwise names that are not in the wire's table are refused by the caller's end. */
  readonly anyName: boolean;
  /** What of an error crosses: its code and data, its code, or nothing but its text. */
  readonly errors: "data" | "code" | "text";
  /** The other side is told when a caller gives up, as what this says; `true` is `cancelled`. */
  readonly cancels: boolean | "unavailable";
  /** With calls from the client only: the server can notify it. */
  readonly pushes?: boolean;
  /** The transport can end one direction: its pairs have `endClient`. */
  readonly halfClose?: boolean;
  /** A close looks different from a half-close: not on a byte stream, where both are an end. */
  readonly tellsClose?: boolean;
  /** Time is real: sockets and processes have no other. */
  readonly realTime?: boolean;
}

const ODD_NAMES: readonly (readonly [label: string, name: string])[] = [
  ...["nope", "__proto__", "constructor", "toString", "echo.constructor"].map((name) => [name, name] as const),
  ["the empty name", ""],
  ["a name of 64 KiB", "n".repeat(65_536)],
];
const MEBIBYTE = 1 << 20;
const numbers = (count: number): number[] => Array.from({ length: count }, (_, each) => each);
const circular: { self?: unknown } = {};
circular.self = circular;

/** One link under test. `caller` calls `callee`; on a wire with calls both ways each test runs both ways round. */
interface Cell {
  readonly caller: Peer;
  readonly callee: Callee;
  readonly raw: RawPair | ServedPair;
  readonly notes: unknown[];
  /** Resolves when a handler that waits has begun. */
  readonly begun: Promise<void>;
  /** Resolves when a handler has seen its signal. */
  readonly stopped: Promise<unknown>;
  openGate(): void;
  /** Moves virtual time; real time moves by itself. */
  elapse(ms: number): void;
}

/** What every wire must show on every transport that can carry it. */
export function peerSuite(
  name: string,
  wire: Wire,
  makeRawPair: () => Promise<RawPair | ServedPair>,
  can: PeerCapabilities,
): void {
  const directions = can.calls === "both" ? (["client", "server"] as const) : [can.calls];

  for (const from of directions) {
    const run = async (body: (cell: Cell) => Promise<void>): Promise<void> => {
      const raw = await makeRawPair();
      const clock: Clock = can.realTime === true ? systemClock(5) : new ManualClock();
      const cell = await open(raw, clock);
      try {
        await body(cell);
      } finally {
        await Promise.all([cell.caller.close({ graceMs: 0 }), cell.callee.close({ graceMs: 0 })]);
        await raw.cleanup?.();
        if (clock instanceof ManualClock) expect(clock.listeners).toBe(0);
      }
    };

    const open = async (raw: RawPair | ServedPair, clock: Clock): Promise<Cell> => {
      const notes: unknown[] = [];
      const gate = deferred();
      const begun = deferred();
      const stopped = deferred<unknown>();
      const handlers = {
        echo: (params: unknown) => params,
        later: async (params: unknown) => {
          await turn(2);
          return params;
        },
        fail: () => {
          throw new RpcError("not_found", "not found: tx 5", { data: { tx: 5 } });
        },
        bad: () => circular,
        note: (params: unknown) => void notes.push(params),
        gate: async (params: unknown) => {
          begun.resolve();
          await gate.promise;
          return params;
        },
        wait: (_: unknown, { signal }: CallContext) => {
          begun.resolve();
          return new Promise((_resolve, reject) => {
            signal.addEventListener("abort", () => {
              stopped.resolve(signal.reason);
              reject(signal.reason as Error);
            });
          });
        },
        down: async ({ levels }: { levels: number }, { peer }: CallContext) =>
          levels === 0 ? { bottom: true } : peer.call("down", { levels: levels - 1 }),
      };
      const options = { clock, handlers, logger: false } as const;
      const dial = (connection: RawConnection): Promise<Peer> =>
        establish(connection, wire, {
          ...establishOptions("client", options),
          hello: { name: "suite", nextId: 0 },
        });
      const met = async (pair: RawPair): Promise<Pick<Cell, "caller" | "callee">> => {
        const [client, server] = await Promise.all([
          dial(pair.client),
          establish(pair.server, wire, establishOptions("server", options)),
        ]);
        return from === "client" ? { caller: client, callee: server } : { caller: server, callee: client };
      };
      const served = async (pair: ServedPair): Promise<Pick<Cell, "caller" | "callee">> => {
        const { client, callee } = await pair.serve(options);
        return { caller: await dial(client), callee };
      };
      return {
        ...(await ("serve" in raw ? served(raw) : met(raw))),
        raw,
        notes,
        begun: begun.promise,
        stopped: stopped.promise,
        openGate: () => gate.resolve(),
        elapse: (ms) => {
          if (clock instanceof ManualClock) clock.advance(ms);
        },
      };
    };

    describe(`${name}, calls from the ${from}`, () => {
      test("a call gives the handler's result", () =>
        run(async ({ caller }) => {
          expect(await caller.call("echo", { n: 1, text: 'naïve ☃ "quoted"\n' })).toEqual({
            n: 1,
            text: 'naïve ☃ "quoted"\n',
          });
          expect(await caller.call("later", { list: [1, [2], { three: null }] })).toEqual({
            list: [1, [2], { three: null }],
          });
        }));

      test("each of 1000 concurrent calls gives its own result", () =>
        run(async ({ caller }) => {
          const calls = numbers(1000).map((n) => caller.call(n % 3 === 0 ? "later" : "echo", { n }));
          expect(await Promise.all(calls)).toEqual(numbers(1000).map((n) => ({ n })));
          expect(caller.pendingCount).toBe(0);
        }));

      testWhere(can.calls === "both")("a handler may call its caller back, three levels deep", () =>
        run(async ({ caller }) => {
          expect(await caller.call("down", { levels: 3 })).toEqual({ bottom: true });
          expect(await Promise.all(numbers(50).map((n) => caller.call("down", { levels: n % 4 })))).toHaveLength(50);
        }),
      );

      testWhere(can.calls === "both")("both ends call at once, with the same ids", () =>
        run(async ({ caller, callee }) => {
          const calls = numbers(100).flatMap((n) => [
            caller.call("later", { n }),
            callee.call("later", { n: n + 1000 }),
          ]);
          expect(await Promise.all(calls)).toEqual(numbers(100).flatMap((n) => [{ n }, { n: n + 1000 }]));
        }),
      );

      testWhere(can.notifies)("notifications arrive in order, before the call that follows them", () =>
        run(async ({ caller, notes }) => {
          for (const n of numbers(100)) void caller.notify("note", { n });
          await caller.call("echo", {});
          expect(notes).toEqual(numbers(100).map((n) => ({ n })));
        }),
      );

      testWhere(can.pushes === true)("what the server notifies arrives in order, beside the client's own calls", () =>
        run(async ({ caller, callee, notes }) => {
          const calls = numbers(100).map((n) => {
            void callee.notify("note", { n });
            return caller.call("later", { n });
          });
          expect(await Promise.all(calls)).toEqual(numbers(100).map((n) => ({ n })));
          await until(() => notes.length >= 100);
          expect(notes).toEqual(numbers(100).map((n) => ({ n })));
        }),
      );

      test("a handler's error reaches its caller, and the link goes on", () =>
        run(async ({ caller }) => {
          const error = await caller.call("fail", {}).catch((thrown: unknown) => thrown as RpcError);
          expect(error).toMatchObject({ message: expect.stringContaining("not found: tx 5"), remote: true });
          if (can.errors !== "text") expect(error).toMatchObject({ code: "not_found" });
          if (can.errors === "data") expect(error).toMatchObject({ data: { tx: 5 } });
          expect(await caller.call("echo", {})).toEqual({});
        }));

      test.each(ODD_NAMES)("%s is an unknown method, and nothing worse", (_, method) =>
        run(async ({ caller, elapse }) => {
          const unknown = caller.call(method, {}, { timeoutMs: 1000 }).catch((thrown: unknown) => thrown);
          expect(await caller.call("echo", { n: 1 })).toEqual({ n: 1 });
          await turn(10);
          // Only for a call that nobody has answered.
          elapse(1010);
          const error = await unknown;
          expect(RpcError.is(error)).toBe(true);
          expect(error).not.toMatchObject({ code: "deadline_exceeded" });
          // JSON-RPC knows no empty name, and says so with another code.
          if (can.errors === "data" && method !== "") expect(error).toMatchObject({ code: "unimplemented" });
          if (!can.anyName) expect(error).toMatchObject({ code: "unimplemented", executed: "no" });
        }),
      );

      test("a value that cannot be encoded fails its call alone, on the way there and on the way back", () =>
        run(async ({ caller }) => {
          const codes = await Promise.all(
            [
              caller.call("echo", { n: 1 }),
              caller.call("echo", circular),
              caller.call("bad", {}),
              caller.call("echo", { n: 2 }),
            ].map(codeOf),
          );
          expect(codes[0]).toBe("ok");
          expect(codes[1]).toMatch(/\/no$/);
          expect(codes[2]).not.toBe("ok");
          expect(codes[3]).toBe("ok");
          expect(caller.pendingCount).toBe(0);
        }));

      test("a cancelled call settles at once, and its handler is told where the wire can say so", () =>
        run(async ({ caller, begun, stopped }) => {
          const abort = new AbortController();
          const cancelled = codeOf(caller.call("wait", {}, { signal: abort.signal }));
          await begun;
          abort.abort();
          expect(await cancelled).toBe("cancelled/unknown");
          const code = can.cancels === true ? "cancelled" : can.cancels;
          if (code !== false) expect(await stopped).toMatchObject({ code });
          expect(await caller.call("echo", { n: 1 })).toEqual({ n: 1 });
        }));

      test("a call settles by its deadline, and a reply that comes later harms nobody", () =>
        run(async ({ caller, begun, openGate, elapse }) => {
          const late = codeOf(caller.call("gate", {}, { timeoutMs: 30 }));
          await begun;
          elapse(40);
          expect(await late).toBe("deadline_exceeded/unknown");
          openGate();
          expect(await caller.call("echo", { n: 1 })).toEqual({ n: 1 });
        }));

      test("a batch gives one outcome per member, in their order", () =>
        run(async ({ caller, notes }) => {
          const outcomes = await caller.batch([
            ["later", { n: 1 }],
            ...(can.notifies ? ([["note", { n: 2 }, { notify: true }]] as const) : []),
            ["fail", {}],
            ["echo", circular],
            ["echo", { n: 3 }],
          ]);
          if (can.notifies) expect(outcomes.splice(1, 1)).toEqual([{ ok: true, value: undefined }]);
          expect(outcomes.map(({ ok }) => ok)).toEqual([true, false, false, true]);
          expect(outcomes[0]).toEqual({ ok: true, value: { n: 1 } });
          expect(outcomes[2]).toMatchObject({ error: { executed: "no" } });
          expect(outcomes[3]).toEqual({ ok: true, value: { n: 3 } });
          if (can.notifies) expect(notes).toEqual([{ n: 2 }]);
        }));

      test("payloads of 1 MiB arrive whole, both ways and several at once", () =>
        run(async ({ caller }) => {
          const text = "0123456789abcdef".repeat(MEBIBYTE / 16);
          const results = await Promise.all(numbers(4).map((n) => caller.call("echo", { n, text })));
          // Not toEqual: a difference of a megabyte is not printed.
          expect(results.map((each) => (each as { text: string }).text === text)).toEqual([true, true, true, true]);
        }));

      test("when the caller closes, its calls are unavailable and may have run, and the other end closes after its handlers", () =>
        run(async ({ caller, callee, begun, openGate }) => {
          const lost = codeOf(caller.call("gate", {}));
          await begun;
          await caller.close({ graceMs: 0 });
          expect(await lost).toBe("unavailable/unknown");
          expect(await codeOf(caller.call("echo", {}))).toBe("unavailable/no");
          openGate();
          await callee.closed;
        }));

      testWhere(can.tellsClose === true)("when the caller closes, handlers are told", () =>
        run(async ({ caller, callee, begun, stopped }) => {
          const lost = codeOf(caller.call("wait", {}));
          await begun;
          await caller.close({ graceMs: 0 });
          expect(await stopped).toMatchObject({ code: "unavailable" });
          expect(await lost).toBe("unavailable/unknown");
          await callee.closed;
        }),
      );

      test("when the other side closes, the calls in flight are unavailable and may have run", () =>
        run(async ({ caller, callee }) => {
          const lost = [...numbers(20).map(() => caller.call("gate", {})), caller.call("wait", {})].map(codeOf);
          // All of them: over HTTP each has a request of its own, and one without a connection yet has not run.
          while (callee.runningCount < lost.length) await turn();
          await callee.close({ graceMs: 0 });
          expect(new Set(await Promise.all(lost))).toEqual(new Set(["unavailable/unknown"]));
          await caller.closed;
          expect(caller.pendingCount).toBe(0);
        }));

      test("an end that drains answers what runs, then closes", () =>
        run(async ({ caller, callee, openGate }) => {
          const running = numbers(20).map((n) => caller.call("gate", { n }));
          // All of them: what is still on its way when an end drains was not accepted.
          while (callee.runningCount < running.length) await turn();
          const drained = callee.close();
          openGate();
          expect(await Promise.all(running)).toEqual(numbers(20).map((n) => ({ n })));
          await drained;
          await caller.closed;
        }));

      test("an end that drains waits for its own calls", () =>
        run(async ({ caller, begun, openGate }) => {
          const mine = caller.call("gate", { n: 1 });
          await begun;
          const drained = caller.close();
          openGate();
          expect(await mine).toEqual({ n: 1 });
          await drained;
        }));

      testWhere(from === "client" && can.halfClose === true)("a client that ends its side still gets its replies", () =>
        run(async ({ caller, begun, raw, openGate }) => {
          const last = caller.call("gate", { n: 1 });
          await begun;
          if ("endClient" in raw) raw.endClient?.();
          await turn();
          openGate();
          expect(await last).toEqual({ n: 1 });
          await caller.closed;
        }),
      );
    });
  }
}
