// Go's client, and Convoke's server on gorpc's wire.
export const label = "Go gorpc's client, Convoke's server";
export const ends = { client: "gorpc-dispatcher", server: "convoke-gorpc" };
/** Those of both ends. */
export { workloads } from "./gorpc-dispatcher.js";
