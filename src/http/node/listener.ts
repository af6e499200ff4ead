import type { RequestListener } from "node:http";
import { refusalOf, refuse } from "../../transports/node/http-host-refusal.ts";
import type { HttpBridge } from "../bridge.ts";
import { answerOver } from "./answer.ts";

/**
 * Makes a listener for Node's HTTP servers, and for what is built on them, of a bridge: `http.createServer(listener)`, or
 * `app.use("/rpc", listener)` where the framework cuts the path. It checks Host and Origin, and never calls anything on.
 */
export function requestListener(bridge: HttpBridge): RequestListener {
  const { guard } = bridge;
  return (request, response) => {
    const refusal = refusalOf(request, { guard, onRefused: (from, why) => bridge.refused(from, why) });
    if (refusal === undefined) void answerOver(bridge, request, response);
    else refuse(response, ...refusal);
  };
}
