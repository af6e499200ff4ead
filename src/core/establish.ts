import type { Channel, CloseReason, Pipe, Role } from "./channel.ts";
import { after } from "./clock.ts";
import type { Connection } from "./context.ts";
import { RpcError } from "./errors.ts";
import { ChannelLoan } from "./exchange.ts";
import type { Dispatcher } from "./handlers.ts";
import { type AboutLink, Peer, type PeerOptions } from "./peer.ts";
import { newCounters } from "./stats.ts";
import { countedChannel, countedPipe } from "./traffic.ts";
import type { Authenticator, RawConnection, Wire } from "./wire.ts";

/** Stands between a transport and a wire: gives the pipe back, or one around it, or throws to refuse the connection. */
export type WrapPipe = (
  pipe: Pipe,
  about: { readonly remoteAddress: string | undefined; readonly role: Role },
) => Pipe | Promise<Pipe>;

/** Everything about a link that is the same for each connection of an end. */
export interface EstablishOptions extends Omit<PeerOptions, keyof AboutLink> {
  readonly authenticator?: Authenticator | undefined;
  readonly handshakeTimeoutMs: number;
  /** The handlers of this connection; asked once, after `onConnect`. */
  readonly dispatch: (peer: Peer) => Dispatcher;
  readonly wrapPipe?: WrapPipe | undefined;
  readonly onConnect?: ((connection: Connection) => void | Promise<void>) | undefined;
}

/**
 * Makes a peer of a raw connection: `wrapPipe`, framing, authenticator, codec, opening, `onConnect`, handlers, all of it within one
 * `handshakeTimeoutMs`; the signal ends the attempt, not the link. Requests that arrive meanwhile wait. Closes the connection when it rejects, which it does with
 * a `HandshakeFailure`.
 */
export async function establish(
  raw: RawConnection,
  wire: Wire,
  options: EstablishOptions,
  signal?: AbortSignal,
): Promise<Peer> {
  const { role, limits, clock, handshakeTimeoutMs, meter } = options;
  const { remoteAddress, once } = raw;
  const counters = newCounters();
  meter?.join(counters);
  let close = (reason: CloseReason): void => (raw.pipe ?? raw.channel).close(reason);
  /** There is no peer yet that says when the connection counts nothing more. */
  let isAlone = true;
  let giveUp: (error: RpcError) => void = () => {};
  const givenUp = new Promise<never>((_, reject) => {
    giveUp = reject;
  });
  givenUp.catch(() => {});
  /** What the authenticator works on, and why it has to end. */
  let loan: ChannelLoan | undefined;
  let expired: RpcError | undefined;
  let hasRefused = false;
  let stopTimer = after(clock, handshakeTimeoutMs, () => {
    const why = `The handshake did not end within ${handshakeTimeoutMs} ms`;
    const error = new RpcError("deadline_exceeded", why, { executed: "no" });
    if (loan === undefined) return giveUp(error);
    expired = error;
    loan.expire(error);
    // One that waits for anything else than a frame is not waited for.
    stopTimer = after(clock, 0, () => giveUp(error));
  });
  const onAbort = (): void => giveUp(new RpcError("cancelled", "The attempt was given up", { executed: "no" }));
  signal?.addEventListener("abort", onAbort);
  try {
    if (signal?.aborted === true) onAbort();
    let identity = raw.identity;
    let channel: Channel;
    if (raw.pipe === undefined) channel = countedChannel(raw.channel, counters);
    else {
      const own = countedPipe(raw.pipe, counters);
      const pipe = (await Promise.race([options.wrapPipe?.(own, { remoteAddress, role }), givenUp])) ?? own;
      channel = wire.framing(pipe, { role, limits, clock });
    }
    close = (reason) => channel.close(reason);
    if (options.authenticator !== undefined) {
      loan = new ChannelLoan(channel, remoteAddress);
      const proven = options.authenticator[role](loan).catch((thrown: unknown) => {
        hasRefused = true;
        throw thrown;
      });
      identity = (await Promise.race([proven, givenUp])) ?? identity;
      if (expired !== undefined) throw expired;
      channel = loan.release();
      loan = undefined;
    }
    const peer = new Peer(channel, wire, options, { counters, identity, remoteAddress, once });
    isAlone = false;
    close = (reason) => peer.end(reason);
    await Promise.race([peer.opened, givenUp]);
    await Promise.race([options.onConnect?.(peer), givenUp]);
    if (meter !== undefined) meter.connections++;
    peer.established();
    peer.serve(options.dispatch(peer));
    return peer;
  } catch (thrown) {
    if (meter !== undefined) meter.attempts.handshakeErrors++;
    const failure = failureOf(thrown, wire, role, once);
    // On a pipe a close with an error drops what was written, and there the authenticator has said why.
    close(hasRefused && raw.pipe !== undefined ? withoutError(failure.reason) : failure.reason);
    if (isAlone) meter?.leave(counters);
    throw failure;
  } finally {
    stopTimer();
    signal?.removeEventListener("abort", onAbort);
  }
}

/** Why no link came about, with what the wire knows about dialling again. */
export class HandshakeFailure extends RpcError {
  readonly reason: CloseReason;

  constructor(error: RpcError, reason: CloseReason) {
    super(error.code, error.message, { cause: error, executed: "no", wireCode: error.wireCode, trace: error.trace });
    this.reason = reason;
  }
}

function withoutError({ error: _, ...reason }: CloseReason): CloseReason {
  return reason;
}

/** Why there is no link. What a hook of this end threw is hidden from the other side; a client, whose own it is, is told. */
function failureOf(thrown: unknown, wire: Wire, role: Role, once = false): HandshakeFailure {
  const error = RpcError.from(thrown);
  const { code, message, cause } = error;
  const closeCode = typeof error.wireCode === "number" ? { closeCode: error.wireCode } : {};
  const given: CloseReason = { message, error, ...closeCode };
  const isOwn = role === "client" && !RpcError.is(thrown) && code === "internal" && cause instanceof Error;
  const told = isOwn ? new RpcError(code, `${message}: ${cause.message}`, { ...error, cause }) : error;
  const reason = wire.closed?.(given) ?? given;
  return new HandshakeFailure(told, once ? { ...reason, redialAfterMs: Number.POSITIVE_INFINITY } : reason);
}
