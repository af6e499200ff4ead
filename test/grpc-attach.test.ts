import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  ChannelCredentials,
  Client as GrpcClient,
  Server as GrpcServer,
  type Metadata,
  ServerCredentials,
} from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "vitest";
import type { CallContext } from "../src/core/context.ts";
import { RpcError } from "../src/core/errors.ts";
import { attach } from "../src/grpc.ts";
import { connect, native, serve } from "../src/node.ts";
import type { Server } from "../src/server/server.ts";
import {
  HealthCheckRequestSchema,
  HealthCheckResponseSchema,
} from "../src/transports/node/generated/grpc/health/v1/health_pb.ts";
import { jsonrpc } from "../src/wires/jsonrpc.ts";
import { onPath } from "./suites/grpc-ends.ts";
import { deferred, until } from "./suites/support.ts";

const PATH = "/test.v1.Own/Connect";
const MINE = "/test.v1.Mine/Get";
const CHECK = "/grpc.health.v1.Health/Check";
const cleanups: (() => unknown)[] = [];
const handlers = { who: (_: unknown, { identity }: CallContext) => identity ?? "nobody" };
const same = (bytes: Buffer): Buffer => bytes;

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A user's own server, with a method of its own. */
async function userServer(): Promise<{ server: GrpcServer; port: number }> {
  const server = new GrpcServer();
  server.register(
    MINE,
    (_: unknown, reply: (error: null, bytes: Buffer) => void) => reply(null, Buffer.from("mine")),
    same,
    same,
    "unary",
  );
  cleanups.push(() => server.forceShutdown());
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return { server, port };
}

/** A client that knows nothing of Convoke. */
function stranger(port: number): {
  unary: (path: string, request?: Buffer) => Promise<Buffer>;
  health: (service: string) => Promise<number>;
  watch: (service: string) => { readonly heard: number[]; readonly ended: Promise<number> };
} {
  const client = new GrpcClient(`ipv4:127.0.0.1:${port}`, ChannelCredentials.createInsecure());
  cleanups.push(() => client.close());
  const unary = (path: string, request: Buffer = Buffer.of()): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(path, same, same, request, (error, reply) =>
        error === null ? resolve(reply ?? Buffer.of()) : reject(error),
      );
    });
  return {
    unary,
    health: async (service) => statusIn(await unary(CHECK, asking(service))),
    watch(service) {
      const heard: number[] = [];
      const { promise: ended, resolve } = deferred<number>();
      const stream = client.makeServerStreamRequest("/grpc.health.v1.Health/Watch", same, same, asking(service));
      stream.on("data", (reply: Buffer) => heard.push(statusIn(reply)));
      stream.on("error", () => {});
      stream.on("status", ({ code }: { code: number; metadata: Metadata }) => resolve(code));
      cleanups.push(() => stream.cancel());
      return { heard, ended };
    },
  };
}

/** Written and read by generated code; a field that nobody knows comes first and is passed over. */
function asking(service: string): Buffer {
  return Buffer.from([
    0x78,
    0x01,
    ...toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema, { service })),
  ]);
}

function statusIn(reply: Buffer): number {
  return fromBinary(HealthCheckResponseSchema, reply).status;
}

async function serving(...parameters: Parameters<typeof serve>): Promise<Server> {
  const server = await serve(parameters[0], { logger: false, handlers, ...parameters[1] });
  cleanups.push(() => server.close({ graceMs: 0 }));
  return server;
}

async function failure(attempt: Promise<unknown>): Promise<Error & { readonly code?: unknown }> {
  const error: unknown = await attempt.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Error);
  return error as Error;
}

