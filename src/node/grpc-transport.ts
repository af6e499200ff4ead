import type { GrpcTransport } from "../transports/node/grpc.ts";
import type { GrpcPackage } from "../transports/node/grpc-package.ts";

/** Loads gRPC for those who have an address of it. Rejects with `TypeError` where the package, an optional peer, is not installed. */
export async function grpcTransport(): Promise<GrpcTransport> {
  let grpc: GrpcPackage;
  try {
    // Word for word so, and in this block: then bundlers, too, go on without it.
    grpc = await import("@grpc/grpc-js");
  } catch (cause) {
    const advice = "npm install @grpc/grpc-js";
    throw new TypeError(`The addresses grpc:// and grpcs:// need the package @grpc/grpc-js: ${advice}`, { cause });
  }
  const { grpcOver } = await import("../transports/node/grpc.ts");
  return grpcOver(grpc);
}
