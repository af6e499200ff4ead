import type { BatchMember, BatchOutcome, Caller } from "../core/context.ts";
import { RpcError } from "../core/errors.ts";
import type { CallOptions, CheckedCallOptions } from "../core/outgoing.ts";
import type { MaybeSchema, Offered, ResultOf, TableOf, WithSchema } from "../core/remote.ts";
import { printable } from "../core/text.ts";
import type { CallAllOptions } from "./call-all.ts";
import type { FanOut } from "./fan-out.ts";
import type { Member } from "./member.ts";

/** A method of every member: the handler's first parameter, then the options of the calls. */
type AllMethod<Params, Result> = undefined extends Params
  ? <Schema extends MaybeSchema = undefined>(
      params?: Params,
      options?: WithSchema<CallAllOptions, Schema>,
    ) => FanOut<ResultOf<Schema, Result>>
  : <Schema extends MaybeSchema = undefined>(
      params: Params,
      options?: WithSchema<CallAllOptions, Schema>,
    ) => FanOut<ResultOf<Schema, Result>>;

type AllTable<Table> = {
  readonly [Name in keyof Table]: NonNullable<Table[Name]> extends (...args: infer Args) => infer Result
    ? AllMethod<Args[0], Result>
    : AllTable<Offered<NonNullable<Table[Name]>>>;
};

/** The methods of all members as typed functions: `All<typeof handlers>`, with the same names as `Remote`. */
export type All<Api> = AllTable<Offered<TableOf<Api>>>;

/** Calls whoever has a name at the moment of each call. */
export class MemberCaller implements Caller {
  readonly #name: string;
  readonly #find: (name: string) => Member | undefined;

  constructor(name: string, find: (name: string) => Member | undefined) {
    this.#name = name;
    this.#find = find;
  }

  call<Result>(method: string, params: unknown, options: CheckedCallOptions<Result>): Promise<Result>;
  call(method: string, params?: unknown, options?: CallOptions): Promise<unknown>;
  call(method: string, params?: unknown, options?: CallOptions): Promise<unknown> {
    return this.#find(this.#name)?.call(method, params, options) ?? this.#nobody(method);
  }

  notify(method: string, params?: unknown, options?: Pick<CallOptions, "meta">): Promise<void> {
    const noted = this.#find(this.#name)?.notify(method, params, options) ?? this.#nobody(method);
    // Most callers do not look: a notification that was lost must not end the process as an unhandled rejection.
    noted.catch(() => {});
    return noted;
  }

  batch(members: readonly BatchMember[], options?: Omit<CallOptions, "result">): Promise<BatchOutcome[]> {
    return this.#find(this.#name)?.batch(members, options) ?? this.#nobody(members[0]?.[0] ?? "");
  }

  #nobody(method: string): Promise<never> {
    const why = `Cannot call "${method}": the fleet has no member "${printable(this.#name)}"`;
    return Promise.reject(new RpcError("not_found", why, { executed: "no" }));
  }
}
