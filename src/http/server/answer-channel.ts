import type { Channel, ChannelSink, CloseReason, Frame, Full } from "../../core/channel.ts";
import { textOf } from "../../core/text.ts";
import { isPush } from "./push.ts";

/** How the link of one request ended. */
export interface Outcome {
  /** The replies, in the order in which they were sent. */
  readonly replies: readonly string[];
  readonly reason: CloseReason;
}

/**
 * The link of one HTTP request that is answered at once and as a whole: the record that came in is all that comes, and the
 * replies that were sent until the link closed are the answer. Requests of this end have nowhere to go: as soon as the
 * record is in, the engine knows that the other side has ended and that nothing but replies can be said, and refuses them.
 */
export class AnswerChannel implements Channel {
  readonly repliesOnly = true;
  readonly #record: Frame;
  readonly #settle: (outcome: Outcome) => void;
  readonly #replies: string[] = [];
  #sink: ChannelSink | undefined = undefined;
  #opened = false;
  #reason: CloseReason | undefined = undefined;

  /** `settle` is called once, when the link has ended. */
  constructor(record: Frame, settle: (outcome: Outcome) => void) {
    this.#record = record;
    this.#settle = settle;
  }

  open(sink: ChannelSink): void {
    if (this.#sink !== undefined) throw new TypeError("The channel is open already");
    this.#sink = sink;
    queueMicrotask(() => this.#begin(sink));
  }

  send(frames: readonly Frame[]): Full {
    if (this.#reason !== undefined) return;
    for (const frame of frames) {
      const text = textOf(frame);
      if (!isPush(text)) this.#replies.push(text);
    }
  }

  close(reason: CloseReason = { message: "Closed by this end" }): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#settle({ replies: this.#replies, reason });
    if (this.#opened) queueMicrotask(() => this.#sink?.closed(reason));
  }

  #begin(sink: ChannelSink): void {
    this.#opened = true;
    if (this.#reason !== undefined) return sink.closed(this.#reason);
    const full = sink.frames([this.#record]);
    if (full === undefined) this.#end(sink);
    else void full.then(() => this.#end(sink));
  }

  #end(sink: ChannelSink): void {
    if (this.#reason === undefined) sink.ended();
  }
}
