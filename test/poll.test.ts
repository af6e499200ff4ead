import { limitsOf } from "../src/core/limits.ts";
import type { LinkTerms } from "../src/core/wire.ts";
import { type ChannelCapabilities, channelSuite } from "./suites/channel-suite.ts";
import { peerSuite, type RawPair } from "./suites/peer-suite.ts";
import { PEER_WIRES } from "./suites/peer-wires.ts";
import { channelsOf, pollPair, pollPairInMemory, pollTerms } from "./suites/poll-ends.ts";

const LIMIT = 64 << 10;
const small = (): LinkTerms => pollTerms({ limits: limitsOf({ maxFrameBytes: LIMIT }) });

const can: ChannelCapabilities = {
  halfClose: false,
  tellsFull: true,
  pauses: true,
  binary: true,
  keepsForm: true,
  empty: true,
  text: "any",
  maxFrameBytes: LIMIT,
  tooLarge: "skipped",
};

for (const mode of ["poll", "beat"] as const) {
  const name = mode === "poll" ? "long-poll" : "heartbeat";
  for (const near of ["client", "server"] as const) {
    channelSuite(`${name} over HTTP, near is the ${near},`, () => channelsOf(pollPair(mode, small()), near), can);
    const inMemory = (): Promise<RawPair> => pollPairInMemory(mode, small());
    channelSuite(`${name} over fetch in memory, near is the ${near},`, () => channelsOf(inMemory(), near), can);
  }
  for (const [wireName, wire, says] of PEER_WIRES) {
    const real = { ...says, realTime: true, tellsClose: true };
    peerSuite(`${wireName} over ${name}`, wire, () => pollPair(mode), real);
    if (wireName !== "jsonrpc" && wireName !== "native") continue;
    peerSuite(`${wireName} over ${name} in memory`, wire, () => pollPairInMemory(mode), real);
  }
}
