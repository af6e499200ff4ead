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
export class AwaitingPipe implements Pipe, PipeSink {
  readonly #pipe: Pipe;
  /** Until it is decided. */
  #awaited: Awaited | undefined;
  /** What came of the bytes. */
  #received: number[] | undefined = undefined;
  /** What was chosen. */
  #inner: Pipe | undefined = undefined;
  /** Where this end's owner listens. */
  #upper: PipeSink | undefined = undefined;
  /** Where the rest of the stream goes. */
  #lower: PipeSink | undefined = undefined;
  #held: (Uint8Array | string)[] | undefined = undefined;
  #room: Promise<void> | undefined = undefined;
  #makeRoom: (() => void) | undefined = undefined;
  #over = false;

  constructor(pipe: Pipe, awaited: Awaited) {
    this.#pipe = pipe;
    this.#awaited = awaited;
  }

  open(sink: PipeSink): void {
    this.#upper = sink;
    this.#pipe.open(this);
  }

  write(bytes: Uint8Array | string): Full {
    if (this.#inner !== undefined) return this.#inner.write(bytes);
    if (this.#over) return;
    if (this.#awaited?.writesAtOnce === true) return this.#pipe.write(bytes);
    this.#held ??= [];
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

  /** Ends the link: the bytes did not come, or not the right ones. */
  fail(error: RpcError): void {
    this.#stop();
    this.#pipe.close({ message: error.message, error });
  }

  data(bytes: Uint8Array): Full {
    if (this.#lower !== undefined) return this.#lower.data(bytes);
    return this.#over || this.#awaited === undefined ? undefined : this.#take(bytes, this.#awaited);
  }

  ended(): void {
    (this.#lower ?? this.#upper)?.ended();
  }

  closed(reason: CloseReason): void {
    this.#stop();
    (this.#lower ?? this.#upper)?.closed(reason);
  }

  /** The rest of the stream has a reader (called by `Rest`). */
  listen(lower: PipeSink): void {
    this.#lower = lower;
  }

  #take(bytes: Uint8Array, awaited: Awaited): Full {
    this.#received ??= [];
    const missing = awaited.bytes - this.#received.length;
    this.#received.push(...bytes.subarray(0, missing));
    if (bytes.length < missing) return;
    this.#begin(awaited, Uint8Array.from(this.#received));
    if (bytes.length > missing) return this.#lower?.data(bytes.subarray(missing));
  }

  #begin(awaited: Awaited, received: Uint8Array): void {
    this.#awaited = undefined;
    this.#received = undefined;
    try {
      const inner = awaited.choose(received, new Rest(this, this.#pipe));
      if (this.#upper !== undefined) inner.open(this.#upper);
      this.#inner = inner;
    } catch (thrown) {
      this.#lower = undefined;
      const what = received.length === 1 ? "the first byte" : "the first bytes";
      const why = `Cannot go on after ${what} ${received.join(" ")}`;
      return this.fail(RpcError.is(thrown) ? thrown : protocolError(why, { cause: thrown }));
    }
    for (const bytes of this.#held ?? []) void this.#inner.write(bytes);
    this.#held = undefined;
    this.#makeRoom?.();
  }

  #stop(): void {
    this.#over = true;
    this.#held = undefined;
    this.#makeRoom?.();
  }
}

/** The stream after its first bytes. */
class Rest implements Pipe {
  readonly #owner: AwaitingPipe;
  readonly #pipe: Pipe;

  constructor(owner: AwaitingPipe, pipe: Pipe) {
    this.#owner = owner;
    this.#pipe = pipe;
  }

  open(lower: PipeSink): void {
    this.#owner.listen(lower);
  }

  write(bytes: Uint8Array | string): Full {
    return this.#pipe.write(bytes);
  }

  close(reason?: CloseReason): void {
    this.#pipe.close(reason);
  }
}
