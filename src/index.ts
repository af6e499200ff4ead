/**
 * The platform-free face of Convoke: errors, handlers, wires' contracts and the types of both ends. `connect` and `serve`
 * live in `convoke/node`, wires in entries of their own.
 */
export type { ClientState, ConnectOptions } from "./client/client.ts";
export { Client } from "./client/client.ts";
export { forwarding } from "./client/forward.ts";
export type { LadderTimes, Rung } from "./client/ladder.ts";
export type { Redial } from "./client/redial.ts";
export type {
  Channel,
  ChannelSink,
  CloseReason,
  Frame,
  Framing,
  Full,
  LinkContext,
  Pipe,
  PipeSink,
  Role,
} from "./core/channel.ts";
export type { Clock, Tick } from "./core/clock.ts";
export type { Cannot, Carries, Codec, CodecLink } from "./core/codec.ts";
export type { BatchMember, BatchOutcome, CallContext, Caller, CloseOptions, Connection } from "./core/context.ts";
export type { Code, Executed, Fault, RpcErrorOptions } from "./core/errors.ts";
export { RpcError } from "./core/errors.ts";
export type { WrapPipe } from "./core/establish.ts";
export type { AnyHandler, Dispatcher, Handler, HandlersOption } from "./core/handlers.ts";
export { lookup, Registry } from "./core/handlers.ts";
export type { TimeBucket, TimeStats } from "./core/histogram.ts";
export type { Limits } from "./core/limits.ts";
export { DEFAULT_LIMITS } from "./core/limits.ts";
export type { Heartbeat } from "./core/liveness.ts";
export type { Logger, LoggerOption } from "./core/logger.ts";
export type { Membership } from "./core/membership.ts";
export type * from "./core/message.ts";
export type { MethodOptions } from "./core/method.ts";
export { method, positional } from "./core/method.ts";
export type { Middleware, MiddlewareCall } from "./core/middleware.ts";
export type { EndOptions } from "./core/options.ts";
export type { CallOptions, CheckedCallOptions } from "./core/outgoing.ts";
export type { PrometheusOptions } from "./core/prometheus.ts";
export { prometheusText } from "./core/prometheus.ts";
export type { HandlersOf, MaybeSchema, Remote, ResultOf, WithSchema } from "./core/remote.ts";
export { remoteOf } from "./core/remote.ts";
export type { Attempts, CodeCounts, Counts, Gauges, PerCall, Stats } from "./core/stats.ts";
export { perCall, statsBetween } from "./core/stats.ts";
export type {
  Accept,
  Authenticator,
  Dialer,
  Exchange,
  LinkTerms,
  Listen,
  Listener,
  RawConnection,
  Wire,
} from "./core/wire.ts";
export type { CallAllOptions, CheckedCallAllOptions } from "./fleet/call-all.ts";
export type { All } from "./fleet/calling.ts";
export type { FanOut, Outcome } from "./fleet/fan-out.ts";
export { Fleet } from "./fleet/fleet.ts";
export type { Member, MemberInfo } from "./fleet/member.ts";
export type { FleetOptions } from "./fleet/options.ts";
export type { FleetMethods, FleetRequest, FleetServiceOptions, OutcomeRecord } from "./fleet/service.ts";
export { fleetService } from "./fleet/service.ts";
export type { FleetEvent, Watching, WatchOptions } from "./fleet/watching.ts";
export type { Where } from "./fleet/where.ts";
export type { ServeOptions } from "./server/server.ts";
export { Server } from "./server/server.ts";
