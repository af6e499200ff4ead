import net from "node:net";
import tls from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import { type Certificates, makeCertificates } from "../../../test/suites/certificates.ts";
import { pipeSuite } from "../../../test/suites/pipe-suite.ts";
import { deferred } from "../../../test/suites/support.ts";
import type { CallContext } from "../../core/context.ts";
import { RpcError } from "../../core/errors.ts";
import type { RawConnection } from "../../core/wire.ts";
import { connect, serve } from "../../node.ts";
import { SOCKET_OPTIONS, socketPipe } from "./socket.ts";
import { type TlsListenTarget, type TlsServeOptions, tlsDialer, tlsListen } from "./tls.ts";

const made = makeCertificates();
/** Only read where they were made. */
const certificates = made as Certificates;
const cleanups: (() => Promise<void> | void)[] = [];
const never = new AbortController().signal;

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A server that tells who calls, and what its logger was told. */
async function serving(options: TlsServeOptions): Promise<{ address: string; warnings: string[] }> {
  const warnings: string[] = [];
  const logger = { debug() {}, info() {}, warn: (text: string) => void warnings.push(text), error() {} };
  const handlers = { who: (_: unknown, { identity }: CallContext) => identity ?? "nobody" };
  const server = await serve("tls://127.0.0.1:0", { handlers, tls: options, logger });
  cleanups.push(() => server.close({ graceMs: 0 }));
  return { address: server.addresses[0] ?? "", warnings };
}

async function failure(attempt: Promise<unknown>): Promise<RpcError> {
  const error = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(RpcError);
  return error as RpcError;
}

async function listening(
  target: Partial<TlsListenTarget> = {},
): Promise<{ port: number; accepted: Promise<RawConnection> }> {
  const { promise: accepted, resolve } = deferred<RawConnection>();
  const listener = await tlsListen({ port: 0, tls: certificates.server, ...target })(resolve);
  cleanups.push(() => listener.close());
  return { port: Number(new URL(listener.address).port), accepted };
}

