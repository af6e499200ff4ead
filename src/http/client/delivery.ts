import type { ChannelSink, CloseReason, Frame } from "../../core/channel.ts";
import type { RpcError } from "../../core/errors.ts";

/**
 * What requests that end in any order bring to one sink: nothing before it is open, nothing while it is full, and nothing
 * once it has been told the end.
 */
export class Delivery {
  #sink: ChannelSink | undefined = undefined;
  #isOpen = false;
  #end: CloseReason | undefined = undefined;
  #isStopped = false;
  /** Resolves when the sink may get something: once it is open, and then while it is not full. */
  #room: Promise<void> | undefined;
  #makeRoom: () => void = () => {};

  constructor() {
    this.#room = new Promise((resolve) => {
      this.#makeRoom = resolve;
    });
  }

  /** As `Channel.open`. */
  open(sink: ChannelSink): void {
    if (this.#sink !== undefined) throw new TypeError("The channel is open already");
    this.#sink = sink;
    queueMicrotask(() => {
      this.#isOpen = true;
      if (this.#end !== undefined) return sink.closed(this.#end);
      this.#room = undefined;
      this.#makeRoom();
    });
  }

  /** Resolves when the sink has got them, or will never. */
  async frames(frames: readonly Frame[]): Promise<void> {
    const sink = await this.#ready();
    const full = sink?.frames(frames);
    if (full === undefined) return;
    this.#room = full.then(() => {
      this.#room = undefined;
    });
  }

  async skipped(head: Uint8Array, reason: RpcError): Promise<void> {
    (await this.#ready())?.skipped(head, reason);
  }

  /** The sink gets nothing more but the end. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Called once. */
  closed(reason: CloseReason): void {
    this.#end = reason;
    this.stop();
    this.#makeRoom();
    if (this.#isOpen) this.#sink?.closed(reason);
  }

  async #ready(): Promise<ChannelSink | undefined> {
    while (this.#room !== undefined && this.#end === undefined) await this.#room;
    return this.#isStopped ? undefined : this.#sink;
  }
}
