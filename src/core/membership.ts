import type { CloseReason } from "./channel.ts";
import type { Hello } from "./message.ts";
import type { Peer } from "./peer.ts";

/** What a server needs of a fleet: who may come in under which name, and who is there. */
export interface Membership {
  /**
   * Called when the dialler says hello, before it may do anything; gives the welcome, `undefined` for the server's own.
   * Throws to refuse it: a `Refusal` also says when it may try again. Nothing has changed before `join`.
   */
  welcome(peer: Peer, hello: Hello): Hello | undefined;
  /** Called when the link is up and was welcomed, or not: takes in the first and ignores the other. Throws as `welcome` does. */
  join(peer: Peer): void;
  /** Called when the other side said goodbye or has ended, and when the link has; also for a peer that never joined. */
  left(peer: Peer, reason: CloseReason): void;
}
