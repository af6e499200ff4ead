/* What is wrong with certificates is said in the same words, with the same codes, by every transport that has TLS. */
import { constants } from "node:crypto";
import { once } from "node:events";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { RpcError } from "../src/core/errors.ts";
import { connect, type NodeServeOptions, serve, type TlsConnectOptions } from "../src/node.ts";
import { type Certificates, makeCertificates } from "./suites/certificates.ts";

const made = makeCertificates();
/** Only read where they were made. */
const certificates = made as Certificates;
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

let ran = 0;
const handlers = { hi: () => ++ran };

async function serving(address: string, options: NodeServeOptions): Promise<string> {
  const server = await serve(address, { handlers, logger: false, ...options });
  cleanups.push(() => server.close({ graceMs: 0 }));
  return server.addresses[0] ?? "";
}

/** Connects and calls, and gives what either of them failed with. */
async function failure(url: string, tls: TlsConnectOptions): Promise<string> {
  const attempt = async (): Promise<unknown> => {
    const client = await connect(url, { tls, redial: false, logger: false });
    cleanups.push(() => client.close({ graceMs: 0 }));
    return client.call("hi");
  };
  const error: unknown = await attempt().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(RpcError);
  const { code, executed, message } = error as RpcError;
  return `${code}/${executed}: ${message.replace(/:\/\/\S*?(?=: )/, "")}`;
}

describe.skipIf(made === undefined).each([
  ["tls", "tls://127.0.0.1:0"],
  ["wss", "wss://127.0.0.1:0/rpc"],
  ["https", "https://127.0.0.1:0/rpc"],
  ["poll+https", "poll+https://127.0.0.1:0/rpc"],
  ["beat+https", "beat+https://127.0.0.1:0/rpc"],
])("%s", (scheme, address) => {
  const said = scheme.replace(/^.*\+/, "");
  const cannot = `unauthenticated/no: Cannot connect to ${said}: `;

  test("a server that is not the one that is trusted is unauthenticated, and nothing has run", async () => {
    const { ca, stranger, expired, misnamed } = certificates;
    ran = 0;
    for (const [own, why] of [
      [stranger, "its certificate is not signed by one that tls.ca trusts"],
      [expired, "its certificate has expired"],
      [misnamed, 'its certificate is not for "127.0.0.1". Check the address or tls.serverName'],
    ] as const) {
      expect(await failure(await serving(address, { tls: own }), { ca })).toBe(cannot + why);
    }
    expect(ran).toBe(0);
  });

  test("a client whose certificate is refused, or missing, is unauthenticated, and nothing has run", async () => {
    const { ca, server, stranger } = certificates;
    ran = 0;
    for (const minVersion of ["TLSv1.2", "TLSv1.3"] as const) {
      const url = await serving(address, { tls: { ca, ...server, minVersion } });
      expect(await failure(url, { ca })).toBe(
        `${cannot}the server wants a client certificate. Give tls.cert and tls.key`,
      );
      expect(await failure(url, { ca, ...stranger })).toBe(
        `${cannot}the server ended it after the handshake. Does it trust the certificate in tls.cert?`,
      );
    }
    expect(ran).toBe(0);
  });

  test("a client whose certificate is right gets in, again and again", async () => {
    const { ca, server, client: own } = certificates;
    const url = await serving(address, { tls: { ca, ...server } });
    const client = await connect(url, { tls: { ca, ...own }, redial: false, logger: false });
    cleanups.push(() => client.close({ graceMs: 0 }));
    ran = 0;
    const calls = Array.from({ length: 50 }, () => client.call("hi"));
    expect(new Set(await Promise.all(calls)).size).toBe(50);
    expect(await client.call("hi")).toBe(51);
  });
});

describe.skipIf(made === undefined)("over HTTP", () => {
  test("a ladder does not step down from a wrong certificate to plain text", async () => {
    const { ca, stranger } = certificates;
    const plain = await serving("poll+http://127.0.0.1:0/", {});
    for (const scheme of ["poll+https", "beat+https", "wss", "tls"]) {
      const url = await serving(`${scheme}://127.0.0.1:0`, { tls: stranger });
      const attempt = connect([url, plain], { tls: { ca }, logger: false });
      await expect(attempt).rejects.toMatchObject({ code: "unauthenticated", executed: "no" });
    }
  });

  test("a server that gives no session tickets is waited for a moment, and then called", async () => {
    const { ca, server, client: own } = certificates;
    const app = https.createServer(
      { ca, ...server, requestCert: true, secureOptions: constants.SSL_OP_NO_TICKET },
      (request, response) => {
        request.resume();
        response.setHeader("content-type", "application/json").end('{"jsonrpc":"2.0","id":1,"result":"in"}');
      },
    );
    app.listen(0, "127.0.0.1");
    await once(app, "listening");
    cleanups.push(() => {
      app.closeAllConnections();
      app.close();
    });
    const url = `https://127.0.0.1:${(app.address() as AddressInfo).port}/`;
    const client = await connect(url, { tls: { ca, ...own }, redial: false, logger: false });
    cleanups.push(() => client.close({ graceMs: 0 }));
    expect(await client.call("hi")).toBe("in");
  });

  test("a stream of events says what is wrong with the certificate, too", async () => {
    const { ca, stranger } = certificates;
    const url = await serving("https://127.0.0.1:0/", { tls: stranger });
    const attempt = connect(url, { tls: { ca }, http: { events: true }, redial: false, logger: false });
    await expect(attempt).rejects.toMatchObject({ code: "unauthenticated", executed: "no" });
  });
});
