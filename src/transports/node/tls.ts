import { isIP, type Socket } from "node:net";
import tls, { type PeerCertificate, type SecureContext, type SecureContextOptions, type TLSSocket } from "node:tls";
import type { RpcError } from "../../core/errors.ts";
import { printable } from "../../core/text.ts";
import type { Accept, Listener, RawConnection } from "../../core/wire.ts";
import { dialSocket, listenError, listenerOf, listening, SOCKET_OPTIONS, socketPipe } from "./socket.ts";
import { codeOf } from "./system-error.ts";
import { boundTo, checkPort, hostAndPort, LOOPBACK, remoteAddressOf, TCP_OPTIONS, type TcpTarget } from "./tcp.ts";
import { refusalOf, tlsDialError } from "./tls-error.ts";

/** One or several certificates or a key, as PEM text or bytes: what `readFile` gives. */
export type Pem = string | Buffer;

/** Certificates and keys of one end, under Node's names. There is no way to switch the verification off. */
export interface TlsOptions {
  /** The certificates of those who may vouch for the other side, instead of the public ones that Node comes with. */
  readonly ca?: Pem | readonly Pem[] | undefined;
  /** This end's certificate, those between it and the `ca` of the other side after it. */
  readonly cert?: Pem | undefined;
  /** The private key of `cert`. */
  readonly key?: Pem | undefined;
  /** Opens `key` where that is encrypted. */
  readonly passphrase?: string | undefined;
  /** The oldest version that is spoken. Default `TLSv1.2`. */
  readonly minVersion?: "TLSv1.2" | "TLSv1.3" | undefined;
}

/** How the dialling end does TLS. Give `cert` and `key` where the server wants to know who calls. */
export interface TlsConnectOptions extends TlsOptions {
  /** The name or IP address that the server's certificate must have. Default: the host of the address. */
  readonly serverName?: string | undefined;
}

/** How the accepting end does TLS; `cert` and `key` are needed. */
export interface TlsServeOptions extends TlsOptions {
  /** Whether clients must show a certificate that is verified. Default: whether `ca` is given. */
  readonly requestCert?: boolean | undefined;
}

/** What was verified about the other side of a TLS link: `context.identity`, unless an authenticator says otherwise. */
export interface TlsIdentity {
  /** The names in the certificate by their short keys: `{ CN: "ann", O: "Example" }`; an array where a key stands twice. */
  readonly subject: Readonly<Record<string, string | readonly string[]>>;
  /** Each with its kind, as Node writes them: `DNS:example.org`, `IP Address:127.0.0.1`, `URI:spiffe://…`, `email:…`. */
  readonly subjectAltNames: readonly string[];
  /** The SHA-256 of the certificate in hexadecimal, with colons. */
  readonly fingerprint256: string;
  /** Who signed it, written like `subject`. */
  readonly issuer: Readonly<Record<string, string | readonly string[]>>;
}

/** Where a TLS server is, and how it is spoken to. */
export interface TlsTarget extends TcpTarget {
  readonly tls?: TlsConnectOptions | undefined;
}

/** Where a TLS server shall be, and how it speaks. */
export interface TlsListenTarget extends TcpTarget {
  readonly tls: TlsServeOptions;
  /** How long a client may take for the TLS handshake. Default 15 000. */
  readonly handshakeTimeoutMs?: number | undefined;
  /** Told of each client that was dropped before it became a connection, and why. */
  readonly onRefused?: ((remoteAddress: string, error: RpcError) => void) | undefined;
}

const DEFAULT_HANDSHAKE_TIMEOUT_MS = 15_000;
/** What a Node timer can hold; a longer time is none. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** How long the dialling end waits for the word of a server that sends no session tickets. */
const VERDICT_MS = 100;

/**
 * Dials over TLS. The server's certificate must be valid, signed by `ca` and have the name that was dialled; otherwise
 * an attempt rejects with `unauthenticated`, which says what to check. Throws `TypeError` for a certificate or key that
 * cannot be used.
 */
