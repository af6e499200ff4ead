import {
  type Attributes,
  type Context,
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { type Code, RpcError } from "../core/errors.ts";
import type { Meta } from "../core/message.ts";
import { type Middleware, type MiddlewareCall, UnknownMethod } from "../core/middleware.ts";
import { printable } from "../core/text.ts";

/** How calls are traced. */
export interface TracingOptions {
  /** Makes the spans. Default: the tracer "convoke" of the global provider. */
  readonly tracer?: Tracer | undefined;
}

type Next = Parameters<Middleware>[1];

/** The codes that are the serving end's fault; the others tell the caller what it did, as in gRPC's conventions. */
const SERVER_FAULTS: ReadonlySet<Code> = new Set<Code>([
  "unknown",
  "deadline_exceeded",
  "unimplemented",
  "internal",
  "unavailable",
  "data_loss",
]);

/** What the conventions call a method that this end does not have. */
const OTHER = "_OTHER";

/**
 * Makes middleware that puts every call and notification of either direction into a span, named after its method:
 * the same one serves `connect` and `serve`, and each end needs it. Make it first in the list, so that what the
 * other middleware does is inside. It does nothing noticeable while no SDK is registered, and adds no metadata then.
 *
 * A call that this end makes is a CLIENT span (a notification: PRODUCER) below the active one. It ends when the call
 * settles, or when the channel has taken the notification. The global propagator writes the context into the call's
 * metadata (W3C: `traceparent`, `tracestate`); all else that the caller gave there stays. A call that this end
 * serves is a SERVER (or CONSUMER) span below the one that its metadata names; it is active while the handler runs,
 * so that the handler's own spans and its calls, those back to the caller too, are below it. A peer's metadata that
 * is no trace context is ignored.
 *
 * On wires without metadata (JSON-RPC) both ends make their spans, but those of the serving end begin a new trace:
 * nothing links the two.
 *
 * Attributes are those of the RPC conventions, under the names that stand since 1.38 and, where there were others,
 * under those too: `rpc.system.name` and `rpc.system` ("convoke"), `rpc.method` (the whole name), `rpc.service`
 * (what stands before its last dot), and for an error `rpc.response.status_code` and `rpc.convoke.code`. A method
 * that this end does not have is named `_OTHER`, so that peers cannot invent names; `rpc.method_original` says what
 * they wrote. The caller's span has the status ERROR for every error, the server's only for those that are not the
 * caller's fault (`unknown`, `deadline_exceeded`, `unimplemented`, `internal`, `unavailable`, `data_loss`).
 */
export function tracing(options: TracingOptions = {}): Middleware {
  return (call, next) => {
    // Asked for every call: an SDK that was loaded as CommonJS, beside the API as a module, is not heard of otherwise
    // when it is registered later than this.
    const tracer = options.tracer ?? trace.getTracer("convoke");
    return call.direction === "out" ? calling(tracer, call, next) : serving(tracer, call, next);
  };
}

function calling(tracer: Tracer, call: MiddlewareCall, next: Next): Promise<unknown> {
  const active = context.active();
  const span = start(tracer, call, call.isNotification ? SpanKind.PRODUCER : SpanKind.CLIENT, active);
  const inside = trace.setSpan(active, span);
  const injected: Record<string, string> = {};
  propagation.inject(inside, injected);
  const hasContext = Object.keys(injected).length > 0;
  const options = hasContext ? { ...call.options, meta: joined(call.options?.meta, injected) } : call.options;
  return ended(span, call, () => context.with(inside, () => next({ ...call, options })));
}

function serving(tracer: Tracer, call: MiddlewareCall, next: Next): Promise<unknown> {
  // Not below what is active: that is whatever happened to be when the link was opened or the bytes arrived.
  const remote = propagation.extract(ROOT_CONTEXT, call.context?.meta ?? {});
  const span = start(tracer, call, call.isNotification ? SpanKind.CONSUMER : SpanKind.SERVER, remote);
  return ended(span, call, () => context.with(trace.setSpan(remote, span), () => next()));
}

function start(tracer: Tracer, { method }: MiddlewareCall, kind: SpanKind, parent: Context): Span {
  const name = printable(method);
  const dot = name.lastIndexOf(".");
  const attributes: Attributes = { "rpc.system.name": "convoke", "rpc.system": "convoke", "rpc.method": name };
  if (dot > 0) attributes["rpc.service"] = name.slice(0, dot);
  return tracer.startSpan(name, { kind, attributes }, parent);
}

/** The caller's metadata with the context; what it had of another one, when it passes on a handler's, must not mix. */
function joined(meta: Meta | undefined, injected: Meta): Meta {
  const fields = propagation.fields();
  const kept = Object.entries(meta ?? {}).filter(([name]) => !fields.includes(name));
  return { ...Object.fromEntries(kept), ...injected };
}

async function ended(span: Span, call: MiddlewareCall, run: () => Promise<unknown>): Promise<unknown> {
  try {
    return await run();
  } catch (thrown) {
    fail(span, call, thrown);
    throw thrown;
  } finally {
    span.end();
  }
}

function fail(span: Span, call: MiddlewareCall, thrown: unknown): void {
  const error = errorOf(call, thrown);
  const { code } = error;
  span.setAttributes({ "rpc.response.status_code": code, "rpc.convoke.code": code });
  if (thrown instanceof UnknownMethod) {
    span.updateName(OTHER);
    span.setAttributes({ "rpc.method": OTHER, "rpc.service": OTHER, "rpc.method_original": printable(call.method) });
  }
  if (call.direction === "in" && !SERVER_FAULTS.has(code)) return;
  const cause = thrown instanceof Error ? thrown : error;
  span.setAttribute("error.type", code);
  span.setStatus({ code: SpanStatusCode.ERROR, message: printable(cause.message) });
  if (!error.remote) span.recordException(cause);
}

/** What the caller will get for it. */
function errorOf({ context: served }: MiddlewareCall, thrown: unknown): RpcError {
  if (RpcError.is(thrown)) return thrown;
  const reason: unknown = served?.signal.aborted === true ? served.signal.reason : undefined;
  return RpcError.is(reason) ? reason : RpcError.from(thrown);
}
