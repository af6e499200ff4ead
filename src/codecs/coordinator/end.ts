import type { CodecLink } from "../../core/codec.ts";
import type { Message, RequestMessage } from "../../core/message.ts";
import type { MethodTable } from "./methods.ts";

/** What either end is made with. */
export interface EndSetup {
  readonly link: CodecLink;
  readonly methods: MethodTable;
  /** How many messages may stand in one another, the outermost counted. */
  readonly maxDepth: number;
}

/** One of the two ends of this wire, which have nothing in common: each says what the other hears. */
export interface End {
  /** Why it cannot send a request. */
  refuses(request: RequestMessage): string | undefined;
  /** The frame of a message; nothing for one that the wire cannot say. Throws for one that cannot be encoded. */
  say(message: Message): Uint8Array | undefined;
  /** The message of a frame; nothing where there is nothing to do. Throws where the link cannot go on. */
  hear(frame: Uint8Array): Message | undefined;
}
