import type { Codec } from "./codec.ts";
import { RpcError } from "./errors.ts";
import { type Holder, OutgoingBatch, type OutgoingItem, type OutgoingRequest } from "./outgoing.ts";
import type { Sender } from "./sender.ts";
import type { Counters } from "./stats.ts";

/** What admission needs of its peer, which holds the calls that are let in. */
export interface AdmissionHost extends Holder {
  readonly codec: Codec;
  readonly sender: Sender;
  readonly counters: Counters;
  /** Why the link takes no new requests, if it does not. */
  readonly barred: string | undefined;
}

/**
 * Whether the link, the codec and the bounds allow a request of this end, asked before it has an id. Gives what of the
 * item can be sent; the rest has failed.
 */
export function admit(host: AdmissionHost, item: OutgoingItem): OutgoingItem | undefined {
  if (item.kind !== "batch") return admits(host, item, 0) ? item : undefined;
  let calls = 0;
  const sendable = item.messages.filter((request) => {
    const isSendable = admits(host, request, calls);
    if (isSendable && request.kind === "call") calls++;
    return isSendable;
  });
  if (sendable.length === 0) return undefined;
  return sendable.length === item.messages.length ? item : new OutgoingBatch(sendable);
}

/** Takes the request in, or fails it here and now; `ahead` calls of its batch were let in before it. */
function admits(host: AdmissionHost, request: OutgoingRequest, ahead: number): boolean {
  if (request.kind === "call") {
    if (request.settled) return false;
    host.counters.calls++;
    request.holder = host;
  }
  const refusal = refusalOf(host, request, ahead);
  if (refusal !== undefined) request.fail(refusal);
  return refusal === undefined;
}

function refusalOf(
  { codec, sender, barred }: AdmissionHost,
  request: OutgoingRequest,
  ahead: number,
): RpcError | undefined {
  const { method } = request;
  if (barred !== undefined) {
    return new RpcError("unavailable", `Cannot call "${method}": ${barred}`, { executed: "no" });
  }
  if (sender.congested) {
    return new RpcError("resource_exhausted", `Cannot call "${method}": the other side reads too slowly`, {
      executed: "no",
    });
  }
  const refusal = codec.refuses?.(request);
  if (refusal !== undefined || sender.hasRoom(request.kind, ahead)) return refusal;
  return new RpcError("resource_exhausted", `Cannot call "${method}": the queue is full`, { executed: "no" });
}
