import type { Frame } from "../../core/channel.ts";
import { type Cannot, type Carries, type Codec, type CodecLink, lastResort } from "../../core/codec.ts";
import { protocolError, RpcError } from "../../core/errors.ts";
import type { Message, RequestMessage } from "../../core/message.ts";
import { printable } from "../../core/text.ts";
import { Agent } from "./agent.ts";
import { Controller } from "./controller.ts";
import type { End } from "./end.ts";
import type { MethodTable } from "./methods.ts";

/** What a link without a bound gets. */
const MOST_DEPTH = 1000;

const CARRIES: Carries = {
  hello: "must",
  welcome: false,
  ping: false,
  cancel: true,
  goodbye: false,
  answersCancelled: false,
};

/**
 * The wire of Aperture's coordinator. A frame is one `aperture.rpc.v1.ClientToServer` of the end that dialled, or one
 * `ServerToClient` of the end that accepted and calls.
 */
export class CoordinatorCodec implements Codec {
  readonly carries: Carries = CARRIES;
  readonly #link: CodecLink;
  readonly #end: End;

  constructor(link: CodecLink, methods: MethodTable) {
    const maxDepth = Math.floor(Math.min(link.limits.maxDepth, MOST_DEPTH));
    this.#link = link;
    this.#end = new (link.role === "client" ? Agent : Controller)({ link, methods, maxDepth });
  }

  refuses(request: RequestMessage): RpcError | undefined {
    const why = this.#end.refuses(request);
    if (why === undefined) return undefined;
    return new RpcError("unimplemented", `Cannot call "${printable(request.method)}": ${why}`, { executed: "no" });
  }

  encode(messages: readonly Message[], cannot: Cannot): readonly Frame[] {
    const frames: Frame[] = [];
    for (const message of messages) {
      for (const each of message.kind === "batch" ? message.messages : [message]) this.#addOr(frames, each, cannot);
    }
    return frames;
  }

  decode(frame: Frame): readonly Message[] {
    if (typeof frame === "string") throw protocolError("The coordinator's wire has no text");
    const message = this.#end.hear(plain(frame));
    return message === undefined ? [] : [message];
  }

  #addOr(frames: Frame[], message: Message, cannot: Cannot): void {
    try {
      const frame = this.#end.say(message);
      if (frame !== undefined) frames.push(this.#fitting(frame));
    } catch (thrown) {
      const instead = cannot(message, thrown);
      if (instead !== undefined) this.#addOr(frames, instead, lastResort);
    }
  }

  #fitting(frame: Uint8Array): Uint8Array {
    const { maxFrameBytes } = this.#link;
    if (frame.length <= maxFrameBytes) return frame;
    throw new RpcError("resource_exhausted", `The message is larger than ${maxFrameBytes} bytes`);
  }
}

/** Node's own byte arrays make others of their kind, and what a message holds is a view of its frame. */
function plain(frame: Uint8Array): Uint8Array {
  if (frame.constructor === Uint8Array) return frame;
  return new Uint8Array(frame.buffer, frame.byteOffset, frame.byteLength);
}
