// A server over WebSocket in a process of its own, whose memory tells what its clients cost it, and a client that can be stopped.
import { setTimeout as pause } from "node:timers/promises";
import { connect, native, serve } from "convoke/node";
import { wsDialer } from "../../dist/transports/node/ws-dialer.js";
import { wsListen } from "../../dist/transports/node/ws-listen.js";
import { answering } from "./answering.js";

const MESSAGE_BYTES = 64 << 10;
/** In so many turns of the event loop an offer is made. */
const TURNS = 512;
/** So often what is garbage is collected, so that the memory that is seen is the memory that is held. */
const TURNS_PER_COLLECTION = 2;
const source = Buffer.alloc(MESSAGE_BYTES, "offered ");

/** In memory of its own, so that what holds it shows. */
const ownText = () => source.toString("latin1");

let server;

/** Of what is held: V8 keeps garbage for as long as it likes. */
function rss() {
  globalThis.gc();
  return process.memoryUsage.rss();
}

/** Offers `count` messages to the newest client, notifications and calls in turn, whatever becomes of those before. */
function offer(count, outcomes, textOf) {
  const taken = () => outcomes.taken++;
  const refused = ({ code }) => outcomes[code === "resource_exhausted" ? "refused" : "failed"]++;
  const target = server.connections.at(-1);
  for (let n = 0; n < count; n++) {
    const params = [textOf()];
    const offered = outcomes.offered++ % 2 === 0 ? target.notify("news", params) : target.call("news", params);
    offered.then(taken, refused);
  }
}

answering({
  async listen() {
    const handlers = { echo: (params) => params };
    server = await serve(wsListen({ port: 0 }), { wire: native(), handlers, logger: false });
    return server.addresses[0];
  },
  async connect({ address }) {
    await connect(wsDialer({ url: address }), {
      wire: native(),
      handlers: { news: () => {} },
      redial: false,
      logger: false,
    });
  },
  rss,
  /** Offers one text again and again, spread over `ms`: what sending costs anyhow has been paid then. */
  async warmUp({ bytes, ms }) {
    const outcomes = { offered: 0, taken: 0, refused: 0, failed: 0 };
    const text = ownText();
    for (let turn = 1; turn <= TURNS; turn++) {
      offer(bytes / MESSAGE_BYTES / TURNS, outcomes, () => text);
      await pause(ms / TURNS);
    }
  },
  /** Offers so many bytes to the newest client as fast as it goes; gives the outcomes and the most memory meanwhile. */
  async offer({ bytes }) {
    const outcomes = { offered: 0, taken: 0, refused: 0, failed: 0 };
    let peakRss = 0;
    for (let turn = 1; turn <= TURNS; turn++) {
      offer(bytes / MESSAGE_BYTES / TURNS, outcomes, ownText);
      await new Promise(setImmediate);
      if (turn % TURNS_PER_COLLECTION === 0) peakRss = Math.max(peakRss, rss());
    }
    return { ...outcomes, peakRss };
  },
});
