import type { Channel, CloseReason } from "./channel.ts";
import { after } from "./clock.ts";
import type { Connection } from "./context.ts";
import { RpcError } from "./errors.ts";
import { ChannelLoan } from "./exchange.ts";
import type { Dispatcher } from "./handlers.ts";
import { Peer, type PeerOptions } from "./peer.ts";
import type { Authenticator, RawConnection, Wire } from "./wire.ts";

/** Everything about a link that is the same for each connection of an end. */
export interface EstablishOptions extends Omit<PeerOptions, "remoteAddress" | "identity"> {
  readonly authenticator?: Authenticator | undefined;
  readonly handshakeTimeoutMs: number;
  /** The handlers of this connection; asked once, after `onConnect`. */
  readonly dispatch: (connection: Connection) => Dispatcher;
  readonly onConnect?: ((connection: Connection) => void | Promise<void>) | undefined;
  readonly onDisconnect?: ((connection: Connection, status: CloseReason) => void) | undefined;
  /** Ends the attempt, not the link. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes a peer of a raw connection: framing, authenticator, codec, opening, `onConnect`, handlers, all of it within one
 * `handshakeTimeoutMs`. Requests that arrive meanwhile wait. Closes the connection when it rejects, which it does with
 * a `HandshakeFailure`.
 */
export async function establish(raw: RawConnection, wire: Wire, options: EstablishOptions): Promise<Peer> {
  const { role, limits, clock, handshakeTimeoutMs, signal } = options;
  let channel: Channel = raw.pipe === undefined ? raw.channel : wire.framing(raw.pipe, { role, limits, clock });
  let close = (reason: CloseReason): void => channel.close(reason);
  let giveUp: (error: RpcError) => void = () => {};
  const givenUp = new Promise<never>((_, reject) => {
    giveUp = reject;
  });
  givenUp.catch(() => {});
  const stopTimer = after(clock, handshakeTimeoutMs, () => {
    giveUp(
      new RpcError("deadline_exceeded", `The handshake did not end within ${handshakeTimeoutMs} ms`, {
        executed: "no",
      }),
    );
  });
  const onAbort = (): void => giveUp(new RpcError("cancelled", "The attempt was given up", { executed: "no" }));
  signal?.addEventListener("abort", onAbort);
  try {
    if (signal?.aborted === true) onAbort();
    let identity = raw.identity;
    if (options.authenticator !== undefined) {
      const loan = new ChannelLoan(channel, raw.remoteAddress);
      identity = (await Promise.race([options.authenticator[role](loan), givenUp])) ?? identity;
      channel = loan.release();
    }
    const peer = new Peer(channel, wire, { ...options, identity, remoteAddress: raw.remoteAddress });
    close = (reason) => peer.end(reason);
    await Promise.race([peer.opened, givenUp]);
    await Promise.race([options.onConnect?.(peer), givenUp]);
    // From here on the connection counts: whoever saw it come will see it go.
    void peer.closed.then((reason) => {
      try {
        options.onDisconnect?.(peer, reason);
      } catch (thrown) {
        options.logger.error("onDisconnect failed", thrown);
      }
    });
    peer.serve(options.dispatch(peer));
    return peer;
  } catch (thrown) {
    const failure = failureOf(thrown, wire);
    close(failure.reason);
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

function failureOf(thrown: unknown, wire: Wire): HandshakeFailure {
  const error = RpcError.from(thrown);
  const closeCode = typeof error.wireCode === "number" ? { closeCode: error.wireCode } : {};
  const given: CloseReason = { message: error.message, error, ...closeCode };
  return new HandshakeFailure(error, wire.closed?.(given) ?? given);
}
