import type { Server, ServerUnaryCall, ServerWritableStream, sendUnaryData, status } from "@grpc/grpc-js";
import { PacketReader, textIn } from "../packet-reader.ts";

/** `grpc.health.v1.HealthCheckResponse.status`. */
const SERVING = 1;
const NOT_SERVING = 2;
const SERVICE_UNKNOWN = 3;

/** `status.NOT_FOUND` and `status.UNAVAILABLE` of gRPC. */
const NOT_FOUND: status.NOT_FOUND = 5;
const UNAVAILABLE: status.UNAVAILABLE = 14;

const CHECK = "/grpc.health.v1.Health/Check";
const WATCH = "/grpc.health.v1.Health/Watch";

/** `HealthCheckRequest.service` and `HealthCheckResponse.status`: field 1 each, of their kinds. */
const SERVICE = 0x0a;
const STATUS = 0x08;

/** A server knows its health service, so that all who serve on it share one. */
const HEALTH: unique symbol = Symbol("health");

type Watched = Server & { [HEALTH]?: Health | undefined };
type Watcher = ServerWritableStream<Request, number>;

/** An object, because grpc-js takes a request that is an empty text for none. */
interface Request {
  readonly service: string;
}

/**
 * The service `grpc.health.v1.Health` of one server: how each service is that was made known to it, and the server as a whole
 * under the empty name, which serves as long as one of them does.
 */
export class Health {
  readonly #server: Watched;
  readonly #services = new Map<string, boolean>();
  /** Those who watch, and what each was told last. */
  readonly #watchers = new Map<Watcher, number>();

  private constructor(server: Watched) {
    this.#server = server;
  }

  /** The health of this server; `undefined` where somebody else serves its own. */
  static of(server: Server): Health | undefined {
    const watched: Watched = server;
    if (watched[HEALTH] !== undefined) return watched[HEALTH];
    const health = new Health(watched);
    const check = server.register<Request, number>(
      CHECK,
      (call: ServerUnaryCall<Request, number>, reply: sendUnaryData<number>) =>
        health.#check(call.request.service, reply),
      responseOf,
      requestIn,
      "unary",
    );
    if (!check) return undefined;
    server.register<Request, number>(
      WATCH,
      (call: Watcher) => health.#watch(call),
      responseOf,
      requestIn,
      "serverStream",
    );
    watched[HEALTH] = health;
    return health;
  }

  /** Says whether a service takes calls; who watches it is told. */
  set(service: string, serves: boolean): void {
    this.#services.set(service, serves);
    this.#tell();
  }

  /** The service is not served any more. With the last one that serves the health service leaves the server too. */
  close(service: string): void {
    this.set(service, false);
    if (this.#serves) return;
    this.#server.unregister(CHECK);
    this.#server.unregister(WATCH);
    this.#server[HEALTH] = undefined;
  }

  /** Ends the streams of those who watch: the server is going. */
  dismiss(): void {
    for (const watcher of this.#watchers.keys()) {
      watcher.emit("error", Object.assign(new Error("The server has closed"), { code: UNAVAILABLE }));
    }
  }

  get #serves(): boolean {
    return [...this.#services.values()].includes(true);
  }

  #statusOf(service: string): number {
    const serves = service === "" ? this.#serves : this.#services.get(service);
    if (serves === undefined) return SERVICE_UNKNOWN;
    return serves ? SERVING : NOT_SERVING;
  }

  #check(service: string, reply: sendUnaryData<number>): void {
    const found = this.#statusOf(service);
    if (found !== SERVICE_UNKNOWN) return reply(null, found);
    reply({ code: NOT_FOUND, details: "There is no service of this name" });
  }

  #watch(watcher: Watcher): void {
    const leave = (): void => void this.#watchers.delete(watcher);
    watcher.on("cancelled", leave);
    watcher.on("close", leave);
    this.#say(watcher, undefined);
  }

  #tell(): void {
    for (const [watcher, last] of this.#watchers) this.#say(watcher, last);
  }

  #say(watcher: Watcher, last: number | undefined): void {
    const now = this.#statusOf(watcher.request.service);
    if (now === last) return;
    this.#watchers.set(watcher, now);
    watcher.write(now);
  }
}

function requestIn(bytes: Buffer): Request {
  const reader = new PacketReader(bytes);
  let service = "";
  while (reader.at < bytes.length) {
    const tag = reader.tag(bytes.length);
    if (tag !== SERVICE) {
      reader.skip(tag, bytes.length);
      continue;
    }
    const length = reader.length(bytes.length);
    service = textIn(bytes.subarray(reader.at, reader.at + length));
    reader.at += length;
  }
  return { service };
}

function responseOf(found: number): Buffer {
  return Buffer.of(STATUS, found);
}
