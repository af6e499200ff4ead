import type { Channel, ChannelSink, CloseReason, Frame, Full } from "../../core/channel.ts";
import { textOf } from "../../core/text.ts";
import type { Outlet } from "./exchange.ts";
import { isPush, refusePush } from "./push.ts";

/** What a stream of events carries, and who is told of it. */
export interface EventContent {
  /** The request that opened it; without one it brings what is pushed, for as long as both ends live. */
  readonly record?: Frame | undefined;
  /** Gives the caller's own ids back. */
  restore(reply: string): string;
  /** Called once: the answer begins, or there is none. */
  started(start: EventStart): void;
  /** Called once: the link has ended. */
  ended(): void;
}

/** Nothing happened yet; there is something to be told; or it ended before there was. */
export type EventStart = "events" | CloseReason;

const COMMENT = ": \n\n";
const NOTHING: readonly Frame[] = Object.freeze([]);

/**
 * The link of one HTTP request that is answered by server-sent events (HTML, section 9.2): each frame is the `data` of one.
 * Calls are not sent, but refused in the caller's place. With a record the reply to it is the last event.
 *
 * A sign of life is a comment; that it was taken is the answer to it.
 */
export class EventChannel implements Channel {
  readonly #content: EventContent;
  #outlet: Outlet | undefined = undefined;
  /** Events that wait for the headers. */
  #unsent = "";
  #roomy: (() => void) | undefined = undefined;
  #sink: ChannelSink | undefined = undefined;
  #opened = false;
  #hasStarted = false;
  #hasReplied = false;
  #reason: CloseReason | undefined = undefined;

  constructor(content: EventContent) {
    this.#content = content;
  }

  open(sink: ChannelSink): void {
    if (this.#sink !== undefined) throw new TypeError("The channel is open already");
    this.#sink = sink;
    queueMicrotask(() => this.#begin(sink));
  }

  send(frames: readonly Frame[]): Full {
    if (this.#reason !== undefined) return;
    let events = "";
    for (const frame of frames) events += this.#eventOf(textOf(frame));
    return events === "" ? undefined : this.#write(events);
  }

  ping(): void {
    if (this.#reason !== undefined) return;
    // Whoever waits long for a reply has the headers now, and nobody on the way takes the request for dead.
    void Promise.resolve(this.#write(COMMENT)).then(() => {
      if (this.#reason === undefined) void this.#sink?.frames(NOTHING);
    });
  }

  close(reason: CloseReason = { message: "Closed by this end" }): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#start(reason);
    this.#finish(reason);
    this.#roomy?.();
    this.#content.ended();
    if (this.#opened) queueMicrotask(() => this.#sink?.closed(reason));
  }

  /** The headers are on their way: events go here from now on. */
  attach(outlet: Outlet): void {
    this.#outlet = outlet;
    // A proxy may hold the headers back until something comes behind them.
    const full = outlet.write(this.#unsent === "" ? COMMENT : this.#unsent);
    this.#unsent = "";
    void Promise.resolve(full).then(() => this.#roomy?.());
    if (this.#reason !== undefined) this.#finish(this.#reason);
  }

  #begin(sink: ChannelSink): void {
    this.#opened = true;
    if (this.#reason !== undefined) return sink.closed(this.#reason);
    const { record } = this.#content;
    if (record === undefined) this.#start("events");
    else void sink.frames([record]);
  }

  #start(start: EventStart): void {
    if (this.#hasStarted) return;
    this.#hasStarted = true;
    this.#content.started(start);
  }

  /** Who waits for a reply that does not come must not take the stream for whole. */
  #finish({ error }: CloseReason): void {
    const isWhole = error === undefined && (this.#content.record === undefined || this.#hasReplied);
    if (isWhole) this.#outlet?.end();
    else this.#outlet?.cut();
  }

  #eventOf(frame: string): string {
    if (!isPush(frame)) {
      this.#replied();
      return eventText(this.#content.restore(frame));
    }
    const answer = refusePush(frame);
    if (answer === undefined) return eventText(frame);
    queueMicrotask(() => {
      if (this.#reason === undefined) void this.#sink?.frames([answer]);
    });
    return "";
  }

  /** Nothing more will be asked, and nothing more can be said: the engine closes the link. */
  #replied(): void {
    if (this.#hasReplied || this.#content.record === undefined) return;
    this.#hasReplied = true;
    queueMicrotask(() => {
      if (this.#reason === undefined) this.#sink?.ended();
    });
  }

  #write(events: string): Full {
    if (this.#outlet !== undefined) return this.#outlet.write(events);
    this.#unsent += events;
    this.#start("events");
    return new Promise((resolve) => {
      const before = this.#roomy;
      this.#roomy = () => {
        before?.();
        resolve();
      };
    });
  }
}

function eventText(frame: string): string {
  return `data: ${/[\r\n]/.test(frame) ? frame.replace(/\r\n|\r|\n/g, "\ndata: ") : frame}\n\n`;
}
