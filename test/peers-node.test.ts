import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll } from "vitest";
import type { RawConnection, Wire } from "../src/core/wire.ts";
import { deflate, native } from "../src/node.ts";
import { execDialer } from "../src/transports/node/exec.ts";
import { stdioConnection } from "../src/transports/node/stdio.ts";
import { tcpDialer, tcpListen } from "../src/transports/node/tcp.ts";
import { tlsDialer, tlsListen } from "../src/transports/node/tls.ts";
import { unixDialer, unixListen } from "../src/transports/node/unix.ts";
import { gorpcJson } from "./codecs/gorpc-json.ts";
import { type Certificates, makeCertificates } from "./suites/certificates.ts";
import { grpcPair, termsOf } from "./suites/grpc-ends.ts";
import { peerSuite, type RawPair } from "./suites/peer-suite.ts";
import { PEER_WIRES } from "./suites/peer-wires.ts";

/** A program that joins its standard streams to a socket, so that the other end of a real child lives in this process. */
const RELAY = `
  const socket = require("node:net").connect({ path: process.argv[1], allowHalfOpen: true });
  process.stdin.pipe(socket);
  socket.pipe(process.stdout);
  socket.on("end", () => process.stdout.write("", () => process.exit(0)));
  socket.on("error", () => process.exit(1));
  process.stdout.on("error", () => process.exit(1));
`;

/** None where openssl is missing, which it says. */
const certificates = makeCertificates();
const never = new AbortController().signal;
const children: ChildProcess[] = [];
let directory = "";
let sockets = 0;

beforeAll(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), "convoke-peers-"));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});
afterAll(() => fs.rmSync(directory, { recursive: true }));

const freshPath = (): string => path.join(directory, `${sockets++}.sock`);

/** Dials a listener, and gives the two ends that meet there. */
async function meet(
  listen: ReturnType<typeof tcpListen>,
  dial: (address: string) => ReturnType<typeof tcpDialer>,
): Promise<RawPair> {
  let accept: (connection: RawConnection) => void = () => {};
  const accepted = new Promise<RawConnection>((resolve) => {
    accept = resolve;
  });
  const listener = await listen(accept);
  const client = await dial(listener.address)(never);
  const server = await accepted;
  return { client, server, cleanup: () => listener.close() };
}

function tcpPair(): Promise<RawPair> {
  return meet(tcpListen({ port: 0 }), (address) => tcpDialer({ port: Number(new URL(address).port) }));
}

function tlsPair({ ca, server, client }: Certificates): Promise<RawPair> {
  return meet(tlsListen({ port: 0, tls: { ca, ...server } }), (address) =>
    tlsDialer({ port: Number(new URL(address).port), tls: { ca, ...client } }),
  );
}

function unixPair(): Promise<RawPair> {
  const socket = freshPath();
  return meet(unixListen({ path: socket }), () => unixDialer({ path: socket }));
}

function execPair(): Promise<RawPair> {
  const socket = freshPath();
  return meet(unixListen({ path: socket }), () =>
    execDialer({ command: process.execPath, args: ["-e", RELAY, socket], killAfterMs: 200 }),
  );
}

function stdioPair(): Promise<RawPair> {
  const socket = freshPath();
  return meet(unixListen({ path: socket }), () => async () => {
    const child = spawn(process.execPath, ["-e", RELAY, socket], { stdio: ["pipe", "pipe", "inherit"] });
    children.push(child);
    return stdioConnection({ input: child.stdout, output: child.stdin });
  });
}

/** The wires that can compress, when they do. */
const COMPRESSED: ReadonlyMap<string, Wire> = new Map([
  ["native", native({ compression: deflate() })],
  ["gorpc", gorpcJson({ compress: true })],
]);

for (const [name, wire, capabilities] of PEER_WIRES) {
  const real = { ...capabilities, realTime: true };
  peerSuite(`${name} over TCP`, wire, tcpPair, real);
  const compressed = COMPRESSED.get(name);
  if (compressed !== undefined) peerSuite(`${name}, compressed, over TCP`, compressed, tcpPair, real);
  if (!["jsonrpc", "lsp", "native"].includes(name)) continue;
  if (certificates !== undefined) peerSuite(`${name} over TLS`, wire, () => tlsPair(certificates), real);
  peerSuite(`${name} over a Unix socket`, wire, unixPair, real);
  peerSuite(`${name} over standard streams`, wire, stdioPair, real);
  peerSuite(`${name} over a child process`, wire, execPair, real);
  // A client's close is a half-close at first, and a server's is told as such at once.
  peerSuite(`${name} over gRPC`, wire, () => grpcPair(termsOf({ wire })), { ...real, halfClose: true });
}
