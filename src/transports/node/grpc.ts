/** The gRPC transport. Only who has an address of it loads this file, because `@grpc/grpc-js` is an optional peer. */
export { type GrpcTarget, grpcDialer } from "./grpc-dial.ts";
export { type GrpcListenTarget, grpcListen } from "./grpc-listen.ts";
export { serveSockets } from "./grpc-sockets.ts";
