import { context, propagation, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-node";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Client, ConnectOptions } from "../client/client.ts";
import type { CallContext } from "../core/context.ts";
import { RpcError } from "../core/errors.ts";
import type { Meta } from "../core/message.ts";
import type { ServeOptions } from "../server/server.ts";
import { testNetwork } from "../testing.ts";
import { jsonrpc } from "../wires/jsonrpc.ts";
import { native } from "../wires/native.ts";
import { tracing } from "./tracing.ts";

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
const SPAN_ID = "b7ad6b7169203331";
const undo: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const each of undo.splice(0).reverse()) await each();
});

/** Registers an SDK that keeps what it is given, and gives that. */
function recorded(): () => ReadableSpan[] {
  const exporter = new InMemorySpanExporter();
  const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  provider.register();
  undo.push(async () => {
    trace.disable();
    context.disable();
    propagation.disable();
    await provider.shutdown();
  });
  return () => exporter.getFinishedSpans();
}

/** A client and a server in memory, both traced unless told otherwise. */
async function linked(served: ServeOptions, connected: ConnectOptions = {}): Promise<Client> {
  const network = testNetwork();
  const server = await network.serve("memory:traced", { wire: native(), middleware: [tracing()], ...served });
  const client = await network.connect("memory:traced", { wire: native(), middleware: [tracing()], ...connected });
  undo.push(
    () => server.close({ graceMs: 0 }),
    () => client.close({ graceMs: 0 }),
  );
  return client;
}

/** The one span of this kind and name. */
function spanOf(spans: readonly ReadableSpan[], kind: SpanKind, name: string): ReadableSpan {
  const found = spans.filter((span) => span.kind === kind && span.name === name);
  expect(found, `${SpanKind[kind]} ${name}`).toHaveLength(1);
  return found[0] as ReadableSpan;
}

function parentOf(span: ReadableSpan): string | undefined {
  return span.parentSpanContext?.spanId;
}

function idOf(span: ReadableSpan): string {
  return span.spanContext().spanId;
}

const echoMeta = (_: unknown, { meta }: CallContext): Meta | undefined => meta;

describe.each([
  ["MessagePack", native()],
  ["JSON", native({ body: "json" })],
])("a trace over native with %s", (_, wire) => {
  test("goes from the client to the server's handler and back to the client", async () => {
    const spans = recorded();
    const handlers = {
      files: {
        remove: async (__: unknown, { peer }: CallContext) => {
          return trace.getTracer("handler").startActiveSpan("look", async (look) => {
            const sure = await peer.call("confirm");
            look.end();
            return sure;
          });
        },
      },
    };
    const client = await linked({ wire, handlers }, { wire, handlers: { confirm: () => true } });
    const user = trace.getTracer("user").startSpan("click");
    await context.with(trace.setSpan(context.active(), user), () => client.call("files.remove"));
    user.end();

    const chain = [
      spanOf(spans(), SpanKind.INTERNAL, "click"),
      spanOf(spans(), SpanKind.CLIENT, "files.remove"),
      spanOf(spans(), SpanKind.SERVER, "files.remove"),
      spanOf(spans(), SpanKind.INTERNAL, "look"),
      spanOf(spans(), SpanKind.CLIENT, "confirm"),
      spanOf(spans(), SpanKind.SERVER, "confirm"),
    ];
    expect(spans()).toHaveLength(chain.length);
    expect(new Set(chain.map((span) => span.spanContext().traceId)).size).toBe(1);
    expect(chain.map(parentOf)).toEqual([undefined, ...chain.slice(0, -1).map(idOf)]);
    expect(chain[2]?.parentSpanContext?.isRemote).toBe(true);
    expect(chain[1]?.attributes).toEqual({
      "rpc.system.name": "convoke",
      "rpc.system": "convoke",
      "rpc.service": "files",
      "rpc.method": "files.remove",
    });
    expect(chain[4]?.attributes).not.toHaveProperty("rpc.service");
    expect(chain.map(({ status }) => status.code)).toEqual(chain.map(() => SpanStatusCode.UNSET));
  });
});

test("a notification is a producer's and a consumer's span", async () => {
  const spans = recorded();
  const client = await linked({ handlers: { log: () => {} } });
  await client.notify("log", "up");
  await vi.waitFor(() => expect(spans()).toHaveLength(2));
  const sent = spanOf(spans(), SpanKind.PRODUCER, "log");
  expect(parentOf(spanOf(spans(), SpanKind.CONSUMER, "log"))).toBe(idOf(sent));
});

