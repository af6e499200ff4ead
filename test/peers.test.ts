import { memoryChannels, memoryPipes } from "../src/transports/memory.ts";
import { peerSuite } from "./suites/peer-suite.ts";
import { PEER_WIRES } from "./suites/peer-wires.ts";

for (const [name, wire, capabilities] of PEER_WIRES) {
  peerSuite(
    `${name} on a pipe in memory`,
    wire,
    async () => {
      const [near, far] = memoryPipes({ capacity: 64 << 10, scrub: true });
      return { client: { pipe: near }, server: { pipe: far }, endClient: () => near.end() };
    },
    { ...capabilities, halfClose: true, tellsClose: true },
  );

  peerSuite(
    `${name} on a channel in memory`,
    wire,
    async () => {
      const [near, far] = memoryChannels({ capacity: 16 });
      return { client: { channel: near }, server: { channel: far }, endClient: () => near.end() };
    },
    { ...capabilities, halfClose: true, tellsClose: true },
  );
}
