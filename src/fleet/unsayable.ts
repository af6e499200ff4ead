import type { Connection } from "../core/context.ts";
import { Peer } from "../core/peer.ts";

const REACHED = new Error("All that came before can be said");
/** Stops whoever reads it. */
const STOP = {
  get here(): never {
    throw REACHED;
  },
};

/**
 * Why the other side of a link cannot be told a value, on any wire; `undefined` where it can. The codec of the link is asked, by a
 * message that it can never encode and that therefore leaves no trace: it fails at the value, or only behind it.
 */
export function unsayable(connection: Connection, value: unknown): unknown {
  let why: unknown;
  if (connection instanceof Peer) {
    connection.codec.encode([{ kind: "result", id: 0, value: [value, STOP], call: undefined }], (_, reason) => {
      why = reason;
      return undefined;
    });
  }
  return why === REACHED ? undefined : why;
}
