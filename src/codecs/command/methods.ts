import type { CallContext } from "../../core/context.ts";

/** The names of a command and of its reply, where they are not made of the prefix and the method's name. */
export interface CommandNames {
  /** Default: `<prefix>-<name>-request`, of a notification `<prefix>-<name>-notification`. */
  readonly command?: string | undefined;
  /** Default: `<prefix>-<name>-response`. Several requests may have the same, and a notification may be called so too. */
  readonly reply?: string | undefined;
}

/** A request of the table; `types` is never there, it tells the compiler what is said and answered. */
export interface CommandRequest<Params, Result> extends CommandNames {
  readonly kind: "request";
  readonly types?: ((params: Params) => Result) | undefined;
}

/** A notification of the table. */
export interface CommandNotification<Params> extends Pick<CommandNames, "command"> {
  readonly kind: "notification";
  readonly types?: ((params: Params) => void) | undefined;
}

/** The commands of a protocol by the names of their methods: the same at both ends. */
export type CommandMethods = Readonly<Record<string, CommandRequest<never, unknown> | CommandNotification<never>>>;

/** What stands in a payload when nobody says more. */
type Payload = Readonly<Record<string, unknown>>;

/** The table of a wire that was given none: any name is a request. */
export type AnyCommands = Readonly<Record<string, CommandRequest<Payload, Payload>>>;

/** An entry for a command that is answered: `balanceByAddress: request<{ address: string }, { balance: number }>()`. */
export function request<Params = Payload, Result = Payload>(
  names: CommandNames = {},
): CommandRequest<NoInfer<Params>, NoInfer<Result>> {
  return { ...names, kind: "request" };
}

/** An entry for a command that is not: `tx: notification<{ tx_id: string }>()`. */
export function notification<Params = Payload>(
  names: Pick<CommandNames, "command"> = {},
): CommandNotification<NoInfer<Params>> {
  return { ...names, kind: "notification" };
}

/** Whatever has a table: a wire that `command()` made. */
interface HasMethods {
  readonly methods: CommandMethods;
}

type NamesOf<Table, Kind> = {
  readonly [Name in keyof Table]: Table[Name] extends { readonly kind: Kind } ? Name : never;
}[keyof Table];

/** Params whose every member may be left out may be left out themselves. */
type Given<Params> = Partial<Params> extends Params ? Params | undefined : Params;

type Call<Entry> = Entry extends CommandRequest<infer Params, infer Result> ? (params: Given<Params>) => Result : never;

/** What a caller sees of a wire: `connect<CommandApi<typeof wire>>(…)` types `client.remote`. */
export type CommandApi<From extends HasMethods> = {
  readonly [Name in NamesOf<From["methods"], "request">]: Call<From["methods"][Name]>;
};

/** What an end has that answers the requests of a wire: `const handlers: CommandHandlers<typeof wire>`. */
export type CommandHandlers<From extends HasMethods> = {
  readonly [Name in Exclude<NamesOf<From["methods"], "request">, "ping">]: From["methods"][Name] extends CommandRequest<
    infer Params,
    infer Result
  >
    ? (params: Params, context: CallContext) => Result | Promise<Result>
    : never;
};

/** What an end has that listens to the notifications of a wire, all of them or some. */
export type CommandListeners<From extends HasMethods> = {
  readonly [Name in NamesOf<From["methods"], "notification">]?: From["methods"][Name] extends CommandNotification<
    infer Params
  >
    ? (params: Params, context: CallContext) => unknown
    : never;
};
