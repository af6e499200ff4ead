import type { CloseReason } from "../core/channel.ts";
import { type Fault, isCode, RpcError } from "../core/errors.ts";
import type { MemberInfo } from "../fleet/member.ts";
import type { FleetEvent } from "../fleet/watching.ts";

/** How one agent answered, as an operator gets it. */
export type OutcomeReply =
  | { readonly member: string; readonly ok: true; readonly value: unknown }
  | { readonly member: string; readonly ok: false; readonly error: Fault };

/** Reads the reply to `fleet.list` and `fleet.watch`. Throws an `RpcError` for one that is none. */
export function membersOf(reply: unknown): MemberInfo[] {
  if (!Array.isArray(reply)) throw unreadable("members");
  return reply.map(memberOf);
}

/** Reads the reply to `fleet.callAll`. Throws an `RpcError` for one that is none. */
export function outcomesOf(reply: unknown): OutcomeReply[] {
  if (!Array.isArray(reply)) throw unreadable("outcomes");
  return reply.map((each) => {
    const outcome = outcomeOf(each);
    if (outcome === undefined) throw unreadable("outcomes");
    return outcome;
  });
}

/** Reads an outcome; `undefined` for what is none. */
export function outcomeOf(record: unknown): OutcomeReply | undefined {
  const { member, ok, value, error } = fieldsOf(record);
  if (typeof member !== "string") return undefined;
  if (ok === true) return { member, ok, value };
  const { code, message, data, trace, executed, wireCode } = fieldsOf(error);
  const fault: Fault = {
    code: isCode(code) ? code : "unknown",
    message: typeof message === "string" ? message : "",
    ...(data !== undefined && { data }),
    ...(typeof trace === "string" && { trace }),
    ...((executed === "no" || executed === "unknown" || executed === "yes") && { executed }),
    ...((typeof wireCode === "string" || typeof wireCode === "number") && { wireCode }),
  };
  return ok === false ? { member, ok, error: fault } : undefined;
}

/** Reads what `fleet.changed` says: an event, or why there will be none any more; `undefined` for what is neither. */
export function changeOf(params: unknown): FleetEvent | CloseReason | undefined {
  const { kind, member, info, reason } = fieldsOf(params);
  const why = typeof reason === "string" ? { reason } : {};
  if (kind === "ended") return { message: why.reason ?? "the fleet tells no more" };
  if (typeof member !== "string" || (kind !== "joined" && kind !== "left" && kind !== "replaced")) return undefined;
  return { kind, member, info: memberOf(info), ...why };
}

/** What to tell the user when the other side knows nothing of fleets; any other error as it is. */
export function fleetError(thrown: unknown): RpcError {
  const error = RpcError.from(thrown);
  // The error of an agent that lacks a method names that method.
  if (error.code !== "unimplemented" || !/^fleet\./.test(String(error.data))) return error;
  return new RpcError("unimplemented", "There is no fleet for operators at this address: serve it with --fleet");
}

function memberOf(value: unknown): MemberInfo {
  const { name, labels, address, wire, since, lastSeen, running, pending } = fieldsOf(value);
  if (typeof name !== "string") throw unreadable("members");
  return {
    name,
    labels: Object.fromEntries(Object.entries(fieldsOf(labels)).map(([key, each]) => [key, String(each)])),
    address: typeof address === "string" ? address : undefined,
    wire: typeof wire === "string" ? wire : "",
    since: numberOf(since),
    lastSeen: numberOf(lastSeen),
    running: numberOf(running),
    pending: numberOf(pending),
  };
}

function numberOf(value: unknown): number {
  return typeof value === "number" ? value : 0;
}

/** The members of an object; none of anything else. */
function fieldsOf(value: unknown): { readonly [name: string]: unknown } {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function unreadable(what: string): RpcError {
  return new RpcError("data_loss", `What the other side gave is no list of ${what}`);
}
