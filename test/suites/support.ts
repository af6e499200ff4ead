import { expect, test } from "vitest";
import type { Channel, ChannelSink, CloseReason, Frame, Full, Pipe, PipeSink } from "../../src/core/channel.ts";
import type { RpcError } from "../../src/core/errors.ts";
import { bytesOf, join } from "../../src/core/text.ts";

/** A promise and the function that resolves it. */
export interface Deferred<Value> {
  readonly promise: Promise<Value>;
  resolve(value: Value): void;
}

/** Makes a promise that the test resolves. */
export function deferred<Value = void>(): Deferred<Value> {
  let resolve: (value: Value) => void = () => {};
  const promise = new Promise<Value>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** Lets everything run that is ready to run. For "nothing more happens"; to wait for something, wait for it. */
export async function turn(times = 6): Promise<void> {
  for (let each = 0; each < times; each++) await new Promise((resolve) => setImmediate(resolve));
}

/** Waits for a condition that nobody announces. Its test's own time is the bound. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn(1);
}

/** A sink for both pipes and channels: keeps what it gets, and notes what the contract forbids. */
export class Recorder implements PipeSink, ChannelSink {
  readonly chunks: Uint8Array[] = [];
  readonly frameList: Frame[] = [];
  readonly skips: { readonly head: Uint8Array; readonly reason: RpcError }[] = [];
  /** Bytes of all chunks or frames. */
  length = 0;
  /** Calls of `data` or `frames`. */
  deliveries = 0;
  endings = 0;
  reason: CloseReason | undefined;
  /** What happened though the contract forbids it; `expectSound` wants none. */
  readonly violations: string[] = [];
  #full: Deferred<void> | undefined;
  #stopping = false;
  #opening = false;
  #closeOnEnd: (() => void) | undefined;
  readonly #waiting = new Set<{ readonly condition: () => boolean; settle(error?: Error): void }>();

  /** Opens a pipe or channel with this sink. As an owner does, it closes the link when the other side has ended; unless told otherwise. */
  open(link: Pipe | Channel, options: { readonly closeOnEnd?: boolean } = {}): this {
    this.#closeOnEnd = options.closeOnEnd === false ? undefined : () => link.close();
    this.#opening = true;
    link.open(this);
    this.#opening = false;
    return this;
  }

  /** Answers the next delivery with a promise, until `resume`. */
  pause(): void {
    this.#stopping = true;
  }

  resume(): void {
    this.#stopping = false;
    this.#full?.resolve();
    this.#full = undefined;
  }

  get bytes(): Uint8Array {
    return join(this.chunks, this.length);
  }

  get text(): string {
    return Buffer.from(this.bytes).toString();
  }

  /** Waits until the condition holds; rejects when the link closes and it does not. */
  until(condition: (recorder: this) => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting = {
        condition: () => condition(this),
        settle: (error?: Error) => (error === undefined ? resolve() : reject(error)),
      };
      this.#waiting.add(waiting);
      this.#check();
    });
  }

  untilClosed(): Promise<void> {
    return this.until(() => this.reason !== undefined);
  }

  /** Nothing happened that the contract forbids. */
  expectSound(): void {
    expect(this.violations).toEqual([]);
  }

  data(bytes: Uint8Array): Full {
    if (bytes.length === 0) this.violations.push("data brought no bytes");
    this.chunks.push(bytes.slice());
    this.length += bytes.length;
    return this.#delivered("data");
  }

  frames(frames: readonly Frame[]): Full {
    if (frames.length === 0) this.violations.push("frames brought no frame");
    for (const frame of frames) {
      this.frameList.push(frame);
      this.length += bytesOf(frame).length;
    }
    return this.#delivered("frames");
  }

  skipped(head: Uint8Array, reason: RpcError): void {
    this.#happened("skipped");
    this.skips.push({ head: head.slice(), reason });
    this.#check();
  }

  ended(): void {
    this.#happened("ended");
    if (++this.endings > 1) this.violations.push("ended came twice");
    this.#closeOnEnd?.();
    this.#check();
  }

  closed(reason: CloseReason): void {
    this.#happened("closed");
    this.reason = reason;
    this.#check();
  }

  #delivered(what: string): Full {
    this.#happened(what);
    this.deliveries++;
    if (this.endings > 0) this.violations.push(`${what} came after ended`);
    if (this.#full !== undefined) this.violations.push(`${what} came while the sink was full`);
    if (this.#stopping) this.#full ??= deferred();
    this.#check();
    return this.#full?.promise;
  }

  #happened(what: string): void {
    if (this.#opening) this.violations.push(`${what} came before open had returned`);
    if (this.reason !== undefined) this.violations.push(`${what} came after closed`);
  }

  #check(): void {
    for (const waiting of this.#waiting) {
      const holds = waiting.condition();
      if (!holds && this.reason === undefined) continue;
      this.#waiting.delete(waiting);
      waiting.settle(holds ? undefined : new Error(`The link closed too early: ${this.reason?.message}`));
    }
  }
}

/** Compares without printing a megabyte of difference. */
export function bytesEqual(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

/** `length` bytes in which each place can be told from its neighbours. */
export function patternBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = (at * 31 + (at >> 8) * 7 + (at >> 16)) & 0xff;
  return bytes;
}

/** A test of a capability: where it is not there, there is no test, so that a skipped test is always news. */
export function testWhere(capable: boolean): (name: string, run: () => Promise<void>) => void {
  return capable ? test : () => {};
}
