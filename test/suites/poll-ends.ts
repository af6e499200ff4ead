import { ManualClock, systemClock } from "../../src/core/clock.ts";
import { bytesOf, textOf } from "../../src/core/text.ts";
import type { LinkTerms, RawConnection } from "../../src/core/wire.ts";
import { nodePollDialer } from "../../src/http/node/poll-dialer.ts";
import { type PollListenTarget, pollListen } from "../../src/http/node/poll-listen.ts";
import { type PollTarget, pollDialer } from "../../src/http/poll/dialer.ts";
import {
  type Answering,
  type Asking,
  askingBody,
  frameItem,
  LINK_HEADER,
  MEDIA_TYPE,
  openingBody,
  readAnswering,
  readOpened,
} from "../../src/http/poll/envelope.ts";
import type { Bytes } from "../../src/http/poll/fields.ts";
import type { PollMode, PollServeOptions } from "../../src/http/poll/options.ts";
import { PollServer } from "../../src/http/poll/poll-server.ts";
import type { HttpAbout } from "../../src/http/server/exchange.ts";
import type { ChannelPair } from "./channel-suite.ts";
import type { Log } from "./engine.ts";
import type { RawPair } from "./peer-suite.ts";
import { deferred } from "./support.ts";
import { linkTerms, meetAt } from "./ws-ends.ts";

/** A clock that ticks often enough for heartbeats of tests. */
export function pollTerms(overrides: Partial<LinkTerms> = {}): ReturnType<typeof linkTerms> {
  return linkTerms({ clock: systemClock(2), ...overrides });
}

/** What a client of an address is told in tests; heartbeats are quick. */
export function dialling(url: string): Pick<PollTarget, "url" | "intervalMs"> {
  return url.startsWith("beat") ? { url, intervalMs: 4 } : { url };
}

/** The address of HTTP in one of a link. */
export function httpUrl(address: string): string {
  return address.replace(/^(poll|beat)\+/, "");
}

/** Two ends that met over HTTP on the loopback, or HTTPS where `tls` is given. */
export function pollPair(
  mode: PollMode,
  terms: LinkTerms = pollTerms(),
  serving: Partial<PollListenTarget> = {},
  client: Partial<PollTarget> & { readonly tls?: Parameters<typeof nodePollDialer>[0]["tls"] } = {},
): Promise<RawPair> {
  return meetAt(
    pollListen({ port: 0, path: "/link", scheme: mode, ...serving }),
    (address) => nodePollDialer({ ...dialling(address), ...client }),
    terms,
  );
}

/** Two ends that met without a network: the client's `fetch` is the server's. */
export async function pollPairInMemory(
  mode: PollMode,
  terms: LinkTerms = pollTerms(),
  serving: PollServeOptions = {},
): Promise<RawPair> {
  const server = new PollServer(serving);
  const accepted = deferred<RawConnection>();
  const listener = await server.listen(accepted.resolve, terms);
  const client = await pollDialer({
    ...dialling(`${mode}+http://localhost:8080/`),
    fetch: (url, init) => server.answer(new Request(url, init), { remoteAddress: "test:1" }),
  })(new AbortController().signal, terms);
  return { client, server: await accepted.promise, cleanup: () => listener.close() };
}

/** The two channels of a pair, near the one that `near` names. */
export async function channelsOf(made: Promise<RawPair>, near: "client" | "server"): Promise<ChannelPair> {
  const pair = await made;
  if (!("server" in pair)) throw new Error("There is no server's end");
  const { client, server, cleanup } = pair;
  const [one, other] = near === "client" ? [client, server] : [server, client];
  if (one.channel === undefined || other.channel === undefined) throw new Error("There are no channels");
  return { near: one.channel, far: other.channel, ...(cleanup !== undefined && { cleanup }) };
}

/** A server of links without a network, in virtual time, and what it was asked and said. */
export interface PollStage {
  readonly server: PollServer;
  readonly clock: ManualClock;
  readonly log: Log;
  readonly terms: LinkTerms;
  /** Its ends of the links, in the order in which they were opened. */
  readonly links: RawConnection[];
  /** Closes its listener. */
  close(): Promise<void>;
  /** Sends one request as one of this machine does. */
  ask(body: Uint8Array<ArrayBuffer>, init?: RequestInit & { readonly link?: string }): Promise<Response>;
  /** Opens a link, and gives its id. */
  open(init?: RequestInit): Promise<string>;
  /** Says something on a link, and gives what is answered. */
  say(link: string, saying: SayingText): Promise<Answering>;
}

/** What a test says on a link: frames by their text. */
export interface SayingText extends Partial<Omit<Asking, "items">> {
  readonly frames?: readonly string[];
  readonly init?: RequestInit;
}

export async function pollStage(
  options: PollServeOptions = {},
  overrides: Partial<LinkTerms> = {},
  about: HttpAbout = { remoteAddress: "test:1" },
): Promise<PollStage> {
  const clock = new ManualClock();
  const terms = linkTerms({ clock, ...overrides });
  const server = new PollServer(options);
  const links: RawConnection[] = [];
  const listener = await server.listen((raw) => void links.push(raw), terms);
  const ask: PollStage["ask"] = (body, { link, headers, ...init } = {}) => {
    const own = { "content-type": MEDIA_TYPE, ...(link !== undefined && { [LINK_HEADER]: link }) };
    const request = { method: "POST", ...init, headers: { ...own, ...(headers as Record<string, string>) } };
    const content = request.method === "POST" ? { body: init.body ?? body } : {};
    return server.answer(new Request("http://localhost:8080/", { ...request, ...content }), about);
  };
  return {
    ...{ server, clock, log: terms.logger, terms, links, ask },
    close: () => listener.close(),
    async open(init) {
      const response = await ask(openingBody({ maxFrameBytes: 1 << 20 }), init);
      if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`);
      return readOpened(new Uint8Array(await response.arrayBuffer())).link;
    },
    async say(link, saying) {
      const response = await ask(bodyOf(saying), { link, ...saying.init });
      if (response.status !== 200) throw new Error(`${response.status} ${(await response.text()).trim()}`);
      return readAnswering(new Uint8Array(await response.arrayBuffer()), 1 << 20);
    },
  };
}

/** The body of a request. */
export function bodyOf({ frames = [], first = 0, ack = 0, down = false, holdMs = 0, broken }: SayingText): Bytes {
  const items = frames.map((frame) => frameItem(frame, bytesOf(frame), 1 << 20));
  return askingBody({ items, first, ack, down, holdMs, broken });
}

/** The frames of an answer, as text. */
export function textsOf({ items }: Pick<Answering, "items">): string[] {
  return items.map((item) => (item.kind === "frame" ? textOf(item.frame) : item.kind));
}
