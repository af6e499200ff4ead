import { DEFAULT_GRACE_MS } from "../core/context.ts";
import { RpcError } from "../core/errors.ts";
import type { Hello } from "../core/message.ts";
import { Refusal } from "../core/opening.ts";
import type { Peer } from "../core/peer.ts";
import { randomWord } from "../core/random-word.ts";
import { isOlder, isSameEnd, readSession, type Session } from "../core/session.ts";
import { printable } from "../core/text.ts";
import { Member } from "./member.ts";
import { labelsFor, nameFor } from "./naming.ts";
import type { FleetRules } from "./options.ts";

/** A link that may become a member, is one, or was one. */
export interface Entry {
  readonly member: Member;
  readonly peer: Peer;
  readonly session: Session | undefined;
  /** It leaves another link of its own for this one. */
  readonly moves: boolean;
}

/** Decides who comes in, and who has to go for it. It changes nothing in the table of members. */
export class Entrance {
  readonly #rules: FleetRules;
  readonly #members: ReadonlyMap<string, Entry>;
  /** Since their hello; a link that never comes about is forgotten with its peer. */
  readonly #entries = new WeakMap<Peer, Entry>();
  readonly #welcomed = new WeakSet<Peer>();

  constructor(rules: FleetRules, members: ReadonlyMap<string, Entry>) {
    this.#rules = rules;
    this.#members = members;
  }

  entryOf(peer: Peer): Entry | undefined {
    return this.#entries.get(peer);
  }

  /** Throws a `Refusal` for an end that may not come in; `undefined` for one that does not want to. */
  welcome(peer: Peer, hello: Hello): Hello | undefined {
    const rules = this.#rules;
    const awayMs = this.#awayMs();
    const name = nameFor(hello, peer.identity, rules, awayMs);
    if (name === undefined) return undefined;
    const member = new Member(name, labelsFor(hello, rules.maxLabels, awayMs), peer, rules.timeoutMs);
    const entry = { member, peer, session: readSession(hello.session), moves: hello.moves === true };
    this.#rival(entry, awayMs);
    this.#entries.set(peer, entry);
    this.#welcomed.add(peer);
    return {
      session: randomWord(),
      maxFrameBytes: peer.limits.maxFrameBytes,
      heartbeatMs: peer.options.heartbeat.intervalMs,
    };
  }

  /**
   * The new member, and whom it replaces; `undefined` for a peer that was not welcomed, or that takes no calls any more.
   * Throws as `welcome` does.
   */
  take(peer: Peer): { readonly entry: Entry; readonly old: Entry | undefined } | undefined {
    const entry = this.#entries.get(peer);
    if (entry === undefined || !this.#welcomed.delete(peer) || !peer.isOpen) return undefined;
    return { entry, old: this.#rival(entry, this.#awayMs()) };
  }

  /** Takes leave of a link whose name another one has now. */
  dismiss(old: Entry, by: Entry): void {
    if (by.moves && isOfSameEnd(old, by)) this.#leave(old);
    else this.#sendAway(old);
  }

  /** Its end has moved: what is under way is answered on this link, which then ends. */
  #leave({ member, peer }: Entry): void {
    const why = "has moved to another link";
    member.leave(why);
    // Calls have their own time, and the heartbeat tells when nobody is there.
    void peer.drain(Number.POSITIVE_INFINITY, `"${printable(member.name)}" ${why}`);
  }

  /** Settles what waits for an end that was replaced, and asks it to stay away. */
  #sendAway({ member, peer }: Entry): void {
    member.leave("was replaced by a newer link of the same name");
    // A link that ends already does so with its answers; its calls are not lost.
    if (!peer.isOpen) return;
    const name = printable(member.name);
    peer.giveUp((request) => {
      const executed = request.kind === "call" && request.sent ? "unknown" : "no";
      const why = `Lost "${request.method}": "${name}" was replaced by a newer link of the same name`;
      return new RpcError("unavailable", why, { executed });
    });
    void peer.drain(DEFAULT_GRACE_MS, `"${name}" was replaced by a newer link of the same name`, this.#awayMs());
  }

  /** Who has the name and must give it up; throws when that one keeps it, and when the fleet is full. */
  #rival({ member: { name }, session }: Entry, awayMs: number): Entry | undefined {
    const old = this.#members.get(name);
    if (old === undefined) {
      if (this.#members.size < this.#rules.maxMembers) return undefined;
      const why = `Cannot join: the fleet has ${this.#rules.maxMembers} members already`;
      throw new Refusal("resource_exhausted", why, awayMs);
    }
    if (old.peer.isClosed) return old;
    if (session !== undefined && old.session !== undefined) {
      if (isOlder(session, old.session)) {
        const why = `Cannot join as "${printable(name)}": a newer session has the name`;
        throw new Refusal("aborted", why, awayMs);
      }
      // Its end dialled again: the old link is dead, whether it shows or not, or is left for this one.
      if (isSameEnd(session, old.session)) return old;
    }
    const { duplicates = old.peer.codec.carries.goodbye ? "replace" : "reject" } = this.#rules;
    if (duplicates === "replace") return old;
    throw new Refusal("already_exists", `Cannot join as "${printable(name)}": the name is taken`, awayMs);
  }

  #awayMs(): number {
    const { stayAwayMs, random } = this.#rules;
    return stayAwayMs * (1 + random() / 3);
  }
}

/** Whether both are links of one end, as far as it says so. */
export function isOfSameEnd({ session: one }: Entry, { session: other }: Entry): boolean {
  return one !== undefined && other !== undefined && isSameEnd(one, other);
}
