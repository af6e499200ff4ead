import type { Channel, ChannelSink, CloseReason, Frame, Full } from "../../src/core/channel.ts";
import { textOf } from "../../src/core/text.ts";
import type { LinkTerms, Listen, RawConnection } from "../../src/core/wire.ts";
import { nodeHttpDialer } from "../../src/http/node/dialer.ts";
import { httpListen } from "../../src/http/node/listen.ts";
import { EventChannel } from "../../src/http/server/event-channel.ts";
import { HttpBridge, httpDialer } from "../../src/http.ts";
import { Server } from "../../src/server/server.ts";
import { jsonrpc } from "../../src/wires/jsonrpc.ts";
import type { Certificates } from "./certificates.ts";
import type { ChannelPair } from "./channel-suite.ts";
import type { ServedPair } from "./peer-suite.ts";
import { deferred, until } from "./support.ts";
import { linkTerms } from "./ws-ends.ts";

/** Where the server of a pair listens, and how its client gets there. */
export interface HttpWay {
  readonly listen: Listen;
  dial(address: string, terms: LinkTerms): Promise<RawConnection>;
}

const never = new AbortController().signal;

/** From the client's function to the server's, without a network. */
export function fetchWay(): HttpWay {
  const bridge = new HttpBridge();
  const fetch = (url: string, init: RequestInit): Promise<Response> => bridge.fetch(new Request(url, init));
  return {
    listen: bridge.listen,
    dial: async (_, terms) => httpDialer({ url: "http://localhost/", events: true, fetch })(never, terms),
  };
}

/** Over the network of this machine, with Node's own client; with certificates over TLS. */
export function nodeWay(certificates?: Certificates): HttpWay {
  const tls = certificates && { ca: certificates.ca };
  return {
    listen: httpListen({ port: 0, ...(certificates && { tls: { ...certificates.server } }) }),
    dial: async (url, terms) => nodeHttpDialer({ url, events: true, tls })(never, terms),
  };
}

/** A client, and the server that makes a link of each of its requests. */
export async function httpPair({ listen, dial }: HttpWay): Promise<ServedPair> {
  return {
    async serve({ clock, handlers, logger }) {
      const server = await Server.open([listen], jsonrpc(), { clock, handlers, logger });
      const client = await dial(server.addresses[0] ?? "", linkTerms({ wire: jsonrpc(), clock }));
      await until(() => server.connections.length === 1);
      const [stream] = server.connections;
      if (stream === undefined) throw new TypeError("There is no stream of events");
      return {
        client,
        callee: {
          call: stream.call.bind(stream),
          notify: stream.notify.bind(stream),
          close: (options) => server.close(options),
          get runningCount() {
            return server.stats().running;
          },
          // It has ended when none of its links is left.
          get closed() {
            return until(() => server.connections.length === 0).then((): CloseReason => ({ message: "Closed" }));
          },
        },
      };
    },
  };
}

/** The client's channel, and all that a server has of it taken together. */
export async function httpChannels(
  { listen, dial }: HttpWay,
  near: "client" | "server",
  terms: LinkTerms,
): Promise<ChannelPair> {
  const whole = deferred<Whole>();
  let server: Whole | undefined;
  const listener = await listen(({ channel }) => {
    if (channel instanceof EventChannel) {
      server = new Whole(channel);
      whole.resolve(server);
    } else if (channel !== undefined) server?.take(channel);
  }, terms);
  const { channel: client } = await dial(listener.address, terms);
  if (client === undefined) throw new TypeError("There is no channel");
  const ends = { client: new Notes(client), server: new Notes(await whole.promise) };
  const far = near === "client" ? ends.server : ends.client;
  return { near: ends[near], far, cleanup: () => listener.close() };
}

const HEAD = '{"jsonrpc":"2.0","method":"note","params":[';
const TAIL = "]}";

/** Sends each frame as the only param of a notification, because the bridge answers what it cannot understand. */
class Notes implements Channel {
  readonly #channel: Channel;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  open(sink: ChannelSink): void {
    this.#channel.open({
      frames: (frames) => sink.frames(frames.map((frame) => frameIn(textOf(frame)))),
      skipped: (head, reason) => sink.skipped(head, reason),
      ended: () => sink.ended(),
      closed: (reason) => sink.closed(reason),
    });
  }

  send(frames: readonly Frame[]): Full {
    return this.#channel.send(frames.map((frame) => `${HEAD}${JSON.stringify(textOf(frame))}${TAIL}`));
  }

  close(reason?: CloseReason): void {
    this.#channel.close(reason);
  }
}

function frameIn(note: string): string {
  return JSON.parse(note.slice(HEAD.length, -TAIL.length)) as string;
}

/** The stream of events and the requests of one client as one channel, which the server never has. */
class Whole implements Channel {
  readonly #events: Channel;
  /** Those that came before somebody wanted them. */
  readonly #posts: Channel[] = [];
  #sink: ChannelSink | undefined = undefined;
  #isOpen = false;
  #isOver = false;
  #end: CloseReason | undefined = undefined;

  constructor(events: Channel) {
    this.#events = events;
    // The client waits for its answer.
    events.open({ frames: () => {}, skipped: () => {}, ended: () => {}, closed: (reason) => this.#closed(reason) });
  }

  take(post: Channel): void {
    if (this.#isOver) post.close();
    else if (this.#isOpen && this.#sink !== undefined) this.#open(post, this.#sink);
    else this.#posts.push(post);
  }

  open(sink: ChannelSink): void {
    this.#sink = sink;
    queueMicrotask(() => {
      this.#isOpen = true;
      for (const post of this.#posts.splice(0)) this.take(post);
      if (this.#end !== undefined) sink.closed(this.#end);
    });
  }

  send(frames: readonly Frame[]): Full {
    return this.#events.send(frames);
  }

  close(reason?: CloseReason): void {
    this.#isOver = true;
    this.#events.close(reason);
    for (const post of this.#posts.splice(0)) post.close();
  }

  #open(post: Channel, sink: ChannelSink): void {
    post.open({
      frames: (frames) => (this.#isOver ? undefined : sink.frames(frames)),
      skipped: () => {},
      ended: () => post.close(),
      closed: () => {},
    });
  }

  #closed(reason: CloseReason): void {
    this.#isOver = true;
    this.#end = reason;
    if (this.#isOpen) this.#sink?.closed(reason);
  }
}