export function tlsDialer({
  host = LOOPBACK,
  port,
  tls: options = {},
}: TlsTarget): (signal: AbortSignal) => Promise<RawConnection> {
  checkPort(port);
  const address = `tls://${hostAndPort(host, port)}`;
  const name = options.serverName ?? host;
  const settings: tls.ConnectionOptions = {
    host,
    port,
    ...SOCKET_OPTIONS,
    ...tlsClientOptions(name, options),
  };
  return async (signal) => {
    try {
      const socket = await dialSocket(address, signal, () => tls.connect(settings), "secureConnect");
      socket.setNoDelay(TCP_OPTIONS.noDelay);
      socket.setKeepAlive(TCP_OPTIONS.keepAlive, TCP_OPTIONS.keepAliveInitialDelay);
      await verdict(socket);
      return connectionOf(socket);
    } catch (thrown) {
      throw tlsDialError(address, name, thrown);
    }
  };
}

/**
 * Listens for TLS on a TCP port. Where client certificates are asked for, a client without a valid one is dropped. So is
 * whoever speaks something else or stalls in the handshake; the others do not notice. Throws `TypeError` at once when
 * the certificate or the key is missing or cannot be used.
 */
export function tlsListen(target: TlsListenTarget): (accept: Accept) => Promise<Listener> {
  const listen = tlsSockets(target, "tls");
  return (accept) => listen((socket) => accept(connectionOf(socket)));
}

/**
 * Listens as `tlsListen` does, for a transport that speaks something of its own over TLS (`protocol`, as ALPN names it), and
 * gives it each socket whose handshake is over.
 */
export function tlsSockets(
  target: TlsListenTarget,
  scheme: string,
  protocol?: string,
): (take: (socket: TLSSocket) => void) => Promise<Listener> {
  const { host = LOOPBACK, port, tls: options, handshakeTimeoutMs = DEFAULT_HANDSHAKE_TIMEOUT_MS, onRefused } = target;
  checkPort(port);
  const address = `${scheme}://${hostAndPort(host, port)}`;
  const settings: tls.TlsOptions = {
    ...tlsServerOptions(address, options, handshakeTimeoutMs),
    ...(protocol !== undefined && { ALPNProtocols: [protocol] }),
  };
  return async (take) => {
    const server = tls.createServer(settings);
    const dropHandshakes = watchHandshakes(server, onRefused);
    server.on("secureConnection", take);
    try {
      await listening(server, () => server.listen(port, host));
    } catch (error) {
      const advice = codeOf(error) === "EADDRINUSE" ? ". Does another server run there?" : "";
      throw listenError(address, error, advice);
    }
    const listener = listenerOf(server, `${scheme}://${boundTo(server)}`);
    return {
      address: listener.address,
      close() {
        dropHandshakes();
        return listener.close();
      },
    };
  };
}

/** Node's form of how a client secures its connection to the server called `name`. Throws `TypeError` as `contextOf` does. */
export function tlsClientOptions(name: string, options: TlsConnectOptions = {}): tls.ConnectionOptions {
  return {
    secureContext: contextOf(options),
    // Said aloud, so that an environment variable cannot switch it off.
    rejectUnauthorized: true,
    checkServerIdentity: (_, certificate) => tls.checkServerIdentity(name, certificate),
    ...(isIP(name) === 0 && { servername: name }),
  };
}

/**
 * Node's form of how a server at `address` speaks TLS over TCP. Throws `TypeError` when the certificate or the key is
 * missing or cannot be used.
 */
export function tlsServerOptions(
  address: string,
  options: TlsServeOptions,
  handshakeTimeoutMs: number,
): tls.TlsOptions & { readonly allowHalfOpen: true } {
  if (options.cert === undefined || options.key === undefined) {
    throw new TypeError(`Cannot listen on ${address}: the options tls.cert and tls.key are needed`);
  }
  contextOf(options);
  return {
    ...SOCKET_OPTIONS,
    ...TCP_OPTIONS,
    ...materialOf(options),
    requestCert: options.requestCert ?? options.ca !== undefined,
    rejectUnauthorized: true,
    handshakeTimeout: Math.min(handshakeTimeoutMs, MAX_TIMER_MS),
  };
}

/**
 * Tells of each client that does not get through the handshake, and drops it. The returned function drops those that are
 * in the middle of it: they are no connections yet, and nobody else would ever close them.
 */
export function watchHandshakes(server: tls.Server, onRefused: TlsListenTarget["onRefused"]): () => void {
  const shaking = new Map<string, Socket>();
  server.on("connection", (socket: Socket) => {
    const from = remoteAddressOf(socket) ?? "";
    // Node listens to its errors from the handshake on; a reset may come before.
    socket.on("error", () => {});
    shaking.set(from, socket);
    socket.once("close", () => shaking.delete(from));
  });
  server.on("secureConnection", (socket) => shaking.delete(remoteAddressOf(socket) ?? ""));
  server.on("tlsClientError", (error, socket) => {
    onRefused?.(remoteAddressOf(socket) ?? "a client", refusalOf(error, socket.authorizationError));
    socket.destroy();
  });
  return () => {
    for (const socket of shaking.values()) socket.destroy();
  };
}

