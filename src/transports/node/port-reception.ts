import type { Socket } from "node:net";
import { after } from "../../core/clock.ts";
import { printable } from "../../core/text.ts";
import type { LinkTerms } from "../../core/wire.ts";
import { type Door, doorFor, listed } from "./port-doors.ts";
import { partWith } from "./port-strangers.ts";
import { remoteAddressOf } from "./tcp.ts";

/** What a reception is made with. */
export interface ReceptionOptions {
  readonly doors: readonly Door[];
  /** Doors for those who are not served, and are told so. */
  readonly strangers: readonly Door[];
  readonly terms: Pick<LinkTerms, "clock" | "handshakeTimeoutMs" | "logger">;
}

/** How much of a stranger's beginning the log shows. */
const SHOWN_BYTES = 24;

/** Reads how each connection begins, within the time of the handshake, and leads it to whoever speaks that. */
export class Reception {
  readonly #options: ReceptionOptions;
  /** Those who have not said yet what they speak. */
  readonly #undecided = new Set<Socket>();
  #isClosed = false;

  constructor(options: ReceptionOptions) {
    this.#options = options;
  }

  /** Owns the socket until it is led on. */
  take(socket: Socket): void {
    socket.on("error", ignore);
    if (this.#isClosed || socket.destroyed) return void socket.destroy();
    const { doors, strangers, terms } = this.#options;
    const { clock, handshakeTimeoutMs } = terms;
    let head = Buffer.alloc(0);
    const leave = (): void => {
      stop();
      this.#undecided.delete(socket);
      socket.off("readable", onReadable).off("end", onEnd).off("close", leave);
    };
    const onReadable = (): void => {
      for (let chunk = read(socket); chunk !== null; chunk = read(socket)) head = Buffer.concat([head, chunk]);
      const door = head.length === 0 ? "more" : doorFor(head, doors, strangers);
      if (door === "more") return;
      leave();
      if (door === "none") return this.#refuse(socket, `nobody here speaks what begins with ${shown(head)}`);
      socket.unshift(head);
      socket.off("error", ignore);
      door.enter(socket);
    };
    const onEnd = (): void => {
      leave();
      if (head.length === 0) socket.destroy();
      else this.#refuse(socket, `it said no more than ${shown(head)}`);
    };
    const stop = after(clock, handshakeTimeoutMs, () => {
      leave();
      const said = head.length === 0 ? "it said nothing" : `it said no more than ${shown(head)}`;
      this.#refuse(socket, `${said} within ${handshakeTimeoutMs} ms`);
    });
    this.#undecided.add(socket);
    socket.on("readable", onReadable).on("end", onEnd).on("close", leave);
  }

  /** Cuts those who have not said yet what they speak, and takes nobody any more. */
  close(): void {
    this.#isClosed = true;
    for (const socket of this.#undecided) socket.destroy();
  }

  #refuse(socket: Socket, why: string): void {
    const { doors, terms } = this.#options;
    terms.logger.warn(`Refused ${remoteAddressOf(socket) ?? "a client"}: ${why}. This port speaks ${listed(doors)}`);
    partWith(socket);
  }
}

function read(socket: Socket): Buffer | null {
  return socket.read() as Buffer | null;
}

/** Bytes of somebody else's, safe to print. */
function shown(head: Buffer): string {
  return `"${printable(head.subarray(0, SHOWN_BYTES).toString("latin1"))}"`;
}

/** Whoever gets the socket hears of its errors; until then they say nothing that its closing does not. */
function ignore(): void {}
