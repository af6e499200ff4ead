import type { CloseReason, Full, Pipe, PipeSink } from "../core/channel.ts";
import { protocolError, RpcError } from "../core/errors.ts";

/** What the first bytes of a stream decide. */
export interface Awaited {
  /** So many bytes are awaited. */
  readonly bytes: number;
  /** What this end writes goes out before they have come, as it is: `choose` must then give `rest` itself. */
  readonly writesAtOnce?: boolean;
  /** Makes the rest of the stream of them; what it writes to `rest` goes first. Throws to end the link. */
  choose(received: Uint8Array, rest: Pipe): Pipe;
}

/**
 * A pipe whose other side begins with some bytes that say what follows. The pipe that `choose` gives opens its `rest`
 * inside its own `open`. What this end writes before the bytes came is held back, unless it `writesAtOnce`.
 */
export class AwaitingPipe implements Pipe {
  readonly #pipe: Pipe;
  readonly #awaited: Awaited;
  /** What came of the bytes. */
  readonly #received: Uint8Array;
  #count = 0;
  /** What was chosen. */
  #inner: Pipe | undefined;
  /** Where the rest of the stream goes. */
  #lower: PipeSink | undefined;
  #held: (Uint8Array | string)[] = [];
  #room: Promise<void> | undefined;
  #makeRoom: (() => void) | undefined;
  #over = false;

  constructor(pipe: Pipe, awaited: Awaited) {
    this.#pipe = pipe;
    this.#awaited = awaited;
    this.#received = new Uint8Array(awaited.bytes);
  }

  open(sink: PipeSink): void {
    this.#pipe.open({
      data: (bytes) => {
        if (this.#lower !== undefined) return this.#lower.data(bytes);
        return this.#over ? undefined : this.#take(bytes, sink);
      },
      ended: () => (this.#lower ?? sink).ended(),
      closed: (reason) => {
        this.#stop();
        (this.#lower ?? sink).closed(reason);
      },
    });
  }

  write(bytes: Uint8Array | string): Full {
    if (this.#inner !== undefined) return this.#inner.write(bytes);
    if (this.#over) return;
    if (this.#awaited.writesAtOnce === true) return this.#pipe.write(bytes);
    this.#held.push(bytes);
    this.#room ??= new Promise((resolve) => {
      this.#makeRoom = resolve;
    });
    return this.#room;
  }

  close(reason?: CloseReason): void {
    if (this.#inner === undefined) this.#stop();
    (this.#inner ?? this.#pipe).close(reason);
  }

  /** Ends the link: they did not come, or not the right ones. */
  fail(error: RpcError): void {
    this.#stop();
    this.#pipe.close({ message: error.message, error });
  }

  #take(bytes: Uint8Array, sink: PipeSink): Full {
    const missing = this.#awaited.bytes - this.#count;
    const head = bytes.subarray(0, missing);
    this.#received.set(head, this.#count);
    this.#count += head.length;
    if (head.length < missing) return;
    this.#begin(sink);
    if (bytes.length > missing) return this.#lower?.data(bytes.subarray(missing));
  }

  #begin(sink: PipeSink): void {
    try {
      const inner = this.#awaited.choose(this.#received, {
        open: (lower) => {
          this.#lower = lower;
        },
        write: (more) => this.#pipe.write(more),
        close: (reason) => this.#pipe.close(reason),
      });
      inner.open(sink);
      this.#inner = inner;
    } catch (thrown) {
      this.#lower = undefined;
      const what = this.#received.length === 1 ? "the first byte" : "the first bytes";
      const why = `Cannot go on after ${what} ${this.#received.join(" ")}`;
      return this.fail(RpcError.is(thrown) ? thrown : protocolError(why, { cause: thrown }));
    }
    for (const bytes of this.#held.splice(0)) void this.#inner.write(bytes);
    this.#makeRoom?.();
  }

  #stop(): void {
    this.#over = true;
    this.#held = [];
    this.#makeRoom?.();
  }
}
