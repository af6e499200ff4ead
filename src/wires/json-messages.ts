import { JsonRpcCodec } from "../codecs/jsonrpc/codec.ts";
import { dialectOf, type JsonRpcOptions } from "../codecs/jsonrpc/options.ts";
import { RpcError } from "../core/errors.ts";
import type { Wire } from "../core/wire.ts";

/** The options of JSON-RPC on any transport: those of the codec, and what stands around it. */
export interface JsonMessagesOptions extends JsonRpcOptions {
  /** Nothing that arrives after a notification starts before that notification's handler has ended. Default `true`. */
  readonly ordered?: boolean | undefined;
  /**
   * A method of the other side that is called, without params, when a link has been silent and neither the transport nor the
   * wire has a ping: whatever comes back, an error too, is a sign of life. Default: none is called.
   */
  readonly probe?: string | undefined;
}

/**
 * JSON-RPC 2.0 where the transport brings whole messages, as WebSocket does: without a framing for pipes and without the
 * methods that servers answer by themselves, so that nobody loads these in vain. On a pipe it makes no link. Throws
 * `TypeError` or `RangeError` for a wrong option.
 */
export function jsonMessages(options: JsonMessagesOptions = {}): Wire {
  const dialect = dialectOf(options);
  const { probe } = options;
  return {
    name: "jsonrpc",
    framing: unframed,
    ordered: options.ordered ?? true,
    // An id that no call of this end has.
    ...(probe !== undefined && {
      probe: () => `{"jsonrpc":"2.0","id":"convoke.probe","method":${JSON.stringify(probe)}}`,
    }),
    codec: (link) => new JsonRpcCodec(link, dialect),
  };
}

function unframed(): never {
  const advice = "use jsonrpc() of convoke/jsonrpc";
  throw new RpcError("failed_precondition", `This wire has no framing for a stream of bytes: ${advice}`);
}
