/** What an address belongs to, as far as flags care; `parseAddress` reads the rest. */
const WEB_SOCKET: readonly string[] = ["ws", "wss"];
const HTTP: readonly string[] = ["http", "https"];
const GRPC: readonly string[] = ["grpc", "grpcs"];
const POLL: readonly string[] = ["poll+http", "poll+https", "beat+http", "beat+https"];
const SECURE: readonly string[] = ["tls", "wss", "https", "grpcs", "poll+https", "beat+https"];

/** Over WebSocket. */
export function isWebSocket(address: string): boolean {
  return WEB_SOCKET.includes(schemeOf(address));
}

/** Over HTTP, which carries calls from the client to the server and hardly anything back. */
export function isHttp(address: string): boolean {
  return HTTP.includes(schemeOf(address));
}

/** By requests that carry frames both ways: long-poll and heartbeat. */
export function isPoll(address: string): boolean {
  return POLL.includes(schemeOf(address));
}

export function isGrpc(address: string): boolean {
  return GRPC.includes(schemeOf(address));
}

/** Over TLS. */
export function isSecure(address: string): boolean {
  return SECURE.includes(schemeOf(address));
}

/** A port that can tell several wires apart. */
export function hasWires(address: string): boolean {
  return !isWebSocket(address) && !isHttp(address) && !isPoll(address) && !isGrpc(address) && !isOnce(address);
}

/** This process's own stdin and stdout. */
export function isStdio(address: string): boolean {
  return schemeOf(address) === "stdio";
}

/** A program that is started, or this one's stdio: no second link comes of it. */
export function isOnce(address: string): boolean {
  return isStdio(address) || schemeOf(address) === "exec";
}

/** An address as it may be printed: passwords, and tokens in queries, are nobody else's to read. */
export function shownAddress(address: string): string {
  const shown = address.replace(/^([a-z+]+:\/\/)[^/?#]*@/i, "$1…@");
  return isWebSocket(address) || isHttp(address) || isPoll(address) ? shown.replace(/\?.*$/s, "?…") : shown;
}

/** In small letters; of `host:port` it is the host, which is no scheme that anybody asks for. */
function schemeOf(address: string): string {
  return (/^([a-z][a-z0-9+.-]*):/i.exec(address)?.[1] ?? "").toLowerCase();
}
