import { createHash } from "node:crypto";
import { once } from "node:events";
import net, { type AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { limitsOf } from "../../src/core/limits.ts";
import { DEFAULT_HEARTBEAT } from "../../src/core/liveness.ts";
import type { Dialer, LinkTerms, Listen, RawConnection } from "../../src/core/wire.ts";
import { type WsTarget, wsDialer } from "../../src/transports/node/ws-dialer.ts";
import { type WsListenTarget, wsListen } from "../../src/transports/node/ws-listen.ts";
import { native } from "../../src/wires/native.ts";
import { Log } from "./engine.ts";
import type { RawPair } from "./peer-suite.ts";
import { deferred } from "./support.ts";

/** The key of the example in RFC 6455, 1.3, and what a server makes of it. */
export const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/** What transports are told, and a log of what they say. */
export function linkTerms(overrides: Partial<LinkTerms> = {}): LinkTerms & { readonly logger: Log } {
  return {
    wire: native(),
    limits: limitsOf({}),
    heartbeat: DEFAULT_HEARTBEAT,
    handshakeTimeoutMs: 15_000,
    clock: systemClock(),
    ...overrides,
    logger: new Log(),
  };
}

/** Dials a listener, and gives the two ends that meet there. */
export async function meetAt(
  listen: Listen,
  dial: (url: string) => Dialer,
  terms: LinkTerms = linkTerms(),
): Promise<RawPair> {
  const accepted = deferred<RawConnection>();
  const listener = await listen(accepted.resolve, terms);
  const client = await dial(listener.address)(new AbortController().signal, terms);
  const server = await accepted.promise;
  return { client, server, cleanup: () => listener.close() };
}

/** Two ends that met over ws, or wss where `tls` is given. */
export function wsPair(
  listening: Partial<WsListenTarget> = {},
  dialling: Partial<WsTarget> = {},
  terms?: LinkTerms,
): Promise<RawPair> {
  return meetAt(wsListen({ port: 0, path: "/rpc", ...listening }), (url) => wsDialer({ url, ...dialling }), terms);
}

/** A client that speaks HTTP and WebSocket byte by byte. The test's end is its end. */
export class RawClient {
  readonly socket: net.Socket;
  /** All that has come. */
  received: Buffer = Buffer.alloc(0);
  readonly closed: Promise<void>;
  readonly #port: number;
  readonly #waiting = new Set<() => void>();

  constructor(port: number, host = "127.0.0.1") {
    this.#port = port;
    this.socket = net.connect({ host, port });
    this.socket.on("error", () => {});
    this.socket.on("data", (bytes) => {
      this.received = Buffer.concat([this.received, bytes]);
      for (const check of this.#waiting) check();
    });
    this.closed = new Promise((resolve) => {
      this.socket.on("close", () => {
        resolve();
        for (const check of this.#waiting) check();
      });
    });
    onTestFinished(() => void this.socket.destroy());
  }

  get text(): string {
    return this.received.toString("latin1");
  }

  /** Waits until the condition holds or nothing more can come. */
  until(condition: (client: this) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!condition(this) && !this.socket.closed) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
      check();
    });
  }

  /** Sends the request for a WebSocket and gives the status of the answer. */
  async upgrade(path: string, headers: readonly string[] = []): Promise<number> {
    this.socket.write(upgradeRequest(path, this.#port, headers));
    return this.status();
  }

  async status(): Promise<number> {
    await this.until(({ text }) => text.includes("\r\n\r\n"));
    return Number(/^HTTP\/1\.1 (\d+)/.exec(this.text)?.[1] ?? 0);
  }

  /** What came after the head of the answer. */
  get body(): Buffer {
    return this.received.subarray(this.text.indexOf("\r\n\r\n") + 4);
  }

  /** Waits for a close frame and gives what it says. */
  async closeFrame(): Promise<{ readonly code: number; readonly text: string } | undefined> {
    const found = (): Frame | undefined => framesIn(this.body).find(({ opcode }) => opcode === 8);
    await this.until(() => found() !== undefined);
    const payload = found()?.payload;
    return payload && { code: payload.readUInt16BE(0), text: payload.subarray(2).toString() };
  }
}

function upgradeRequest(path: string, port: number, headers: readonly string[]): string {
  const host = headers.some((header) => /^host:/i.test(header)) ? [] : [`Host: 127.0.0.1:${port}`];
  return [
    `GET ${path} HTTP/1.1`,
    ...host,
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${KEY}`,
    ...headers,
    "",
    "",
  ].join("\r\n");
}

/** A server that takes one WebSocket handshake after another, and then sends what the test gives it. */
export async function rawServer(
  onOpen: (socket: net.Socket) => void,
  answer = (key: string): string =>
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${key}\r\n\r\n`,
): Promise<string> {
  const server = net.createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (bytes) => {
      const key = /sec-websocket-key: (\S+)/i.exec(bytes.toString())?.[1] ?? "";
      const digest = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
      socket.cork();
      socket.write(answer(key === KEY ? ACCEPT : digest));
      onOpen(socket);
      socket.uncork();
    });
    onTestFinished(() => void socket.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/rpc`;
}

/** A frame of RFC 6455, 5.2, sound or not. */
export interface FrameShape {
  readonly opcode: number;
  readonly payload?: Buffer | string;
  readonly fin?: boolean;
  /** The three reserved bits. */
  readonly rsv?: number;
  readonly masked?: boolean;
  /** What it says of its length, whatever that is. */
  readonly length?: bigint;
}

/** The bytes of a frame; those of clients are masked. */
export function frameOf({ opcode, payload = "", fin = true, rsv = 0, masked = true, length }: FrameShape): Buffer {
  const body = Buffer.from(payload);
  const said = length ?? BigInt(body.length);
  const short = said < 126n ? Number(said) : said < 65_536n ? 126 : 127;
  const long = Buffer.alloc(short === 126 ? 2 : short === 127 ? 8 : 0);
  if (short === 126) long.writeUInt16BE(Number(said));
  if (short === 127) long.writeBigUInt64BE(said);
  const mask = masked ? Buffer.from([1, 2, 3, 4]) : Buffer.alloc(0);
  const head = [(fin ? 0x80 : 0) | (rsv << 4) | opcode, (masked ? 0x80 : 0) | short];
  return Buffer.concat([Buffer.from(head), long, mask, body.map((byte, at) => byte ^ (mask[at % 4] ?? 0))]);
}

interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** The whole frames of a server, which are not masked. */
export function framesIn(bytes: Buffer): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at + 2 <= bytes.length; ) {
    const short = (bytes[at + 1] ?? 0) & 0x7f;
    const start = at + 2 + (short === 126 ? 2 : short === 127 ? 8 : 0);
    if (start > bytes.length) break;
    const length =
      short === 126 ? bytes.readUInt16BE(at + 2) : short === 127 ? Number(bytes.readBigUInt64BE(at + 2)) : short;
    if (start + length > bytes.length) break;
    frames.push({ opcode: (bytes[at] ?? 0) & 0x0f, payload: bytes.subarray(start, start + length) });
    at = start + length;
  }
  return frames;
}
