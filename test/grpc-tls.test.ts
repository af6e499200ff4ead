import net from "node:net";
import { ChannelCredentials, ServerCredentials } from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "vitest";
import type { CallContext } from "../src/core/context.ts";
import { RpcError } from "../src/core/errors.ts";
import { connect, type NodeServeOptions, native, serve, type TlsServeOptions } from "../src/node.ts";
import { type Certificates, makeCertificates } from "./suites/certificates.ts";
import { Log } from "./suites/engine.ts";
import { onPath } from "./suites/grpc-ends.ts";
import { deferred } from "./suites/support.ts";

const made = makeCertificates();
/** Only read where they were made. */
const certificates = made as Certificates;
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A server that tells who calls. */
async function serving(
  tls: TlsServeOptions | undefined,
  options: NodeServeOptions<never> = {},
): Promise<{ address: string; log: Log }> {
  const log = new Log();
  const handlers = { who: (_: unknown, { identity }: CallContext) => identity ?? "nobody" };
  const server = await serve("grpcs://127.0.0.1:0", { handlers, tls, logger: log, ...options });
  cleanups.push(() => server.close({ graceMs: 0 }));
  return { address: server.addresses[0] ?? "", log };
}

async function failure(attempt: Promise<unknown>): Promise<RpcError> {
  const error: unknown = await attempt.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(RpcError);
  return error as RpcError;
}

