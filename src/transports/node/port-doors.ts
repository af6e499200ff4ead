import type { Socket } from "node:net";
import { type Beginning, detect, MAX_HEAD } from "../../core/detection.ts";
import type { Accept, LinkTerms, Listen, Wire } from "../../core/wire.ts";
import type { HttpHost } from "./http-host.ts";

/** One of those who are served at a port: whoever begins like this is led in here. */
export interface Door {
  readonly name: string;
  readonly begins: Beginning;
  /** Owns the socket from now on; all that came is in it still, unread. */
  enter(socket: Socket): void;
}

/** Served at a port beside wires, with connections that it takes as sockets. */
export interface SocketService {
  readonly name: string;
  readonly begins: Beginning;
  /** Its names in ALPN, for clients that come over TLS and say what they want. */
  readonly protocols?: readonly string[] | undefined;
  /** What to use in place of an authenticator, where its links have no room for one. */
  readonly insteadOfAuthenticator?: string | undefined;
  open(accept: Accept, terms: LinkTerms): Promise<OpenService>;
}

/** A service while its port listens. */
export interface OpenService {
  /** Owns the socket from now on; all that came is in it still, unread. */
  take(socket: Socket): void;
  /** Stops accepting and leaves connections alone. May be called twice. */
  close(): Promise<void>;
  /** As that of a `Listener`. */
  flushed?(withinMs: number): Promise<void>;
}

/** Served over HTTP at a port, where one HTTP server has the paths of all of them. */
export interface HttpService {
  readonly name: string;
  /** Says at which host it shall listen. */
  readonly listenAt: (host: HttpHost) => Listen;
  /** What to use in place of an authenticator, where its links have no room for one. */
  readonly insteadOfAuthenticator?: string | undefined;
}

/** What a port can serve beside wires: what `http`, `webSocket`, `poll` and `grpc` give, or something of your own. */
export type PortService = SocketService | HttpService;

/** What a port serves. */
export type Served = Wire | PortService;

/** Whether it is a wire, and no service. */
export function isWire(served: Served): served is Wire {
  return "codec" in served;
}

/** Names in a sentence: `a, b and c`. */
export function listed(served: readonly { readonly name: string }[]): string {
  return served
    .map(({ name }) => name)
    .join(", ")
    .replace(/, (?=[^,]*$)/, " and ");
}

/** Beginnings that are looked at while two are compared; nobody's needs more than a handful. */
const MAX_COMPARED = 256;

/**
 * Throws `TypeError` when a port could not tell two of them apart: when there is a beginning that one would take and the
 * other has not ruled out.
 */
export function checkApart(doors: readonly Pick<Door, "name" | "begins">[]): void {
  for (const [at, one] of doors.entries()) {
    for (const other of doors.slice(at + 1)) {
      if (!areAlike(one.begins, other.begins)) continue;
      throw new TypeError(`One port cannot serve both ${one.name} and ${other.name}: they may begin alike`);
    }
  }
}

/** Follows every beginning that both leave open, shortest first. */
function areAlike(one: Beginning, other: Beginning): boolean {
  const open: Uint8Array[] = [new Uint8Array(0)];
  for (let at = 0; at < open.length && at < MAX_COMPARED; at++) {
    const before = open[at] ?? new Uint8Array(0);
    if (before.length === MAX_HEAD) continue;
    const head = new Uint8Array(before.length + 1);
    head.set(before);
    for (let byte = 0; byte < 256; byte++) {
      head[before.length] = byte;
      const answers = [one(head), other(head)];
      if (answers.includes(false)) continue;
      if (answers.includes(true)) return true;
      open.push(head.slice());
    }
  }
  return false;
}

/** Who takes a connection that began like this: one of these doors, or of those for strangers, or nobody. */
export function doorFor(head: Uint8Array, doors: readonly Door[], strangers: readonly Door[]): Door | "more" | "none" {
  const served = detect(head, doors);
  return served === "none" ? detect(head, strangers) : served;
}
