import { credentials, Client as GrpcClient, type ServiceError, type StatusObject, status } from "@grpc/grpc-js";
import { Fleet } from "../../src/fleet/fleet.ts";
import type { FleetOptions } from "../../src/fleet/options.ts";
import { type NodeServeOptions, serve } from "../../src/node.ts";
import type { Server } from "../../src/server/server.ts";
import { fromAgent, WIRE } from "./stage.ts";

/** A stream of grpc-js at Aperture's path. */
export interface RawStream {
  say(...messages: readonly Uint8Array[]): void;
  /** Ends this side of it. */
  end(): void;
  /** gRPC's name of the status with which the stream ended. */
  readonly ended: Promise<string>;
  close(): void;
}

/** A controller of ours on gRPC. */
export interface GrpcStage {
  readonly fleet: Fleet;
  readonly server: Server;
  readonly address: string;
  stream(): RawStream;
  close(): Promise<void>;
}

export async function grpcController(
  options: FleetOptions = {},
  more: NodeServeOptions<never> = {},
): Promise<GrpcStage> {
  const fleet = new Fleet(options);
  const server = await serve("grpc://127.0.0.1:0", { wire: WIRE, fleet, logger: false, ...more });
  const address = server.addresses[0] ?? "";
  const clients: GrpcClient[] = [];
  return {
    fleet,
    server,
    address,
    stream() {
      const client = new GrpcClient(new URL(address).host, credentials.createInsecure());
      clients.push(client);
      return rawStream(client);
    },
    async close() {
      for (const client of clients) client.close();
      await server.close({ graceMs: 0 });
    },
  };
}

function rawStream(client: GrpcClient): RawStream {
  const bytes = (message: Buffer): Buffer => message;
  const stream = client.makeBidiStreamRequest("/aperture.rpc.v1.Coordinator/Connect", bytes, bytes);
  const ended = new Promise<string>((resolve) => {
    stream.on("status", ({ code }: StatusObject) => resolve(nameOf(code)));
    stream.on("error", ({ code }: ServiceError) => resolve(nameOf(code)));
  });
  stream.resume();
  return {
    say: (...messages) => {
      for (const message of messages) stream.write(Buffer.from(message));
    },
    end: () => stream.end(),
    ended,
    close: () => stream.cancel(),
  };
}

/** `INVALID_ARGUMENT` as Go writes it. */
function nameOf(code: number): string {
  const name = status[code] ?? String(code);
  if (name === "OK") return name;
  if (name === "CANCELLED") return "Canceled";
  return name.toLowerCase().replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** Says who it is. */
export function hello(name: string): Uint8Array {
  return fromAgent({ case: "hello", value: { name } });
}