test("each member of a batch is a span of its own", async () => {
  const spans = recorded();
  const client = await linked({ handlers: { one: echoMeta, two: echoMeta } });
  const outcomes = await client.batch([["one"], ["two"]]);
  for (const [index, name] of ["one", "two"].entries()) {
    const span = spanOf(spans(), SpanKind.CLIENT, name);
    const { traceId, spanId } = span.spanContext();
    expect(parentOf(spanOf(spans(), SpanKind.SERVER, name))).toBe(spanId);
    expect(outcomes[index]).toEqual({ ok: true, value: { traceparent: `00-${traceId}-${spanId}-01` } });
  }
});

describe("an error", () => {
  test("of the server is one on both spans, and the thrown one is recorded where it was thrown", async () => {
    const spans = recorded();
    const fail = (): never => {
      throw new TypeError("no disk");
    };
    const client = await linked({ handlers: { fail }, logger: false });
    await expect(client.call("fail")).rejects.toMatchObject({ code: "internal" });
    const served = spanOf(spans(), SpanKind.SERVER, "fail");
    expect(served.status).toEqual({ code: SpanStatusCode.ERROR, message: "no disk" });
    expect(served.events.map(({ attributes }) => attributes?.["exception.type"])).toEqual(["TypeError"]);
    const called = spanOf(spans(), SpanKind.CLIENT, "fail");
    expect(called.status).toEqual({ code: SpanStatusCode.ERROR, message: "Internal error" });
    expect(called.events).toEqual([]);
    for (const { attributes } of [served, called]) {
      expect(attributes).toMatchObject({
        "error.type": "internal",
        "rpc.convoke.code": "internal",
        "rpc.response.status_code": "internal",
      });
    }
  });

  test("of the caller leaves the server's status alone", async () => {
    const spans = recorded();
    const refuse = (): never => {
      throw new RpcError("invalid_argument", "b must not be 0");
    };
    const client = await linked({ handlers: { refuse } });
    await expect(client.call("refuse")).rejects.toMatchObject({ code: "invalid_argument" });
    const served = spanOf(spans(), SpanKind.SERVER, "refuse");
    expect(served.status.code).toBe(SpanStatusCode.UNSET);
    expect(served.attributes).toMatchObject({ "rpc.convoke.code": "invalid_argument" });
    expect(served.attributes).not.toHaveProperty("error.type");
    expect(spanOf(spans(), SpanKind.CLIENT, "refuse").status.code).toBe(SpanStatusCode.ERROR);
  });

  test("about a method that there is not names no span after it", async () => {
    const spans = recorded();
    const client = await linked({ handlers: {} });
    await expect(client.call("made.up")).rejects.toMatchObject({ code: "unimplemented" });
    const served = spanOf(spans(), SpanKind.SERVER, "_OTHER");
    expect(served.attributes).toMatchObject({
      "rpc.service": "_OTHER",
      "rpc.method": "_OTHER",
      "rpc.method_original": "made.up",
    });
  });

  test("of a cancelled call is cancelled at both ends, whatever the handler threw", async () => {
    const spans = recorded();
    const stop = new AbortController();
    const client = await linked({
      handlers: {
        wait: (_: unknown, { signal }: CallContext) => {
          return new Promise((__, reject) => {
            signal.addEventListener("abort", () => reject(new Error("stopped")));
            stop.abort();
          });
        },
      },
    });
    await expect(client.call("wait", undefined, { signal: stop.signal })).rejects.toMatchObject({ code: "cancelled" });
    await vi.waitFor(() => expect(spans()).toHaveLength(2));
    const called = spanOf(spans(), SpanKind.CLIENT, "wait");
    const served = spanOf(spans(), SpanKind.SERVER, "wait");
    expect([called.attributes["rpc.convoke.code"], served.attributes["rpc.convoke.code"]]).toEqual([
      "cancelled",
      "cancelled",
    ]);
    expect([called.status.code, served.status.code]).toEqual([SpanStatusCode.ERROR, SpanStatusCode.UNSET]);
  });
});

