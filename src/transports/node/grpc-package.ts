/**
 * `@grpc/grpc-js` as its users here are given it. Who loads it is `node/grpc-transport.ts`, and `grpc-attach.ts` for those who have
 * it: all others import its types alone, or a program without this optional peer could not be bundled.
 */
export type GrpcPackage = typeof import("@grpc/grpc-js");