describe.skipIf(made === undefined)("grpcs://", () => {
  test.each([
    ["at the path of all wires", native()],
    ["at a path of its own", onPath(native(), "/test.v1.Own/Connect")],
  ])("with mutual TLS both ends see who the other is, %s", async (_, wire) => {
    const { ca, server, client: own } = certificates;
    const { address } = await serving({ ca, ...server }, { wire });
    expect(address).toMatch(/^grpcs:\/\/127\.0\.0\.1:\d+$/);
    const client = await connect(address, { wire, tls: { ca, ...own }, logger: false });
    cleanups.push(() => client.close());
    expect(await client.call("who")).toEqual({
      subject: { O: "Example", CN: "ann" },
      subjectAltNames: ["email:ann@example.org", "URI:spiffe://example.org/ann"],
      fingerprint256: expect.stringMatching(/^[0-9A-F]{2}(:[0-9A-F]{2}){31}$/),
      issuer: { CN: "ours" },
    });
    expect(client.connections[0]?.identity).toMatchObject({ subject: { CN: "server" }, issuer: { CN: "ours" } });
  });

  test("identify sees the verified certificate, and what it gives stands in its place", async () => {
    const { ca, server, client: own } = certificates;
    const identify: NonNullable<NodeServeOptions["grpc"]>["identify"] = ({ role }, { identity }) =>
      role === undefined ? undefined : { role, of: (identity as { subject: { CN: string } }).subject.CN };
    const { address } = await serving({ ca, ...server }, { grpc: { identify } });
    const plain = await connect(address, { tls: { ca, ...own }, logger: false });
    const admin = await connect(address, { tls: { ca, ...own }, grpc: { metadata: { role: "admin" } }, logger: false });
    cleanups.push(
      () => plain.close(),
      () => admin.close(),
    );
    expect(await plain.call("who")).toMatchObject({ subject: { CN: "ann" } });
    expect(await admin.call("who")).toEqual({ role: "admin", of: "ann" });
  });

  test("a server without ca asks for no certificate, and its callers have no identity", async () => {
    const { address } = await serving(certificates.server);
    const client = await connect(address, { tls: { ca: certificates.ca, serverName: "localhost" }, logger: false });
    cleanups.push(() => client.close());
    expect(await client.call("who")).toBe("nobody");
  });

  test.each([
    ["of an unknown authority", "stranger", "its certificate is not signed by one that tls.ca trusts"],
    ["that has expired", "expired", "its certificate has expired"],
    ["for another name", "misnamed", 'its certificate is not for "127.0.0.1". Check the address or tls.serverName'],
  ] as const)("a server certificate %s is refused", async (_, which, why) => {
    const { address } = await serving(certificates[which]);
    const error = await failure(connect(address, { tls: { ca: certificates.ca }, logger: false }));
    expect(error).toMatchObject({ code: "unauthenticated", executed: "no" });
    expect(error.message).toBe(`Cannot connect to ${address}: ${why}`);
  });

  test.each(["TLSv1.2", "TLSv1.3"] as const)(
    "a client without a certificate is told to give one (%s)",
    async (minVersion) => {
      const { ca, server } = certificates;
      const { address, log } = await serving({ ca, ...server, minVersion });
      const error = await failure(connect(address, { tls: { ca }, logger: false }));
      expect(error.code).toBe("unauthenticated");
      expect(error.message).toContain("Give tls.cert and tls.key");
      await expect.poll(() => log.of("warn")).toEqual([expect.stringContaining("It showed no certificate")]);
    },
  );

  test("a client certificate of an unknown authority is refused", async () => {
    const { ca, server, stranger } = certificates;
    const { address } = await serving({ ca, ...server });
    const error = await failure(connect(address, { tls: { ca, ...stranger }, logger: false }));
    expect(error.code).toBe("unauthenticated");
    expect(error.message).toContain("Does it trust the certificate in tls.cert?");
  });

  test("who speaks plain text at the port is dropped, and is told what is wrong when he dials grpc://", async () => {
    const { address, log } = await serving(certificates.server);
    const error = await failure(connect(address.replace("grpcs", "grpc"), { logger: false }));
    expect(error).toMatchObject({ code: "unavailable", executed: "no" });
    await expect.poll(() => log.of("warn").length).toBeGreaterThan(0);
    expect(log.of("warn")[0]).toMatch(/Refused 127\.0\.0\.1:\d+: The TLS handshake failed: /);
  });

  test("a server without TLS is named as such", async () => {
    const server = await serve("grpc://127.0.0.1:0", { logger: false });
    cleanups.push(() => server.close());
    const address = server.addresses[0]?.replace("grpc", "grpcs") ?? "";
    const error = await failure(connect(address, { tls: { ca: certificates.ca }, logger: false }));
    expect(error.code).toBe("unavailable");
    expect(error.message).toContain("TLS");
  });

  test("who stalls in the handshake is dropped when its time is over", async () => {
    const { address } = await serving(certificates.server, { handshakeTimeoutMs: 50 });
    const socket = net.connect({ port: Number(new URL(address).port), host: "127.0.0.1" });
    const { promise: closed, resolve } = deferred();
    socket
      .on("error", () => {})
      .on("close", () => resolve())
      .resume();
    await closed;
  });

  test("credentials of grpc-js stand in for tls at both ends", async () => {
    const { ca, server, client: own } = certificates;
    const credentials = ServerCredentials.createSsl(ca, [{ private_key: server.key, cert_chain: server.cert }], true);
    const { address } = await serving(undefined, { grpc: { credentials } });
    const client = await connect(address, {
      grpc: { credentials: ChannelCredentials.createSsl(ca, own.key, own.cert) },
      logger: false,
    });
    cleanups.push(() => client.close());
    expect(await client.call("who")).toMatchObject({ subject: { CN: "ann" } });
  });

  test("a server without certificate or key is a TypeError at once", async () => {
    await expect(serve("grpcs://127.0.0.1:0")).rejects.toThrow("the options tls.cert and tls.key are needed");
    await expect(connect("grpcs://127.0.0.1:1", { tls: { cert: certificates.client.cert } })).rejects.toThrow(
      TypeError,
    );
    const credentials = ServerCredentials.createInsecure();
    await expect(serve("grpcs://127.0.0.1:0", { grpc: { credentials } })).rejects.toThrow("write grpc://");
  });

  test("no warning of Node's is heard of when the server has an address and no name", async () => {
    const warnings: string[] = [];
    const listen = ({ message }: Error): void => void warnings.push(message);
    process.on("warning", listen);
    cleanups.push(() => process.off("warning", listen));
    const { address } = await serving(certificates.server);
    const client = await connect(address, { tls: { ca: certificates.ca }, logger: false });
    await client.close();
    expect(warnings).toEqual([]);
  });
});
