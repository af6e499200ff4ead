import type { BatchMember, BatchOutcome, Caller, Connection } from "../core/context.ts";
import { RpcError } from "../core/errors.ts";
import type { Begun, CallListener, CallOptions, CheckedCallOptions } from "../core/outgoing.ts";
import type { Peer } from "../core/peer.ts";
import { printable } from "../core/text.ts";
import type { MemberLabels } from "./naming.ts";

/** What is known of a member, at one moment. */
export interface MemberInfo {
  readonly name: string;
  readonly labels: MemberLabels;
  /** Where it dialled from, as far as its transport knows. */
  readonly address: string | undefined;
  /** The name of the wire that it speaks. */
  readonly wire: string;
  /** When it joined, in milliseconds since 1970. */
  readonly since: number;
  /** When something last came from it, in milliseconds since 1970. */
  readonly lastSeen: number;
  /** Its own calls that run here. */
  readonly running: number;
  /** Calls to it that wait to be sent or for a reply. */
  readonly pending: number;
}

/**
 * One link that has a name. It is what it was when its end has joined again over another link: whoever wants that one asks
 * the fleet by name. `fleet.get` gives it live; lists and events have copies.
 */
export class Member implements MemberInfo, Caller {
  readonly name: string;
  readonly labels: MemberLabels;
  readonly since: number;
  readonly #peer: Peer;
  readonly #timeoutMs: number;
  /** Why it is none any more. */
  #gone: string | undefined = undefined;

  constructor(name: string, labels: MemberLabels, peer: Peer, timeoutMs: number) {
    this.name = name;
    this.labels = labels;
    this.since = Date.now();
    this.#peer = peer;
    this.#timeoutMs = timeoutMs;
  }

  get address(): string | undefined {
    return this.#peer.remoteAddress;
  }
  get wire(): string {
    return this.#peer.wire.name;
  }
  get lastSeen(): number {
    return Date.now() - Math.round(this.#peer.clock.now - this.#peer.watch.lastReceived);
  }
  get running(): number {
    return this.#peer.runningCount;
  }
  get pending(): number {
    return this.#peer.pendingCount;
  }
  /** The link: its identity, its numbers, its end. */
  get connection(): Connection {
    return this.#peer;
  }

  /** As `Caller` says; the fleet's own `timeoutMs` when the options have none. */
  call<Result>(method: string, params: unknown, options: CheckedCallOptions<Result>): Promise<Result>;
  call(method: string, params?: unknown, options?: CallOptions): Promise<unknown>;
  call(method: string, params?: unknown, options?: CallOptions): Promise<unknown> {
    if (this.#gone !== undefined) return Promise.reject(this.#absent(method, this.#gone));
    return this.#peer.call(method, params, this.#timed(options));
  }

  /** As `call`, for those who give up many at once (the fleet). */
  begin(method: string, params: unknown, options: CallOptions, listener: CallListener): Begun {
    if (this.#gone === undefined) return this.#peer.begin(method, params, this.#timed(options), listener);
    listener.rejected(this.#absent(method, this.#gone));
    return { giveUp() {} };
  }

  notify(method: string, params?: unknown, options?: Pick<CallOptions, "meta">): Promise<void> {
    if (this.#gone === undefined) return this.#peer.notify(method, params, options);
    const failed = Promise.reject<void>(this.#absent(method, this.#gone));
    failed.catch(() => {});
    return failed;
  }

  batch(members: readonly BatchMember[], options?: Omit<CallOptions, "result">): Promise<BatchOutcome[]> {
    if (this.#gone !== undefined) return Promise.reject(this.#absent(members[0]?.[0] ?? "", this.#gone));
    return this.#peer.batch(members, this.#timed(options));
  }

  /** It is no member from now on. Calls under way go on. */
  leave(why: string): void {
    this.#gone ??= why;
  }

  /** What `list()` gives. */
  info(): MemberInfo {
    const { name, labels, address, wire, since, lastSeen, running, pending } = this;
    return Object.freeze({ name, labels, address, wire, since, lastSeen, running, pending });
  }

  #timed(options: CallOptions | undefined): CallOptions {
    return options?.timeoutMs === undefined ? { ...options, timeoutMs: this.#timeoutMs } : options;
  }

  #absent(method: string, why: string): RpcError {
    const message = `Cannot call "${method}": "${printable(this.name)}" ${why}`;
    return new RpcError("unavailable", message, { executed: "no" });
  }
}
