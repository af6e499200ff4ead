import type { CallContext, Caller, Connection } from "../core/context.ts";
import { type Fault, RpcError } from "../core/errors.ts";
import { passedOn } from "../core/passed-on.ts";
import { printable } from "../core/text.ts";
import type { Outcome } from "./fan-out.ts";
import type { Fleet } from "./fleet.ts";
import type { MemberInfo } from "./member.ts";
import { fieldsOf } from "./service-params.ts";
import { unsayable } from "./unsayable.ts";
import type { FleetEvent, Watching } from "./watching.ts";

/** What an operator asks for. */
export interface FleetRequest {
  readonly action: "list" | "call" | "callAll" | "watch";
  /** `call`: which member. */
  readonly member?: string;
  /** `call` and `callAll`: the method. */
  readonly method?: string;
}

/** How operators are served. */
export interface FleetServiceOptions {
  /** Says who may do what; `false` and what it throws refuse. There is no default: a fleet runs whatever its members can do. */
  readonly authorise: (request: FleetRequest, context: CallContext) => boolean | Promise<boolean>;
}

/** An outcome as it crosses a wire. */
export type OutcomeRecord =
  | { readonly member: string; readonly ok: true; readonly value: unknown }
  | { readonly member: string; readonly ok: false; readonly error: Fault };

/** The methods for operators; each takes one object. */
export interface FleetMethods {
  readonly fleet: {
    /** `{ where? }`: the members, or those with these labels. */
    list(params: unknown, context: CallContext): Promise<MemberInfo[]>;
    /** `{ member, method, params?, timeoutMs? }`: what the member answers; `executed` of an error is about its own call. */
    call(params: unknown, context: CallContext): Promise<unknown>;
    /**
     * `{ method, params?, where?, timeoutMs?, concurrency?, first?, progress? }`: the outcomes in order of arrival. With
     * `progress`, a text or a number, each also goes to the caller at once, as the notification `fleet.outcome` with
     * `{ progress, outcome }`. A result that the caller's wire cannot carry costs its own outcome: `internal`, executed `yes`.
     */
    callAll(params: unknown, context: CallContext): Promise<OutcomeRecord[]>;
    /**
     * Nothing: the members. From then on the caller gets notifications `fleet.changed` with a `FleetEvent`, until its link
     * ends or it asks again. One that reads too slowly gets `{ kind: "ended", reason }` as the last.
     */
    watch(params: unknown, context: CallContext): Promise<MemberInfo[]>;
  };
}

/**
 * Handlers for operators' clients, to be served beside one's own: `handlers: { ...fleetService(fleet, { authorise }) }`.
 * Throws `TypeError` without an authoriser.
 */
export function fleetService(fleet: Fleet, { authorise }: FleetServiceOptions): FleetMethods {
  if (typeof authorise !== "function") throw new TypeError("fleetService needs the option authorise, a function");
  const watching = new WeakMap<object, Watching>();
  const check = async (request: FleetRequest, context: CallContext): Promise<void> => {
    if ((await authorise(request, context)) === true) return;
    throw new RpcError("permission_denied", `This caller may not use fleet.${request.action}`, { executed: "no" });
  };
  return {
    fleet: {
      async list(params, context) {
        const fields = fieldsOf("fleet.list", params);
        const where = fields.labels("where");
        await check({ action: "list" }, context);
        return fleet.list(where);
      },
      async call(params, context) {
        const fields = fieldsOf("fleet.call", params);
        const member = fields.text("member");
        const method = fields.text("method");
        const timeoutMs = fields.ms("timeoutMs");
        await check({ action: "call", member, method }, context);
        const { meta, signal } = context;
        try {
          return await fleet.call(member, method, fields.params, { timeoutMs, meta, signal });
        } catch (thrown) {
          throw passedOn(thrown, context);
        }
      },
      async callAll(params, context) {
        const fields = fieldsOf("fleet.callAll", params);
        const method = fields.text("method");
        const options = {
          where: fields.labels("where"),
          timeoutMs: fields.ms("timeoutMs"),
          concurrency: fields.count("concurrency"),
          first: fields.count("first"),
        };
        const progress = fields.token("progress");
        await check({ action: "callAll", method }, context);
        const { meta, signal, connection } = context;
        const records: OutcomeRecord[] = [];
        for await (const outcome of fleet.callAll(method, fields.params, { ...options, meta, signal })) {
          const record = recordOf(outcome);
          records.push(record);
          if (progress !== undefined) void tellOutcome(context, progress, record);
        }
        if (unsayable(connection, records) === undefined) return records;
        return records.map((record) => sayable(connection, record));
      },
      async watch(_params, context) {
        await check({ action: "watch" }, context);
        const { connection } = context;
        const events = fleet.watch();
        const before = watching.get(connection);
        watching.set(connection, events);
        if (before === undefined) void connection.closed.then(() => watching.get(connection)?.return());
        else void before.return();
        void tell(context.peer, events);
        return fleet.list();
      },
    },
  };
}

/** Passes events on, one at a time: those that the link does not take wait in the bounded queue of `events`. */
async function tell(peer: Caller, events: Watching): Promise<void> {
  try {
    for await (const event of events) await peer.notify("fleet.changed", event satisfies FleetEvent);
  } catch (thrown) {
    void peer.notify("fleet.changed", { kind: "ended", reason: RpcError.from(thrown).message });
  }
}

/** Says at once what the reply says again. */
async function tellOutcome(
  { peer, connection }: CallContext,
  progress: string | number,
  record: OutcomeRecord,
): Promise<void> {
  const say = (outcome: OutcomeRecord): Promise<void> => peer.notify("fleet.outcome", { progress, outcome });
  try {
    await say(record);
  } catch {
    const outcome = sayable(connection, record);
    if (outcome !== record) void say(outcome);
  }
}

function recordOf(outcome: Outcome): OutcomeRecord {
  if (outcome.ok) return outcome;
  const { code, message, data, details, trace, executed, wireCode } = outcome.error;
  return { member: outcome.member, ok: false, error: { code, message, data, details, trace, executed, wireCode } };
}

/** The outcome as the other side can be told it: one that its wire cannot carry must not cost the others. */
function sayable(connection: Connection, record: OutcomeRecord): OutcomeRecord {
  const reason = unsayable(connection, record);
  if (reason === undefined) return record;
  const { member } = record;
  if (!record.ok) return { member, ok: false, error: { ...record.error, data: undefined, details: undefined } };
  const why = printable(reason instanceof Error ? reason.message : String(reason));
  return {
    member,
    ok: false,
    error: { code: "internal", message: `The result cannot be sent: ${why}`, executed: "yes" },
  };
}
