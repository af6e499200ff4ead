import type { CloseReason, Full, LinkContext, Pipe, PipeSink } from "../core/channel.ts";
import { after } from "../core/clock.ts";
import { protocolError, RpcError } from "../core/errors.ts";

/**
 * One byte that the dialler writes before anything else and the accepter waits for; `choose` makes the rest of the
 * stream of it. The pipe that it gives opens its `rest` inside its own `open`. What the accepter writes before the byte
 * came is held back, since only the byte says in which form it goes out. After `timeoutMs` without a byte, or when
 * `choose` throws, the link ends. (gorpc: the compression byte.)
 */
export function preamble(
  pipe: Pipe,
  link: LinkContext,
  byte: number,
  choose: (byte: number, rest: Pipe) => Pipe,
  timeoutMs = 10_000,
): Pipe {
  return link.role === "client" ? sayer(pipe, byte, choose) : new Accepter(pipe, link, choose, timeoutMs);
}

/** The dialler's end. */
function sayer(pipe: Pipe, byte: number, choose: (byte: number, rest: Pipe) => Pipe): Pipe {
  let said = false;
  const say = (): void => {
    if (said) return;
    said = true;
    void pipe.write(Uint8Array.of(byte));
  };
  const inner = choose(byte, {
    open: (sink) => pipe.open(sink),
    write(bytes) {
      say();
      return pipe.write(bytes);
    },
    close: (reason) => pipe.close(reason),
  });
  return {
    open(sink) {
      inner.open(sink);
      say();
    },
    write: (bytes) => inner.write(bytes),
    close: (reason) => inner.close(reason),
  };
}

/** The accepter's end. */
class Accepter implements Pipe {
  readonly #pipe: Pipe;
  readonly #link: LinkContext;
  readonly #choose: (byte: number, rest: Pipe) => Pipe;
  readonly #timeoutMs: number;
  /** What was chosen. */
  #inner: Pipe | undefined;
  /** Where the rest of the stream goes. */
  #lower: PipeSink | undefined;
  #held: (Uint8Array | string)[] = [];
  #room: Promise<void> | undefined;
  #makeRoom: (() => void) | undefined;
  #stopWaiting: () => void = () => {};
  #over = false;

  constructor(pipe: Pipe, link: LinkContext, choose: (byte: number, rest: Pipe) => Pipe, timeoutMs: number) {
    this.#pipe = pipe;
    this.#link = link;
    this.#choose = choose;
    this.#timeoutMs = timeoutMs;
  }

  open(sink: PipeSink): void {
    this.#stopWaiting = after(this.#link.clock, this.#timeoutMs, () =>
      this.#fail(
        new RpcError(
          "deadline_exceeded",
          `The first byte did not come within ${this.#timeoutMs} ms: is this the same wire?`,
        ),
      ),
    );
    this.#pipe.open({
      data: (bytes) => {
        if (this.#lower !== undefined) return this.#lower.data(bytes);
        return this.#over ? undefined : this.#begin(bytes, sink);
      },
      ended: () => {
        this.#stopWaiting();
        (this.#lower ?? sink).ended();
      },
      closed: (reason) => {
        this.#stop();
        (this.#lower ?? sink).closed(reason);
      },
    });
  }

  write(bytes: Uint8Array | string): Full {
    if (this.#inner !== undefined) return this.#inner.write(bytes);
    if (this.#over) return;
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

  /** Takes the byte, and hands on what came with it. */
  #begin(bytes: Uint8Array, sink: PipeSink): Full {
    const [chosen] = bytes;
    if (chosen === undefined) return;
    this.#stopWaiting();
    try {
      const inner = this.#choose(chosen, {
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
      this.#fail(
        RpcError.is(thrown) ? thrown : protocolError(`Cannot go on after the first byte ${chosen}`, { cause: thrown }),
      );
      return;
    }
    this.#release(this.#inner);
    if (bytes.length > 1) return this.#lower?.data(bytes.subarray(1));
  }

  #release(inner: Pipe): void {
    for (const bytes of this.#held.splice(0)) void inner.write(bytes);
    this.#makeRoom?.();
  }

  #fail(error: RpcError): void {
    this.#stop();
    this.#pipe.close({ message: error.message, error });
  }

  #stop(): void {
    this.#over = true;
    this.#held = [];
    this.#makeRoom?.();
    this.#stopWaiting();
  }
}
