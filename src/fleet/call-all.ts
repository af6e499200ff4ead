import type { CallOptions } from "../core/outgoing.ts";
import type { Where } from "./where.ts";

/** How a call to many members is made. */
export interface CallAllOptions<Result = unknown> extends Omit<CallOptions<Result>, "idempotent"> {
  /** Who is called. Default: everybody. */
  readonly where?: Where | undefined;
  /** Calls under way at once; the time of each begins when it is made. Default: all of them. */
  readonly concurrency?: number | undefined;
  /** Ends when so many have succeeded, and gives up the others: they are reported as `cancelled`. Default: waits for all. */
  readonly first?: number | undefined;
}

/** A call to many whose results are checked and therefore have a type. */
export interface CheckedCallAllOptions<Result> extends CallAllOptions<Result> {
  readonly result: NonNullable<CallAllOptions<Result>["result"]>;
}
