import type { Codec } from "./codec.ts";
import { RpcError } from "./errors.ts";
import { type Holder, OutgoingBatch, type OutgoingItem, type OutgoingRequest } from "./outgoing.ts";
import type { Sender } from "./sender.ts";
import type { Counters } from "./stats.ts";

/** What admission needs from its peer. */
export interface AdmissionOptions {
  readonly codec: Codec;
  readonly sender: Sender;
  readonly counters: Counters;
  /** Who holds the calls that are let in. */
  readonly holder: Holder;
  /** Why the link takes no new requests, if it does not. */
  barred(): string | undefined;
}

/** Who is let in: whether the link, the codec and the bounds allow a request of this end, asked before it has an id. */
export class Admission {
  readonly #options: AdmissionOptions;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** What of the item can be sent; the rest has failed. */
  admit(item: OutgoingItem): OutgoingItem | undefined {
    if (item.kind !== "batch") return this.#admits(item, 0) ? item : undefined;
    let calls = 0;
    const sendable = item.messages.filter((request) => {
      const isSendable = this.#admits(request, calls);
      if (isSendable && request.kind === "call") calls++;
      return isSendable;
    });
    if (sendable.length === 0) return undefined;
    return sendable.length === item.messages.length ? item : new OutgoingBatch(sendable);
  }

  /** Takes the request in, or fails it here and now; `ahead` calls of its batch were let in before it. */
  #admits(request: OutgoingRequest, ahead: number): boolean {
    if (request.kind === "call") {
      if (request.settled) return false;
      this.#options.counters.calls++;
      request.holder = this.#options.holder;
    }
    const refusal = this.#refusal(request, ahead);
    if (refusal !== undefined) request.fail(refusal);
    return refusal === undefined;
  }

  #refusal(request: OutgoingRequest, ahead: number): RpcError | undefined {
    const { codec, sender } = this.#options;
    const { method } = request;
    const barred = this.#options.barred();
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
}
