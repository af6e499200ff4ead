/** Loads gRPC for those who have an address of it. Rejects with `TypeError` where the package, an optional peer, is not installed. */
export async function grpcTransport(): Promise<typeof import("../transports/node/grpc.ts")> {
  try {
    return await import("../transports/node/grpc.ts");
  } catch (cause) {
    if (!(cause instanceof Error && cause.message.includes("@grpc/grpc-js"))) throw cause;
    const advice = "npm install @grpc/grpc-js";
    throw new TypeError(`The addresses grpc:// and grpcs:// need the package @grpc/grpc-js: ${advice}`, { cause });
  }
}