describe("attach", () => {
  test("serves several wires beside the user's own methods", async () => {
    const { server, port } = await userServer();
    const one = await serving(attach(server), { wire: native(), handlers: { which: () => "native" } });
    const other = await serving(attach(server), {
      wire: onPath(jsonrpc(), PATH),
      handlers: { which: () => "own path" },
    });
    expect([...one.addresses, ...other.addresses]).toEqual(["grpc:/convoke.v1.Wire/Connect", `grpc:${PATH}`]);
    for (const wire of [native(), onPath(jsonrpc(), PATH)]) {
      const client = await connect(`grpc://127.0.0.1:${port}`, { wire, logger: false });
      cleanups.push(() => client.close());
      expect(await client.call("which")).toBe(wire.path === undefined ? "native" : "own path");
    }
    expect((await stranger(port).unary(MINE)).toString()).toBe("mine");
  });

  test("a client is identified by what its stream began with", async () => {
    const { server, port } = await userServer();
    const identify = ({ authorization }: Readonly<Record<string, string | Uint8Array>>): unknown => {
      if (authorization === undefined) throw new RpcError("unauthenticated", "Who are you?");
      return { token: authorization };
    };
    await serving(attach(server, { identify }));
    const address = `grpc://127.0.0.1:${port}`;
    const client = await connect(address, { grpc: { metadata: { authorization: "x" } }, logger: false });
    cleanups.push(() => client.close());
    expect(await client.call("who")).toEqual({ token: "x" });
    expect(await failure(connect(address, { logger: false }))).toMatchObject({ code: "unauthenticated" });
  });

  test("closing takes the service off and leaves the server alone; it can be attached again", async () => {
    const { server, port } = await userServer();
    const address = `grpc://127.0.0.1:${port}`;
    const first = await serving(attach(server));
    const client = await connect(address, { redial: false, logger: false });
    cleanups.push(() => client.close());
    await first.close();
    await client.closed;
    expect(await failure(connect(address, { logger: false }))).toMatchObject({ code: "unimplemented" });
    expect((await stranger(port).unary(MINE)).toString()).toBe("mine");
    expect(await failure(stranger(port).unary(CHECK))).toMatchObject({ code: 12 });
    await serving(attach(server));
    const again = await connect(address, { logger: false });
    cleanups.push(() => again.close());
    expect(await again.call("who")).toBe("nobody");
  });

  test("a path that is taken is an error that says so, and harms nobody", async () => {
    const { server, port } = await userServer();
    await serving(attach(server));
    const error = await failure(serve(attach(server), { handlers }));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toBe(
      "The gRPC server has something at /convoke.v1.Wire/Connect already: a path can be served once",
    );
    expect(await stranger(port).health("convoke.v1.Wire")).toBe(1);
  });

  test("what is no server of grpc-js is a TypeError", () => {
    expect(() => attach({} as GrpcServer)).toThrow(TypeError);
  });

  test("the server's own health service is left to it, unless another is asked for", async () => {
    const { server, port } = await userServer();
    server.register(
      CHECK,
      (_: unknown, reply: (error: null, bytes: Buffer) => void) => reply(null, Buffer.of(8, 9)),
      same,
      same,
      "unary",
    );
    const error = await failure(serve(attach(server, { health: true }), { handlers }));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain("has a health service already");
    const attached = await serving(attach(server));
    expect(await stranger(port).health("")).toBe(9);
    await attached.close();
    expect(await stranger(port).health("")).toBe(9);
  });
});

describe("grpc.health.v1.Health", () => {
  test("says of the server, and of each service, whether it takes calls", async () => {
    const server = await serving("grpc://127.0.0.1:0", { wire: onPath(jsonrpc(), PATH) });
    const { health } = stranger(Number(new URL(server.addresses[0] ?? "").port));
    expect(await health("")).toBe(1);
    expect(await health("test.v1.Own")).toBe(1);
    expect(await failure(health("nobody"))).toMatchObject({ code: 5 });
    expect(await failure(health("constructor"))).toMatchObject({ code: 5 });
  });

  test("who watches hears that the server drains, and the end", async () => {
    const begun = deferred();
    const gate = deferred();
    const server = await serving("grpc://127.0.0.1:0", { handlers: { slow: () => (begun.resolve(), gate.promise) } });
    const [address = ""] = server.addresses;
    const { watch } = stranger(Number(new URL(address).port));
    const [whole, service, unknown] = [watch(""), watch("convoke.v1.Wire"), watch("nobody")];
    await until(() => [whole, service, unknown].every(({ heard }) => heard.length === 1));
    const client = await connect(address, { redial: false, logger: false });
    cleanups.push(() => client.close());
    const slow = client.call("slow");
    await begun.promise;
    const closed = server.close();
    await until(() => whole.heard.length === 2 && service.heard.length === 2);
    expect([whole.heard, service.heard, unknown.heard]).toEqual([[1, 2], [1, 2], [3]]);
    gate.resolve();
    await Promise.all([slow, closed]);
    expect(await Promise.all([whole.ended, service.ended, unknown.ended])).toEqual([14, 14, 14]);
  });

  test("on one server each wire has a status of its own, and who waits for one hears when it comes", async () => {
    const { server, port } = await userServer();
    const one = await serving(attach(server), { wire: native() });
    const { health, watch } = stranger(port);
    const later = watch("test.v1.Own");
    await until(() => later.heard.length === 1);
    await serving(attach(server), { wire: onPath(jsonrpc(), PATH) });
    await until(() => later.heard.length === 2);
    expect(later.heard).toEqual([3, 1]);
    await one.close();
    expect([await health(""), await health("convoke.v1.Wire"), await health("test.v1.Own")]).toEqual([1, 2, 1]);
  });

  test("is not there when it is not wanted", async () => {
    const server = await serving("grpc://127.0.0.1:0", { grpc: { health: false } });
    const { health } = stranger(Number(new URL(server.addresses[0] ?? "").port));
    expect(await failure(health(""))).toMatchObject({ code: 12 });
  });

  test("a request that is no protobuf fails alone", async () => {
    const server = await serving("grpc://127.0.0.1:0");
    const { health, unary } = stranger(Number(new URL(server.addresses[0] ?? "").port));
    expect(await failure(unary(CHECK, Buffer.of(0x0a, 0x7f)))).toMatchObject({ code: 13 });
    expect(await health("")).toBe(1);
  });
});
