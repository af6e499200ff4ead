import type { ChannelSink, Frame, Full } from "../core/channel.ts";
import type { RpcError } from "../core/errors.ts";

/**
 * Takes what was cut from one chunk and brings it to the sink, in order. Frames go as one list; where something comes
 * between them and the sink says "full", what is left waits.
 */
export class Outlet {
  readonly #sink: ChannelSink;
  #frames: Frame[] = [];
  /** What goes out before `#frames`, when there is more than one list of frames. */
  #steps: (() => Full)[] = [];
  #draining: Promise<void> | undefined;
  #over = false;

  constructor(sink: ChannelSink) {
    this.#sink = sink;
  }

  frame(frame: Frame): void {
    this.#frames.push(frame);
  }

  /** Takes the list itself. */
  frames(frames: Frame[]): void {
    if (this.#frames.length === 0) this.#frames = frames;
    else for (const frame of frames) this.#frames.push(frame);
  }

  skipped(head: Uint8Array, reason: RpcError, tail?: Uint8Array): void {
    this.next(() => this.#sink.skipped(head, reason, tail));
  }

  /** Does something after everything that was taken so far has gone out. */
  next(step: () => Full): void {
    this.#seal();
    this.#steps.push(step);
  }

  /** Nothing more goes out. */
  stop(): void {
    this.#over = true;
    this.#frames = [];
    this.#steps = [];
  }

  /** Nothing waits in here. */
  get isEmpty(): boolean {
    return this.#draining === undefined && this.#steps.length === 0 && this.#frames.length === 0;
  }

  /** Lets everything out that was taken. The promise means "full", and resolves when all is out and the sink has room. */
  flush(): Full {
    if (this.#draining === undefined && this.#steps.length === 0) {
      if (this.#frames.length === 0 || this.#over) return;
      const frames = this.#frames;
      this.#frames = [];
      return this.#sink.frames(frames);
    }
    this.#seal();
    return this.#draining ?? this.#drain();
  }

  #seal(): void {
    if (this.#frames.length === 0) return;
    const frames = this.#frames;
    this.#frames = [];
    this.#steps.push(() => this.#sink.frames(frames));
  }

  #drain(): Full {
    const steps = this.#steps;
    for (const [at, step] of steps.entries()) {
      if (this.#over) return;
      const full = step();
      if (full === undefined) continue;
      this.#steps = steps.slice(at + 1);
      this.#draining = full.then(() => {
        this.#draining = undefined;
        return this.#drain();
      });
      return this.#draining;
    }
    this.#steps = [];
  }
}
