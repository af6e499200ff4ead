import type { Channel, ChannelSink, CloseReason, Frame, Full, Pipe, PipeSink } from "../core/channel.ts";
import { RpcError } from "../core/errors.ts";
import { Queue } from "../core/queue.ts";
import { bytesOf } from "../core/text.ts";
import type { Accept, Listener, RawConnection } from "../core/wire.ts";

/** Options of everything that stays in memory. */
export interface MemoryOptions {
  /** Frames (of a channel) or bytes (of a pipe) that may lie unread at an end; above it the writer is told "full". Default: Infinity. */
  readonly capacity?: number;
  /** Overwrites bytes as soon as the sink has returned, so that a test sees who keeps them too long. Default: false. */
  readonly scrub?: boolean;
}

/** What an end in memory can do beyond the contract; for tests. */
export interface MemoryEnd {
  /** Half-close: the other side gets `ended` after what was sent, this side still receives. */
  end(): void;
  /** Frames or bytes that this end was sent and has not finished with. */
  readonly held: number;
}

/**
 * Makes two channels, crosswise. They deliver in a microtask, never inside `send`. A frame of bytes is handed over as
 * it is: its sender must not change it afterwards.
 */
export function memoryChannels(options: MemoryOptions = {}): [Channel & MemoryEnd, Channel & MemoryEnd] {
  const deliver = (sink: ChannelSink, frames: readonly Frame[]): Full => sink.frames(frames);
  const [near, far] = joined<readonly Frame[], ChannelSink>(deliver, options.capacity);
  return [channelOn(near), channelOn(far)];
}

/** Makes two pipes, crosswise. They deliver in a microtask, never inside `write`, one chunk for each write. */
export function memoryPipes(options: MemoryOptions = {}): [Pipe & MemoryEnd, Pipe & MemoryEnd] {
  const deliver = (sink: PipeSink, bytes: Uint8Array): Full => sink.data(bytes);
  const scrubbed = (sink: PipeSink, bytes: Uint8Array): Full => {
    const full = sink.data(bytes);
    bytes.fill(0xff);
    return full;
  };
  const [near, far] = joined<Uint8Array, PipeSink>(options.scrub === true ? scrubbed : deliver, options.capacity);
  return [pipeOn(near), pipeOn(far)];
}

/** Places with names where ends in one process meet. */
export interface MemoryNetwork {
  /** Listens on a name. Rejects with `already_exists` while somebody else does. The address is `memory:` and the name. */
  listen(name: string): (accept: Accept) => Promise<Listener>;
  /** Dials a name. Rejects with `unavailable` when nobody listens there. */
  dial(name: string): (signal: AbortSignal) => Promise<RawConnection>;
}

/** A slow reader in the same process must not cost more memory than one behind a socket. */
const NETWORK_CAPACITY_BYTES = 1 << 20;

/**
 * Makes a network that knows nobody yet. Its connections are pipes, so that any wire runs on them; `capacity` is 1 MiB
 * unless told otherwise.
 */
export function memoryNetwork(options: MemoryOptions = {}): MemoryNetwork {
  const places = new Map<string, Accept>();
  let dialled = 0;
  return {
    listen: (name) => async (accept) => {
      const address = `memory:${name}`;
      if (places.has(name)) {
        throw new RpcError(
          "already_exists",
          `Cannot listen on "${address}": close the listener that has this name first`,
        );
      }
      // A function of its own, so that closing an old listener twice does not free the name of its successor.
      const place: Accept = (connection) => accept(connection);
      places.set(name, place);
      return {
        address,
        close: async () => {
          if (places.get(name) === place) places.delete(name);
        },
      };
    },
    dial: (name) => async (signal) => {
      signal.throwIfAborted();
      const address = `memory:${name}`;
      const place = places.get(name);
      if (place === undefined) {
        throw new RpcError("unavailable", `Cannot dial "${address}": nobody listens there`, { executed: "no" });
      }
      const [near, far] = memoryPipes({ capacity: NETWORK_CAPACITY_BYTES, ...options });
      place({ pipe: far, remoteAddress: `${address}#${++dialled}` });
      return { pipe: near, remoteAddress: address };
    },
  };
}

function channelOn(end: End<readonly Frame[], ChannelSink>): Channel & MemoryEnd {
  return {
    open: (sink) => end.open(sink),
    // The list is copied: a codec may use its own again.
    send: (frames) => (frames.length === 0 ? undefined : end.send(frames.slice())),
    close: (reason) => end.close(reason),
    end: () => end.end(),
    get held() {
      return end.held;
    },
  };
}

function pipeOn(end: End<Uint8Array, PipeSink>): Pipe & MemoryEnd {
  return {
    open: (sink) => end.open(sink),
    write: (bytes) =>
      bytes.length === 0 ? undefined : end.send(typeof bytes === "string" ? bytesOf(bytes) : new Uint8Array(bytes)),
    close: (reason) => end.close(reason),
    end: () => end.end(),
    get held() {
      return end.held;
    },
  };
}

