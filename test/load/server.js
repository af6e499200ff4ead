// A server in a process of its own, whose memory tells what its clients cost it.
import { native, serve } from "convoke/node";
import { answering } from "./answering.js";

const MESSAGE_BYTES = 64 << 10;
/** In so many turns of the event loop an offer without a duration is made. */
const TURNS = 512;
/** So often what is garbage is collected, so that the memory that is seen is the memory that is held. */
const TURNS_PER_COLLECTION = 2;
const source = Buffer.alloc(MESSAGE_BYTES, "offered ");
/** In memory of its own, so that what holds it shows. */
const ownText = () => source.toString("latin1");
/** Always the same: making and collecting a text for each message would cost the neighbours more than offering it does. */
const text = ownText();
const sameText = () => text;

let server;
/** Handlers of `hog`: how many run, how many ever ran at once, how many began. */
const hogs = { running: 0, peak: 0, begun: 0 };

const handlers = {
  echo: (params) => params,
  /** Holds its place for so long, whatever its caller wants. */
  async hog({ ms }) {
    hogs.begun++;
    hogs.peak = Math.max(hogs.peak, ++hogs.running);
    await new Promise((resolve) => setTimeout(resolve, ms));
    hogs.running--;
  },
};

/** Of what is held: V8 keeps garbage for as long as it likes. */
function rss() {
  globalThis.gc();
  return process.memoryUsage.rss();
}

/** Offers `count` messages of this text, notifications and calls in turn, whatever becomes of those before. */
function offer(target, count, outcomes, textOf) {
  const refused = ({ code }) => outcomes[code === "resource_exhausted" ? "refused" : "failed"]++;
  for (let n = 0; n < count; n++) {
    const params = [textOf()];
    outcomes.offered++;
    if (outcomes.offered % 2 === 0) target.notify("news", params).then(() => outcomes.taken++, refused);
    else target.call("news", params).then(() => outcomes.taken++, refused);
  }
}

answering({
  async listen(options) {
    server = await serve("tcp://127.0.0.1:0", { wire: native(), handlers, logger: false, ...options });
    return server.addresses[0];
  },
  hogs: () => hogs,
  rss,
  /** Offers so many bytes to the newest client as fast as it goes; gives the outcomes and the most memory meanwhile. */
  async offer({ bytes }) {
    const outcomes = { offered: 0, taken: 0, refused: 0, failed: 0 };
    const target = server.connections.at(-1);
    let peakRss = 0;
    for (let turn = 1; turn <= TURNS; turn++) {
      offer(target, bytes / MESSAGE_BYTES / TURNS, outcomes, ownText);
      await new Promise((resolve) => setImmediate(resolve));
      if (turn % TURNS_PER_COLLECTION === 0) peakRss = Math.max(peakRss, rss());
    }
    return { ...outcomes, peakRss };
  },
  /** The same text, or with `isOwn` one for each message, spread over `ms`; gives the outcomes. */
  async offerSlowly({ bytes, ms, isOwn = false }) {
    const outcomes = { offered: 0, taken: 0, refused: 0, failed: 0 };
    const target = server.connections.at(-1);
    const count = bytes / MESSAGE_BYTES;
    const began = performance.now();
    while (outcomes.offered < count) {
      const due = Math.ceil(((performance.now() - began) / ms) * count);
      offer(target, Math.min(count, due) - outcomes.offered, outcomes, isOwn ? ownText : sameText);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return outcomes;
  },
});
