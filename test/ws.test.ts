import { limitsOf } from "../src/core/limits.ts";
import type { LinkTerms } from "../src/core/wire.ts";
import { type Certificates, makeCertificates } from "./suites/certificates.ts";
import { type ChannelCapabilities, type ChannelPair, channelSuite } from "./suites/channel-suite.ts";
import { peerSuite, type RawPair } from "./suites/peer-suite.ts";
import { PEER_WIRES } from "./suites/peer-wires.ts";
import { linkTerms, wsPair } from "./suites/ws-ends.ts";

const LIMIT = 64 << 10;
/** None where openssl is missing, which it says. */
const certificates = makeCertificates();
const small = linkTerms({ limits: limitsOf({ maxFrameBytes: LIMIT }) });

function securePair({ ca, server, client }: Certificates, terms?: LinkTerms): Promise<RawPair> {
  return wsPair({ tls: { ca, ...server } }, { tls: { ca, ...client } }, terms);
}

/** The two channels, near the one that `near` names. */
async function channels(made: Promise<RawPair>, near: "client" | "server"): Promise<ChannelPair> {
  const { client, server, cleanup } = await made;
  const [one, other] = near === "client" ? [client, server] : [server, client];
  if (one.channel === undefined || other.channel === undefined) throw new Error("There are no channels");
  return { near: one.channel, far: other.channel, ...(cleanup !== undefined && { cleanup }) };
}

const capabilities: ChannelCapabilities = {
  halfClose: false,
  tellsFull: true,
  pauses: true,
  binary: true,
  keepsForm: true,
  empty: true,
  text: "any",
  maxFrameBytes: LIMIT,
  tooLarge: "closes",
};
/** What the suite fills a channel with becomes nothing when it is compressed. */
const compressed: ChannelCapabilities = { ...capabilities, tellsFull: false };
const deflate = { deflate: true };

for (const near of ["client", "server"] as const) {
  const where = `near is the ${near},`;
  channelSuite(`ws, ${where}`, () => channels(wsPair({}, {}, small), near), capabilities);
  channelSuite(`ws with deflate, ${where}`, () => channels(wsPair(deflate, deflate, small), near), compressed);
  if (certificates === undefined) continue;
  channelSuite(`wss, ${where}`, () => channels(securePair(certificates, small), near), capabilities);
}

for (const [name, wire, can] of PEER_WIRES) {
  const real = { ...can, realTime: true, tellsClose: true };
  peerSuite(`${name} over ws`, wire, wsPair, real);
  if (name === "jsonrpc" || name === "native") {
    peerSuite(`${name} over ws with deflate`, wire, () => wsPair(deflate, deflate), real);
  }
  if (certificates === undefined || !["jsonrpc", "lsp", "native", "command"].includes(name)) continue;
  peerSuite(`${name} over wss`, wire, () => securePair(certificates), real);
}
