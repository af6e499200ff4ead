import { limitsOf } from "../src/core/limits.ts";
import { jsonrpc } from "../src/wires/jsonrpc.ts";
import { lsp } from "../src/wires/lsp.ts";
import { makeCertificates } from "./suites/certificates.ts";
import { type ChannelCapabilities, channelSuite } from "./suites/channel-suite.ts";
import { fetchWay, type HttpWay, httpChannels, httpPair, nodeWay } from "./suites/http-pairs.ts";
import { type PeerCapabilities, peerSuite } from "./suites/peer-suite.ts";
import { linkTerms } from "./suites/ws-ends.ts";

const LIMIT = 64 << 10;
/** None where openssl is missing, which it says. */
const certificates = makeCertificates();
/** With room for the notification around each frame. */
const terms = linkTerms({ wire: jsonrpc(), limits: limitsOf({ maxFrameBytes: LIMIT + 1000 }) });

const channel: ChannelCapabilities = {
  halfClose: false,
  tellsFull: true,
  pauses: true,
  binary: false,
  keepsForm: false,
  empty: true,
  text: "any",
  maxFrameBytes: LIMIT,
  // Each way its own: a request is refused, an event is skipped.
  tooLarge: "unbounded",
};

/** A caller that gives up breaks its request off. */
const peer: PeerCapabilities = {
  calls: "client",
  notifies: true,
  pushes: true,
  anyName: true,
  errors: "data",
  cancels: "unavailable",
  tellsClose: true,
};

const ways: readonly (readonly [name: string, make: () => HttpWay, realTime: boolean])[] = [
  ["fetch", fetchWay, false],
  ["http", () => nodeWay(), true],
  ...(certificates === undefined ? [] : [["https", () => nodeWay(certificates), true] as const]),
];

for (const [name, way, realTime] of ways) {
  if (name !== "https") {
    channelSuite(`requests over ${name}`, () => httpChannels(way(), "client", terms), channel);
    channelSuite(`events over ${name}`, () => httpChannels(way(), "server", terms), channel);
  }
  peerSuite(`jsonrpc over ${name}`, jsonrpc(), () => httpPair(way()), { ...peer, realTime });
  if (name === "http") peerSuite(`lsp over ${name}`, lsp(), () => httpPair(way()), { ...peer, realTime });
}
