import type { Codec } from "./codec.ts";
import { type Code, RpcError } from "./errors.ts";
import { type Holder, OutgoingBatch, type OutgoingItem, type OutgoingRequest } from "./outgoing.ts";
import type { Sender } from "./sender.ts";
import type { Counters } from "./stats.ts";

/** What admission needs of its peer, which holds the calls that are let in. */
export interface AdmissionHost extends Holder {
  readonly codec: Codec;
  readonly sender: Sender;
  readonly counters: Counters;
  /** Why the link takes no such requests, if it does not. */
  barred(kind: OutgoingRequest["kind"]): string | undefined;
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

function refusalOf(host: AdmissionHost, request: OutgoingRequest, ahead: number): RpcError | undefined {
  const { codec, sender } = host;
  const { kind } = request;
  const barred = host.barred(kind);
  if (barred !== undefined) return refused(request, "unavailable", barred);
  if (sender.congested) return refused(request, "resource_exhausted", "the other side reads too slowly");
  const refusal = codec.refuses?.(request);
  if (refusal !== undefined || sender.hasRoom(kind, ahead)) return refusal;
  return refused(request, "resource_exhausted", "the queue is full");
}

function refused({ kind, method }: OutgoingRequest, code: Code, why: string): RpcError {
  const what = kind === "call" ? "call" : "notify";
  return new RpcError(code, `Cannot ${what} "${method}": ${why}`, { executed: "no" });
}
