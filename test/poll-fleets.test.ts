import { nodePollDialer } from "../src/http/node/poll-dialer.ts";
import { pollListen } from "../src/http/node/poll-listen.ts";
import { fleetSuite } from "./suites/fleet-suite.ts";
import { FLEET_WIRES } from "./suites/fleet-wires.ts";
import { dialling } from "./suites/poll-ends.ts";

for (const [name, wire, can] of FLEET_WIRES) {
  for (const mode of ["poll", "beat"] as const) {
    const listen = (): ReturnType<typeof pollListen> => pollListen({ port: 0, scheme: mode });
    const dial = (address: string): ReturnType<typeof nodePollDialer> => nodePollDialer(dialling(address));
    const where = mode === "poll" ? "long-poll" : "heartbeat";
    fleetSuite(`${name} over ${where}`, wire, () => ({ listen: listen(), dial }), can);
  }
}
