import type { ChannelSink, CloseReason, Frame } from "../../core/channel.ts";
import { protocolError, RpcError } from "../../core/errors.ts";
import type { Ending, Item, Told } from "./envelope.ts";

/** What one direction of a link needs of its channel. */
export interface InboundHost {
  readonly maxFrameBytes: number;
  /** The other side has closed, and everything before that was delivered. */
  ended(ending: Ending): void;
  /** There is room again. */
  roomy(): void;
}

/**
 * One direction of a link, where it arrives: what comes twice is dropped, and the rest is delivered as the sink takes it.
 * It has room for one body at a time.
 */
export class Inbound {
  readonly #host: InboundHost;
  #sink: ChannelSink | undefined = undefined;
  #state: "new" | "open" | "full" | "stopped" = "new";
  #isOpen = false;
  #end: CloseReason | undefined = undefined;
  #next = 0;
  /** What was taken and not delivered. */
  #waiting: Item[] = [];

  constructor(host: InboundHost) {
    this.#host = host;
  }

  /** How many items have come. */
  get count(): number {
    return this.#next;
  }

  /** Whether the channel was opened. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Whether more items can be taken. */
  get hasRoom(): boolean {
    return this.#state === "open" || this.#state === "stopped";
  }

  /** Whether there is anything new in what was said. */
  hasNews({ first, items }: Told): boolean {
    return items.length > 0 && first + items.length > this.#next;
  }

  /** As `Channel.open`. */
  open(sink: ChannelSink): void {
    if (this.#sink !== undefined) throw new TypeError("The channel is open already");
    this.#sink = sink;
    queueMicrotask(() => {
      this.#isOpen = true;
      if (this.#end !== undefined) return sink.closed(this.#end);
      if (this.#state !== "new") return;
      this.#state = "open";
      this.#goOn();
    });
  }

  /** Takes what has not come before. Throws `data_loss` when something is missing. Called while there is room. */
  take({ first, items }: Told): void {
    if (items.length === 0) return;
    if (first > this.#next) {
      throw protocolError(`The frames from ${this.#next} to ${first - 1} are missing`);
    }
    const fresh = items.slice(this.#next - first);
    this.#next += fresh.length;
    if (fresh.length === 0) return;
    if (this.#state === "stopped") return this.#skim(fresh);
    this.#waiting = fresh;
    this.#deliver();
  }

  /** The other side gave a sign of life. */
  alive(): void {
    if (this.#state === "open") this.#fed(this.#sink?.frames([]));
  }

  /** Delivers nothing any more. */
  stop(): void {
    this.#state = "stopped";
    this.#waiting = [];
  }

  /** Tells the sink the end, as soon as it is open. Called once. */
  closed(reason: CloseReason): void {
    this.stop();
    this.#end = reason;
    if (this.#isOpen) this.#sink?.closed(reason);
  }

  /** Nobody wants the frames any more, but to whoever waits for the other side it matters that it closes. */
  #skim(items: readonly Item[]): void {
    const last = items.at(-1);
    if (last?.kind === "close") this.#host.ended(last.ending);
  }

  #deliver(): void {
    let frames: Frame[] = [];
    let done = 0;
    for (const item of this.#waiting) {
      if (item.kind !== "frame" && frames.length > 0) {
        this.#waiting = this.#waiting.slice(done);
        this.#fed(this.#sink?.frames(frames));
        frames = [];
        done = 0;
        if (this.#state !== "open") return;
      }
      done++;
      if (item.kind === "frame") frames.push(item.frame);
      else if (item.kind === "skipped") this.#sink?.skipped(item.head, this.#tooLarge());
      else return this.#host.ended(item.ending);
      if (this.#state !== "open") return;
    }
    this.#waiting = [];
    if (frames.length > 0) this.#fed(this.#sink?.frames(frames));
  }

  /** The sink may have said that it is full. */
  #fed(full: void | Promise<void>): void {
    if (full === undefined || this.#state !== "open") return;
    this.#state = "full";
    void full.then(() => {
      if (this.#state !== "full") return;
      this.#state = "open";
      this.#goOn();
    });
  }

  #goOn(): void {
    this.#deliver();
    if (this.hasRoom) this.#host.roomy();
  }

  #tooLarge(): RpcError {
    const limit = `the limit of ${this.#host.maxFrameBytes} bytes, or that of something on the way`;
    return new RpcError("resource_exhausted", `A frame is above ${limit}`);
  }
}
