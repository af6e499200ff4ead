import { RpcError } from "../../core/errors.ts";
import type { Dialer, LinkTerms } from "../../core/wire.ts";
import { callerOf } from "../client/caller.ts";
import { fetchSender, type HttpSender } from "../client/reply.ts";
import { ClientLink } from "./client-link.ts";
import { Courier, Missed } from "./courier.ts";
import { type Opened, openingBody, readOpened } from "./envelope.ts";
import { type PollConnectOptions, type PollConnectRules, pollConnectRules } from "./options.ts";

export type { PollConnectOptions } from "./options.ts";

/** Where a server of links is, and how it is asked. */
export interface PollTarget extends PollConnectOptions {
  /**
   * `poll+http://host:port/path?query` or `beat+http://…`, both with `https`, too; `http://…` is long-poll. A user and
   * password in it are sent as Basic authorization.
   */
  readonly url: string | URL;
  /** From 0 up to 1, for the times between repeated requests. Default: `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/**
 * Dials a server of links over plain requests, by long-poll or heartbeat (docs/wires/poll.md); any wire runs on them, both
 * ways. Redirects are not followed. Throws `TypeError` or `RangeError` for options that cannot be used, and for credentials
 * that would leave this machine as plain text. An attempt rejects with `unavailable`, or with what the server's status means.
 * `senderOf` makes what sends the requests of one link, in place of `fetch`.
 */
export function pollDialer(target: PollTarget, senderOf?: (url: URL) => HttpSender): Dialer {
  const { random = Math.random } = target;
  const [, scheme = "poll"] = SCHEME.exec(String(target.url)) ?? [];
  const rules = pollConnectRules(scheme.toLowerCase() === "beat" ? "beat" : "poll", target);
  const fetched = target.fetch ?? ((to, init) => fetch(to, init));
  const caller = callerOf({ ...target, url: String(target.url).replace(SCHEME, "") });
  const { url } = caller;
  const address = `${rules.mode}+${caller.address}`;
  return async (signal, terms) => {
    const { clock, limits, logger } = terms;
    const { maxFrameBytes } = limits;
    checkInterval(rules, terms);
    signal.throwIfAborted();
    const sender = senderOf?.(url) ?? fetchSender(url.href, fetched);
    const courier = new Courier({ caller, sender, clock, timeoutMs: rules.timeoutMs, maxFrameBytes });
    try {
      const opened = readOpened(await courier.post(undefined, openingBody({ maxFrameBytes }), 0, signal));
      checkIdle(rules, opened);
      const channel = new ClientLink({ courier, opened, rules, clock, maxFrameBytes, random, logger, address });
      return { channel, remoteAddress: url.host };
    } catch (thrown) {
      courier.close();
      throw dialError(address, thrown, signal);
    }
  };
}

/** What stands before the scheme of HTTP. */
const SCHEME = /^(poll|beat)\+/i;

function checkInterval({ mode, intervalMs }: PollConnectRules, { heartbeat }: LinkTerms): void {
  if (mode === "poll" || 2 * intervalMs <= heartbeat.timeoutMs) return;
  const least = `heartbeat.timeoutMs must be at least ${2 * intervalMs}, at both ends`;
  throw new RangeError(`With an intervalMs of ${intervalMs} a link would be taken for dead: ${least}`);
}

function checkIdle({ mode, intervalMs }: PollConnectRules, { idleMs }: Opened): void {
  if (mode === "poll" || 2 * intervalMs <= idleMs) return;
  const why = `the server ends links after ${idleMs} ms of silence, and intervalMs is ${intervalMs}`;
  throw new RpcError("failed_precondition", why);
}

function dialError(address: string, thrown: unknown, signal: AbortSignal): unknown {
  if (thrown instanceof Missed && thrown.isUnsent) return thrown.cause;
  // The sender has said all about it.
  if (RpcError.is(thrown) && thrown.executed === "no") return thrown;
  const why = signal.aborted ? "the attempt was given up" : thrown instanceof Error ? thrown.message : String(thrown);
  const { code = "unavailable", wireCode } = partsOf(thrown);
  return new RpcError(code, `Cannot connect to ${address}: ${why}`, { cause: thrown, executed: "no", wireCode });
}

function partsOf(thrown: unknown): Partial<Pick<RpcError, "code" | "wireCode">> {
  if (RpcError.is(thrown)) return thrown;
  return thrown instanceof Missed && RpcError.is(thrown.cause) ? thrown.cause : {};
}
