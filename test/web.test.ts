import { WebSocket as WsSocket } from "ws";
import { limitsOf } from "../src/core/limits.ts";
import type { LinkTerms } from "../src/core/wire.ts";
import { wsListen } from "../src/transports/node/ws-listen.ts";
import { type MakeWebSocket, webSocketDialer } from "../src/transports/web/ws-dialer.ts";
import { jsonMessages } from "../src/wires/json-messages.ts";
import { type ChannelCapabilities, type ChannelPair, channelSuite } from "./suites/channel-suite.ts";
import { peerSuite, type RawPair } from "./suites/peer-suite.ts";
import { PEER_WIRES } from "./suites/peer-wires.ts";
import { linkTerms, meetAt } from "./suites/ws-ends.ts";

const LIMIT = 64 << 10;

/** The class of `ws` has the interface of the platform's; its connections that fail would end the process. */
const make: MakeWebSocket = (url, protocols) => {
  const socket = new WsSocket(url, protocols, { perMessageDeflate: false });
  socket.on("error", () => {});
  return socket as unknown as WebSocket;
};

function webPair(terms?: LinkTerms): Promise<RawPair> {
  return meetAt(wsListen({ port: 0, path: "/rpc" }), (url) => webSocketDialer({ url }, make), terms);
}

async function channels(near: "client" | "server"): Promise<ChannelPair> {
  const { client, server, cleanup } = await webPair(linkTerms({ limits: limitsOf({ maxFrameBytes: LIMIT }) }));
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

channelSuite("the platform's WebSocket, near is the page,", () => channels("client"), capabilities);
// A page reads on whatever it is told, and drops what is too large when it has read it.
channelSuite("the platform's WebSocket, near is the server,", () => channels("server"), {
  ...capabilities,
  tellsFull: false,
  tooLarge: "skipped",
});

const jsonrpcCan = PEER_WIRES.flatMap(([name, , can]) => (name === "jsonrpc" ? [can] : []));

for (const [name, wire, can] of [
  ...PEER_WIRES,
  ...jsonrpcCan.map((can) => ["jsonMessages", jsonMessages(), can] as const),
]) {
  peerSuite(`${name} over the platform's WebSocket`, wire, () => webPair(), {
    ...can,
    realTime: true,
    tellsClose: true,
  });
}