function joined<Item extends { readonly length: number }, Sink extends EndSink>(
  deliver: (sink: Sink, item: Item) => Full,
  capacity = Infinity,
): [End<Item, Sink>, End<Item, Sink>] {
  if (!(capacity >= 1)) throw new RangeError(`capacity must be a number of at least 1, not ${String(capacity)}`);
  const near = new End(deliver, capacity);
  const far = new End(deliver, capacity);
  near.other = far;
  far.other = near;
  return [near, far];
}

type EndSink = Pick<PipeSink, "ended" | "closed">;

/** One end: what it was sent and has not read, and who waits for room in it. An item is what one `send` brought. */
class End<Item extends { readonly length: number }, Sink extends EndSink> {
  other: End<Item, Sink> | undefined;
  held = 0;
  readonly #deliver: (sink: Sink, item: Item) => Full;
  readonly #capacity: number;
  readonly #inbox = new Queue<Item>();
  #sink: Sink | undefined;
  /** One promise for everybody who was told "full". */
  #room: Promise<void> | undefined;
  #makeRoom: (() => void) | undefined;
  #scheduled = false;
  /** The sink said "full". */
  #paused = false;
  /** This end has said `end`. */
  #ended = false;
  /** `ended` is due after the inbox. */
  #endDue = false;
  /** Why the other side closed; due after the inbox. */
  #closeDue: CloseReason | undefined;
  /** Why this end is closed: nothing but this is delivered any more. */
  #reason: CloseReason | undefined;
  #told = false;
  readonly #pump = (): void => {
    this.#scheduled = false;
    if (this.#sink !== undefined) this.#run(this.#sink);
  };

  constructor(deliver: (sink: Sink, item: Item) => Full, capacity: number) {
    this.#deliver = deliver;
    this.#capacity = capacity;
  }

  open(sink: Sink): void {
    if (this.#sink !== undefined) throw new TypeError("An end in memory can be opened only once");
    this.#sink = sink;
    this.#schedule();
  }

  send(item: Item): Full {
    if (this.#reason !== undefined || this.#ended || this.#closeDue !== undefined) return;
    return this.other?.take(item);
  }

  end(): void {
    if (this.#ended || this.#reason !== undefined || this.other === undefined) return;
    this.#ended = true;
    this.other.#endDue = true;
    this.other.#schedule();
  }

  close(reason: CloseReason = { message: "Closed by this end" }): void {
    if (this.#reason !== undefined) return;
    this.#finish(reason);
    const other = this.other;
    if (other === undefined || other.#reason !== undefined) return;
    // What the far end of a real connection would learn: no error object, and nothing about redialling.
    const { message, closeCode } = reason;
    const told = { message: `Closed by the other side: ${message}`, ...(closeCode === undefined ? {} : { closeCode }) };
    if (reason.error !== undefined) {
      other.#finish(told);
      return;
    }
    other.#closeDue = told;
    // Who waits to write waits at a closed end.
    other.#free();
    other.#schedule();
  }

  /** Takes what the other end sends. */
  take(item: Item): Full {
    if (this.#reason !== undefined) return;
    this.#inbox.push(item);
    this.held += item.length;
    this.#schedule();
    if (this.held <= this.#capacity) return;
    this.#room ??= new Promise((resolve) => {
      this.#makeRoom = resolve;
    });
    return this.#room;
  }

  #finish(reason: CloseReason): void {
    this.#reason = reason;
    this.#inbox.takeAll();
    this.held = 0;
    this.#free();
    if (this.other !== undefined) this.other.#free();
    this.#schedule();
  }

  #free(): void {
    this.#makeRoom?.();
    this.#makeRoom = undefined;
    this.#room = undefined;
  }

  #schedule(): void {
    if (this.#scheduled || this.#sink === undefined) return;
    this.#scheduled = true;
    queueMicrotask(this.#pump);
  }

  #run(sink: Sink): void {
    while (this.#reason === undefined && !this.#paused) {
      const item = this.#inbox.shift();
      if (item === undefined) break;
      const full = this.#deliver(sink, item);
      if (full !== undefined) {
        this.#paused = true;
        void full.then(() => {
          this.#paused = false;
          this.#read(item);
          this.#pump();
        });
      } else this.#read(item);
    }
    if (this.#reason === undefined) {
      if (this.#paused) return;
      if (this.#endDue) {
        this.#endDue = false;
        sink.ended();
      }
      // The sink may have closed this end a moment ago.
      if (this.#reason === undefined && this.#closeDue !== undefined) this.#finish(this.#closeDue);
    }
    if (this.#reason !== undefined) this.#tell(sink, this.#reason);
  }

  #read(item: Item): void {
    if (this.#reason !== undefined) return;
    this.held -= item.length;
    if (this.#makeRoom !== undefined && this.held <= this.#capacity) this.#free();
  }

  #tell(sink: Sink, reason: CloseReason): void {
    if (this.#told) return;
    this.#told = true;
    sink.closed(reason);
  }
}