describe.skipIf(made === undefined)("TLS", () => {
  pipeSuite(
    "tls",
    async () => {
      const { promise, resolve } = deferred<RawConnection>();
      const listener = await tlsListen({ port: 0, tls: certificates.server })(resolve);
      const socket = tls.connect({
        ...{ port: Number(new URL(listener.address).port), host: "127.0.0.1", ca: certificates.ca },
        ...SOCKET_OPTIONS,
      });
      const near = socketPipe(socket);
      const far = (await promise).pipe;
      if (far === undefined) throw new Error("no pipe");
      return { near, far, endNear: () => void socket.end(), cleanup: () => listener.close() };
    },
    { halfClose: true, tellsFull: true, oneByteWrites: 20_000 },
  );

  test("with mutual TLS a handler sees who calls", async () => {
    const { ca, server, client: own } = certificates;
    const { address } = await serving({ ca, ...server });
    const client = await connect(address, { tls: { ca, ...own } });
    cleanups.push(() => client.close());
    expect(await client.call("who")).toEqual({
      subject: { O: "Example", CN: "ann" },
      subjectAltNames: ["email:ann@example.org", "URI:spiffe://example.org/ann"],
      fingerprint256: expect.stringMatching(/^[0-9A-F]{2}(:[0-9A-F]{2}){31}$/),
      issuer: { CN: "ours" },
    });
    expect(client.connections[0]?.identity).toMatchObject({ subject: { CN: "server" }, issuer: { CN: "ours" } });
  });

  test("a server without ca asks for no certificate, and its callers have no identity", async () => {
    const { address } = await serving(certificates.server);
    const client = await connect(address, { tls: { ca: certificates.ca, serverName: "localhost" } });
    cleanups.push(() => client.close());
    expect(await client.call("who")).toBe("nobody");
  });

  test.each([
    ["of an unknown authority", "stranger", "its certificate is not signed by one that tls.ca trusts"],
    ["that has expired", "expired", "its certificate has expired"],
    ["for another name", "misnamed", 'its certificate is not for "127.0.0.1". Check the address or tls.serverName'],
  ] as const)("a server certificate %s is refused", async (_, which, why) => {
    const { address } = await serving(certificates[which]);
    const error = await failure(connect(address, { tls: { ca: certificates.ca } }));
    expect(error).toMatchObject({ code: "unauthenticated", executed: "no" });
    expect(error.message).toBe(`Cannot connect to ${address}: ${why}`);
  });

  test("without tls.ca only the public certificates are trusted", async () => {
    const { address } = await serving(certificates.server);
    expect((await failure(connect(address))).code).toBe("unauthenticated");
  });

  test.each(["TLSv1.2", "TLSv1.3"] as const)(
    "a client without a certificate is told to give one (%s)",
    async (version) => {
      const { ca, server } = certificates;
      const { address, warnings } = await serving({ ca, ...server, minVersion: version });
      const error = await failure(connect(address, { tls: { ca } }));
      expect(error.code).toBe("unauthenticated");
      expect(error.message).toContain("Give tls.cert and tls.key");
      await expect
        .poll(() => warnings)
        .toEqual([expect.stringContaining("It showed no certificate, and one is needed")]);
    },
  );

  test("a client certificate of an unknown authority is refused, and the server's log says why", async () => {
    const { ca, server, stranger } = certificates;
    const { address, warnings } = await serving({ ca, ...server });
    const error = await failure(connect(address, { tls: { ca, ...stranger } }));
    expect(error.code).toBe("unauthenticated");
    expect(error.message).toContain("Does it trust the certificate in tls.cert?");
    await expect.poll(() => warnings).toEqual([expect.stringContaining("Its certificate is not signed by one")]);
  });

  test("who speaks plain text at the TLS port is dropped, and the others are served", async () => {
    const { address, warnings } = await serving(certificates.server);
    const client = await connect(address, { tls: { ca: certificates.ca } });
    cleanups.push(() => client.close());
    const socket = net.connect({ port: Number(new URL(address).port), host: "127.0.0.1" });
    socket.on("error", () => {});
    socket.resume();
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.write('{"jsonrpc":"2.0","id":1,"method":"who"}\n');
    await closed;
    expect(await client.call("who")).toBe("nobody");
    await expect.poll(() => warnings.length).toBe(1);
    expect(warnings[0]).toMatch(/Refused 127\.0\.0\.1:\d+: The TLS handshake failed: /);
  });

  test("a client that stalls in the handshake is dropped when its time is over", async () => {
    const { promise: refused, resolve } = deferred<RpcError>();
    const { port } = await listening({ handshakeTimeoutMs: 50, onRefused: (_, error) => resolve(error) });
    const socket = net.connect({ port, host: "127.0.0.1" });
    socket.on("error", () => {});
    socket.resume();
    await new Promise((done) => socket.once("close", done));
    expect((await refused).message).toBe("The TLS handshake failed: the TLS handshake did not end in time");
  });

  test("closing the listener ends the handshakes under way", async () => {
    const { promise: connected, resolve } = deferred<void>();
    const listener = await tlsListen({ port: 0, tls: certificates.server, onRefused: () => {} })(() => {});
    const socket = net.connect({ port: Number(new URL(listener.address).port), host: "127.0.0.1" }, resolve);
    socket.on("error", () => {});
    socket.resume();
    await connected;
    await expect
      .poll(async () => {
        await listener.close();
        return socket.closed;
      })
      .toBe(true);
  });

  test("a server that never answers ends the attempt when its signal fires", async () => {
    const silent = net.createServer((socket) => cleanups.push(() => void socket.destroy()));
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    cleanups.push(() => void silent.close());
    const { port } = silent.address() as net.AddressInfo;
    const error = await failure(tlsDialer({ port })(AbortSignal.timeout(50)));
    expect(error.message).toContain("no answer in time");
  });

  test("a server that speaks no TLS is named as such", async () => {
    const plain = net.createServer((socket) => void socket.on("error", () => {}).end("220 hello\r\n"));
    await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", resolve));
    cleanups.push(() => void plain.close());
    const { port } = plain.address() as net.AddressInfo;
    const error = await failure(tlsDialer({ port })(never));
    expect(error.code).toBe("unavailable");
    expect(error.message).toContain("TLS");
  });

  test("a dialled connection works, and a version below TLS 1.2 is not spoken", async () => {
    const { port, accepted } = await listening();
    const near = await tlsDialer({ port, tls: { ca: certificates.ca } })(never);
    near.pipe?.close();
    (await accepted).pipe?.close();
    const old = tls.connect({
      port,
      host: "127.0.0.1",
      ca: certificates.ca,
      minVersion: "TLSv1",
      maxVersion: "TLSv1.1",
    });
    expect(await new Promise((resolve) => old.once("error", resolve))).toBeInstanceOf(Error);
  });

  test("a certificate without its key, or what is none, is a TypeError at once", async () => {
    expect(() => tlsDialer({ port: 1, tls: { cert: certificates.client.cert } })).toThrow("belong together");
    expect(() => tlsListen({ port: 1, tls: { ca: certificates.ca } })).toThrow("tls.cert and tls.key are needed");
    expect(() => tlsListen({ port: 1, tls: { cert: "x", key: "y" } })).toThrow("The tls options cannot be used");
    expect(() => tlsDialer({ port: 1, tls: { ca: "x" } })).toThrow("There is no certificate in tls.ca");
    expect(() => tlsDialer({ port: 1, tls: { ca: [certificates.ca, Buffer.from("x")] } })).toThrow("no certificate");
  });
});

test("the option tls is refused where it would be ignored", async () => {
  await expect(connect("tcp://127.0.0.1:1", { tls: {} })).rejects.toThrow("belongs to an address tls://");
  await expect(serve("tls://127.0.0.1:0")).rejects.toThrow("tls.cert and tls.key are needed");
});
