// Convoke's client on gorpc's wire, and Go's server.
export const label = "Convoke's client, Go gorpc's server";
export const ends = { client: "convoke-gorpc", server: "gorpc-dispatcher" };
/** Those of both ends. */
export { workloads } from "./gorpc-dispatcher.js";
