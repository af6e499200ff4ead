/** gRPC for who has a server of it already: the wires of Convoke as services of that server. Needs `@grpc/grpc-js`. */
export type { AttachOptions } from "./transports/node/grpc-attach.ts";
export { attach } from "./transports/node/grpc-attach.ts";
export type { GrpcIdentify, GrpcMetadata } from "./transports/node/grpc-options.ts";
