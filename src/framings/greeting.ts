import type { LinkContext, Pipe } from "../core/channel.ts";
import { protocolError } from "../core/errors.ts";
import { printable } from "../core/text.ts";
import { AwaitingPipe } from "./awaiting.ts";

/** How a wire greets. */
export interface Greeting {
  /** What both ends begin with. No text begins with its first byte, and neither does any other protocol. */
  readonly magic: readonly number[];
  /** The version of what follows; both must say the same. */
  readonly version: number;
  /** One bit for each thing that this end can do. */
  readonly offers: number;
  /** Makes the rest of the stream of the bits that both ends offer. */
  agree(offers: number, rest: Pipe): Pipe;
}

/**
 * Bytes that both ends say before anything else: the magic, a version, and the bits of what they offer. The dialler says
 * what it offers, the accepter what of that holds. A dialler that offers nothing goes on at once; another one waits for
 * the answer. Something else than the magic ends the link.
 */
export function greeting(pipe: Pipe, link: LinkContext, { magic, version, offers, agree }: Greeting): Pipe {
  const isDialler = link.role === "client";
  const said = (bits: number): Uint8Array => Uint8Array.of(...magic, version, bits);
  const awaiting = new AwaitingPipe(pipe, {
    bytes: magic.length + 2,
    writesAtOnce: isDialler && offers === 0,
    choose(received, rest) {
      const bits = offers & offersOf(received, magic, version);
      if (!isDialler) void rest.write(said(bits));
      return agree(bits, rest);
    },
  });
  if (!isDialler) return awaiting;
  let hasGreeted = false;
  const greet = (): void => {
    if (hasGreeted) return;
    hasGreeted = true;
    void pipe.write(said(offers));
  };
  return {
    open(sink) {
      awaiting.open(sink);
      greet();
    },
    write(bytes) {
      greet();
      return awaiting.write(bytes);
    },
    close: (reason) => awaiting.close(reason),
  };
}

function offersOf(received: Uint8Array, magic: readonly number[], version: number): number {
  if (!magic.every((byte, at) => received[at] === byte)) {
    // What it is can often be read.
    const began = printable(new TextDecoder("latin1").decode(received));
    throw protocolError(`The other side speaks another wire: its first bytes are ${JSON.stringify(began)}`);
  }
  const theirs = received[magic.length];
  if (theirs === version) return received[magic.length + 1] ?? 0;
  throw protocolError(`The other side speaks version ${theirs} of this wire, this end version ${version}`);
}
