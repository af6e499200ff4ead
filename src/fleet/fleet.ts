import type { CloseReason } from "../core/channel.ts";
import { checkMs } from "../core/clock.ts";
import type { Membership } from "../core/membership.ts";
import type { Hello } from "../core/message.ts";
import type { CallOptions, CheckedCallOptions } from "../core/outgoing.ts";
import type { Peer } from "../core/peer.ts";
import type { Remote } from "../core/remote.ts";
import { methodsOf, remoteOf } from "../core/remote.ts";
import { printable } from "../core/text.ts";
import type { CallAllOptions, CheckedCallAllOptions } from "./call-all.ts";
import { type All, MemberCaller } from "./calling.ts";
import { Entrance, type Entry, isOfSameEnd } from "./entrance.ts";
import { FanOut } from "./fan-out.ts";
import type { Member, MemberInfo } from "./member.ts";
import { type FleetOptions, type FleetRules, rulesOf } from "./options.ts";
import { type FleetEvent, Watching, type WatchOptions } from "./watching.ts";
import { matcherOf, type Where } from "./where.ts";

/**
 * The clients of one server, or of several, that have a name: calls one of them, or all. Give it to `serve` as `fleet`. It
 * knows no wire and no transport, and nothing in it waits for a member: each has the bounded queue of its own link.
 */
export class Fleet implements Membership {
  readonly #rules: FleetRules;
  readonly #entrance: Entrance;
  readonly #members = new Map<string, Entry>();
  readonly #watching = new Set<Watching>();

  /** Throws `TypeError` or `RangeError` for a wrong option. */
  constructor(options: FleetOptions = {}) {
    this.#rules = rulesOf(options);
    this.#entrance = new Entrance(this.#rules, this.#members);
  }

  /** How many members there are. */
  get size(): number {
    return this.#members.size;
  }

  /** All members as they are now, in the order in which their names came. */
  list(where?: Where): MemberInfo[] {
    return this.#matching(where).map(({ member }) => member.info());
  }

  /** The member that has this name now; `undefined` when there is none. */
  get(name: string): Member | undefined {
    return this.#members.get(name)?.member;
  }

  /** Calls one member as `Caller.call` does. Rejects with `not_found` at once when there is none of this name. */
  call<Result>(name: string, method: string, params: unknown, options: CheckedCallOptions<Result>): Promise<Result>;
  call(name: string, method: string, params?: unknown, options?: CallOptions): Promise<unknown>;
  call(name: string, method: string, params?: unknown, options?: CallOptions): Promise<unknown> {
    return this.#caller(name).call(method, params, options);
  }

  /** Notifies one member as `Caller.notify` does. */
  notify(name: string, method: string, params?: unknown, options?: Pick<CallOptions, "meta">): Promise<void> {
    return this.#caller(name).notify(method, params, options);
  }

  /**
   * Calls every member that is there now, or those that `where` selects: one outcome for each, in order of arrival. A
   * member that is slow, gone or full costs its own outcome only; one that has another link when its turn comes is called there.
   * Throws `RangeError` for a wrong option.
   */
  callAll<Result>(method: string, params: unknown, options: CheckedCallAllOptions<Result>): FanOut<Result>;
  callAll(method: string, params?: unknown, options?: CallAllOptions): FanOut;
  callAll(method: string, params?: unknown, options: CallAllOptions = {}): FanOut {
    const { where, concurrency, first, signal, timeoutMs = this.#rules.timeoutMs, ...rest } = options;
    checkMs("timeoutMs", timeoutMs);
    const targets = this.#matching(where);
    const each = { ...rest, timeoutMs };
    return new FanOut({
      method,
      members: targets.map(({ member }) => member.name),
      begin: (at, listener) => this.#present(targets[at] as Entry).begin(method, params, each, listener),
      concurrency,
      first,
      signal,
    });
  }

  /** Who comes and goes from now on. Events wait, as many as `maxBehind` says, so that `list()` may be asked after this. */
  watch(options: WatchOptions = {}): Watching {
    const watching = new Watching(options, (ended) => this.#watching.delete(ended));
    if (!watching.isOver) this.#watching.add(watching);
    return watching;
  }

  /** One member's methods as typed functions: `fleet.remote<Api>("agent-7").collect({ since: 5 })`. */
  remote<Api = unknown>(name: string): Remote<Api> {
    return remoteOf<Api>(this.#caller(name));
  }

  /** Every member's methods as typed functions: `for await (const outcome of fleet.all<Api>().collect({ since: 5 }))`. */
  all<Api = unknown>(defaults: CallAllOptions = {}): All<Api> {
    return methodsOf<CallAllOptions>((method, params, options) =>
      this.callAll(method, params, { ...defaults, ...options }),
    ) as All<Api>;
  }

  // ---- what a server says

  /** For servers: checks who wants to come in. */
  welcome(peer: Peer, hello: Hello): Hello | undefined {
    return this.#entrance.welcome(peer, hello);
  }

  /** For servers: takes in whoever was welcomed. */
  join(peer: Peer): void {
    const taken = this.#entrance.take(peer);
    if (taken === undefined) return;
    const { entry, old } = taken;
    const { member } = entry;
    this.#members.set(member.name, entry);
    this.#tell({ kind: old === undefined ? "joined" : "replaced", member: member.name, info: member.info() });
    if (old !== undefined) this.#entrance.dismiss(old, entry);
  }

  /** For servers: somebody takes no more calls. Those under way may still be answered, until the link has ended. */
  left(peer: Peer, reason: CloseReason): void {
    const entry = this.#entrance.entryOf(peer);
    if (entry === undefined || this.#members.get(entry.member.name) !== entry) return;
    const { member } = entry;
    this.#members.delete(member.name);
    member.leave("has left");
    this.#tell({ kind: "left", member: member.name, info: member.info(), reason: printable(reason.message) });
  }

  #caller(name: string): MemberCaller {
    return new MemberCaller(name, (wanted) => this.get(wanted));
  }

  #matching(where: Where | undefined): Entry[] {
    const all = [...this.#members.values()];
    if (where === undefined) return all;
    const matches = matcherOf(where);
    return all.filter(({ member }) => matches(member));
  }

  /** Its end may have moved since, or dialled again. */
  #present(entry: Entry): Member {
    const now = this.#members.get(entry.member.name);
    return (now !== undefined && isOfSameEnd(now, entry) ? now : entry).member;
  }

  #tell(event: FleetEvent): void {
    for (const watching of this.#watching) watching.push(event);
  }
}