describe("metadata", () => {
  test("of the caller is kept beside the context", async () => {
    const spans = recorded();
    const client = await linked({ handlers: { meta: echoMeta } });
    const given = { tenant: "ann" };
    const got = await client.call("meta", undefined, { meta: given });
    const { traceId, spanId } = spanOf(spans(), SpanKind.CLIENT, "meta").spanContext();
    expect(got).toEqual({ tenant: "ann", traceparent: `00-${traceId}-${spanId}-01` });
    expect(given).toEqual({ tenant: "ann" });
  });

  test("that a handler passes on brings no other trace's state", async () => {
    const spans = recorded();
    const client = await linked({ handlers: { meta: echoMeta } });
    const meta = { tenant: "ann", traceparent: `00-${TRACE_ID}-${SPAN_ID}-01`, tracestate: "other=1" };
    const got = await client.call("meta", undefined, { meta });
    const { traceId, spanId } = spanOf(spans(), SpanKind.CLIENT, "meta").spanContext();
    expect(got).toEqual({ tenant: "ann", traceparent: `00-${traceId}-${spanId}-01` });
  });

  test("of a peer that is traced by other means is understood, and its state and baggage travel on", async () => {
    const spans = recorded();
    const handlers = { ask: (_: unknown, { peer }: CallContext) => peer.call("meta") };
    const client = await linked({ handlers }, { middleware: [], handlers: { meta: echoMeta } });
    const meta = { traceparent: `00-${TRACE_ID}-${SPAN_ID}-01`, tracestate: "other=1", baggage: "user=ann" };
    const got = await client.call("ask", undefined, { meta });
    const asked = spanOf(spans(), SpanKind.CLIENT, "meta");
    expect(got).toEqual({ ...meta, traceparent: `00-${TRACE_ID}-${idOf(asked)}-01` });
    expect(parentOf(spanOf(spans(), SpanKind.SERVER, "ask"))).toBe(SPAN_ID);
  });

  test.each([
    ["no trace context", "junk"],
    ["an impossible one", `00-${"0".repeat(32)}-${SPAN_ID}-01`],
    ["a long one", "0".repeat(100_000)],
    ["nothing", ""],
  ])("with %s in it begins a new trace", async (_, traceparent) => {
    const spans = recorded();
    const client = await linked({ handlers: { ping: () => "pong" } }, { middleware: [] });
    const meta = { traceparent, tracestate: "=,=", baggage: "%zz=%zz" };
    await expect(client.call("ping", undefined, { meta })).resolves.toBe("pong");
    expect(parentOf(spanOf(spans(), SpanKind.SERVER, "ping"))).toBeUndefined();
  });
});

test("on a wire without metadata both ends make spans that nothing links", async () => {
  const spans = recorded();
  const wire = jsonrpc();
  const user = trace.getTracer("user").startSpan("start");
  await context.with(trace.setSpan(context.active(), user), async () => {
    const client = await linked({ wire, handlers: { ping: () => "pong" } }, { wire });
    await client.call("ping");
  });
  expect(parentOf(spanOf(spans(), SpanKind.CLIENT, "ping"))).toBe(user.spanContext().spanId);
  expect(parentOf(spanOf(spans(), SpanKind.SERVER, "ping"))).toBeUndefined();
});

test("another tracer than the global one makes the spans", async () => {
  const spans = recorded();
  const exporter = new InMemorySpanExporter();
  const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const middleware = [tracing({ tracer: provider.getTracer("mine") })];
  const client = await linked({ handlers: { ping: () => "pong" }, middleware }, { middleware });
  await client.call("ping");
  expect(exporter.getFinishedSpans().map(({ instrumentationScope }) => instrumentationScope.name)).toEqual([
    "mine",
    "mine",
  ]);
  expect(spans()).toEqual([]);
  await provider.shutdown();
});

test("an SDK that is registered after tracing() was called gets the spans", async () => {
  const middleware = [tracing()];
  const spans = recorded();
  const client = await linked({ handlers: { ping: () => "pong" }, middleware }, { middleware });
  await client.call("ping");
  expect(parentOf(spanOf(spans(), SpanKind.SERVER, "ping"))).toBe(idOf(spanOf(spans(), SpanKind.CLIENT, "ping")));
});

test("without an SDK calls go as ever, and no metadata is added", async () => {
  const said: unknown[] = [];
  const client = await linked({ handlers: { meta: echoMeta, log: (line: string) => void said.push(line) } });
  await client.notify("log", "up");
  expect(await client.call("meta")).toBeUndefined();
  expect(await client.call("meta", undefined, { meta: { tenant: "ann" } })).toEqual({ tenant: "ann" });
  await expect(client.call("nope")).rejects.toMatchObject({ code: "unimplemented", executed: "no" });
  expect(await client.batch([["meta"]])).toEqual([{ ok: true, value: undefined }]);
  await vi.waitFor(() => expect(said).toEqual(["up"]));
});