/** Node's form of certificates and keys. Throws `TypeError` for half of a pair, and where there is no certificate in `ca`. */
export function materialOf({ ca, cert, key, passphrase, minVersion = "TLSv1.2" }: TlsOptions): SecureContextOptions {
  if ((cert === undefined) !== (key === undefined)) {
    throw new TypeError("The options tls.cert and tls.key belong together: give both or neither");
  }
  // Node takes any other text without a word, and trusts nobody then.
  if ([ca ?? []].flat().some((each) => !/-----BEGIN [A-Z0-9 ]*CERTIFICATE-----/.test(String(each)))) {
    throw new TypeError("There is no certificate in tls.ca: is it PEM?");
  }
  return {
    minVersion,
    ...(ca !== undefined && { ca: typeof ca === "string" || Buffer.isBuffer(ca) ? ca : [...ca] }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(passphrase !== undefined && { passphrase }),
  };
}

/** Makes what a connection needs of the options. Throws `TypeError` for a certificate or key that cannot be used. */
export function contextOf(options: TlsOptions): SecureContext {
  const material = materialOf(options);
  try {
    return tls.createSecureContext(material);
  } catch (cause) {
    const why = printable(cause instanceof Error ? cause.message : String(cause));
    throw new TypeError(
      `The tls options cannot be used: ${why}. Are ca, cert and key PEM, and is the key that of cert?`,
      {
        cause,
      },
    );
  }
}

function connectionOf(socket: TLSSocket): RawConnection {
  const remoteAddress = remoteAddressOf(socket);
  const identity = identityOf(socket);
  return {
    pipe: socketPipe(socket),
    ...(remoteAddress !== undefined && { remoteAddress }),
    ...(identity !== undefined && { identity }),
  };
}

/** What the other side's certificate says, if it has one and it was verified. */
export function identityOf(socket: TLSSocket): TlsIdentity | undefined {
  return socket.authorized ? identityIn(socket.getPeerCertificate()) : undefined;
}

/** What a certificate that was verified says. It is empty when the other side showed none. */
export function identityIn(certificate: Partial<PeerCertificate>): TlsIdentity | undefined {
  const { subject, issuer, subjectaltname = "", fingerprint256 } = certificate;
  if (fingerprint256 === undefined) return undefined;
  // A name with a comma stands in quotes, so that nobody smuggles in a second one.
  const subjectAltNames = subjectaltname.match(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g)?.map((each) => each.trim()) ?? [];
  return { subject: namesOf(subject), subjectAltNames, fingerprint256, issuer: namesOf(issuer) };
}

function namesOf(names: PeerCertificate["subject"] | undefined): TlsIdentity["subject"] {
  return Object.fromEntries(
    Object.entries(names ?? {}).flatMap(([key, name]) => (name === undefined ? [] : [[key, name]])),
  );
}

/**
 * Waits until the server has judged this end's certificate. With TLS 1.3 the dialling end is ready before it knows; a
 * session ticket or data mean that it was let in, an end that it was not: then it rejects, and the socket is destroyed.
 */
export function verdict(socket: TLSSocket): Promise<void> {
  if (socket.getProtocol() !== "TLSv1.3") return Promise.resolve();
  return new Promise((resolve, reject) => {
    const settle = (error?: Error | null): void => {
      clearTimeout(timer);
      socket.off("session", onLetIn);
      socket.off("readable", onReadable);
      socket.off("error", settle);
      socket.off("close", onClose);
      if (error === undefined || error === null) return resolve();
      socket.destroy();
      reject(error);
    };
    // Not at once: what is written while OpenSSL hands out the ticket is never sent.
    const onLetIn = (): void => void setImmediate(settle);
    const onClose = (): void => settle(socket.errored ?? new Error("The server closed the connection"));
    const onReadable = (): void => (socket.readableLength > 0 ? settle() : onClose());
    const timer = setTimeout(onLetIn, VERDICT_MS);
    socket.on("session", onLetIn);
    socket.on("readable", onReadable);
    socket.on("error", settle);
    socket.on("close", onClose);
  });
}
