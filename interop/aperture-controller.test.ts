// Our controller and the agents of other languages.
import { create, fromJson, toJson } from "@bufbuild/protobuf";
import {
  anyUnpack,
  BytesValueSchema,
  durationFromMs,
  Int64ValueSchema,
  StringValueSchema,
  StructSchema,
} from "@bufbuild/protobuf/wkt";
import { Fleet, type FleetOptions, type RpcError, type Server } from "convoke";
import { type CoordinatorApi, coordinator } from "convoke/coordinator";
import { connect, type NodeServeOptions, serve } from "convoke/node";
import { describe, expect, test } from "vitest";
import { CODES, handlersOf, METHODS } from "./aperture-methods.ts";
import { aperturePartner, LANGUAGES, type Language } from "./partners/aperture.ts";
import type { Program } from "./partners/program.ts";

const partner = await aperturePartner();
const SERVICE = "aperture.rpc.v1.Coordinator";
/** A text of the one byte 0xff, which is no UTF-8. */
const BROKEN_TEXT = Uint8Array.of(0x0a, 1, 0xff);

interface Controller {
  readonly fleet: Fleet;
  readonly server: Server;
  /** host:port */
  readonly address: string;
}

async function ourController(
  options: FleetOptions = {},
  more: NodeServeOptions<never> = {},
  address = "127.0.0.1:0",
): Promise<Controller> {
  const fleet = new Fleet(options);
  const wire = coordinator({ methods: METHODS });
  const server = await serve(`grpc://${address}`, { wire, fleet, logger: false, ...more });
  partner.afterTest(() => server.close({ graceMs: 0 }));
  return { fleet, server, address: new URL(server.addresses[0] ?? "").host };
}

const names = (fleet: Fleet): string[] => fleet.list().map(({ name }) => name);
const members = (fleet: Fleet, ...wanted: string[]) =>
  expect.poll(() => names(fleet).sort(), { interval: 5, timeout: 20_000 }).toEqual(wanted.sort());

/** Waits for a call to be lost with its agent. Begin to before it is: nobody else looks at the call. */
const lost = (call: Promise<unknown>): Promise<void> =>
  expect(call).rejects.toMatchObject({ code: "unavailable", executed: "unknown" });

/** Our controller with one agent called "agent". */
async function pair(language: Language, more: NodeServeOptions<never> = {}): Promise<[Controller, Program]> {
  const controller = await ourController({}, more);
  const agent = await partner.agent(language, controller.address, { name: "agent" });
  await members(controller.fleet, "agent");
  return [controller, agent];
}

describe.skipIf(!partner.found).each(LANGUAGES)("a %s agent on our controller", (language) => {
  test("answers every type that it has a function for", async () => {
    const [{ fleet }] = await pair(language);
    const agent = fleet.remote<CoordinatorApi<typeof METHODS>>("agent");
    expect(await agent.upper({ value: "hällo" })).toMatchObject({ value: "HÄLLO" });
    expect(await agent.upper({ value: "" })).toMatchObject({ value: "" });
    const json = { a: [1, null, "x"], b: { c: true } };
    expect(toJson(StructSchema, await agent.echo(fromJson(StructSchema, json)))).toEqual(json);
    expect(await agent.same({ value: Uint8Array.of(0, 255) })).toMatchObject({ value: Uint8Array.of(0, 255) });
    expect((await agent.bytes({ value: 3 << 20 })).value).toHaveLength(3 << 20);
    expect(await agent.who()).toMatchObject({ value: "agent" });
    expect(await agent.sleep(durationFromMs(10))).toMatchObject({ value: "slept" });
    expect(await fleet.call("agent", "upper", create(StringValueSchema, { value: "x" }))).toMatchObject({ value: "X" });
  });

  test("answers with the code, the text and the details of its error", async () => {
    const [{ fleet }] = await pair(language);
    for (const [at, [code]] of CODES.entries()) {
      const error = (await fleet
        .call("agent", "fail", { value: BigInt(at + 1) })
        .catch((thrown) => thrown)) as RpcError;
      expect(error).toMatchObject({ code, message: `failed as asked: ${at + 1}`, remote: true, wireCode: at + 1 });
      const [detail] = error.details ?? [];
      expect(anyUnpack(detail as never, Int64ValueSchema)?.value).toBe(BigInt(at + 1));
    }
    await expect(fleet.call("agent", "fail", { value: 0n })).rejects.toMatchObject({
      code: "unknown",
      message: "failed without a code",
    });
    await expect(fleet.call("nobody", "who")).rejects.toMatchObject({ code: "not_found", executed: "no" });
  });

  test("refuses what it has no function for, and what it cannot read", async () => {
    const [{ fleet }] = await pair(language);
    await expect(fleet.call("agent", "nobodyHas", { value: 1 })).rejects.toMatchObject({
      code: language === "Go" ? "unavailable" : "unimplemented",
      message: expect.stringContaining("google.protobuf.FloatValue"),
      remote: true,
    });
    const broken = fleet.call("agent", StringValueSchema.typeName, BROKEN_TEXT);
    await expect(broken).rejects.toMatchObject({ code: "invalid_argument", remote: true });
    // A type that is not among the methods goes there and back as bytes.
    expect(await fleet.call("agent", "google.protobuf.BytesValue", BROKEN_TEXT)).toEqual(BROKEN_TEXT);
  });

  test("costs its own call only with an answer that cannot be read", async () => {
    const wrong = coordinator({ methods: { same: [BytesValueSchema, StringValueSchema] } });
    const [{ fleet }] = await pair(language, { wire: wrong });
    const [good, bad] = await Promise.allSettled([
      fleet.call("agent", "same", { value: Uint8Array.of(0x41) }),
      fleet.call("agent", "same", { value: Uint8Array.of(0xff) }),
    ]);
    expect(good).toMatchObject({ status: "fulfilled", value: { value: "A" } });
    expect(bad).toMatchObject({ status: "rejected", reason: { code: expect.stringMatching(/./), executed: "yes" } });
    expect(names(fleet)).toEqual(["agent"]);
  });

  test("is told the time that is left, and when nobody waits any more", async () => {
    const [{ fleet }, agent] = await pair(language);
    const late = fleet.call("agent", "sleep", durationFromMs(10_000), { timeoutMs: 200 });
    await expect(late).rejects.toMatchObject({ code: "deadline_exceeded", executed: "unknown" });
    const { leftMs } = await agent.next({ event: "sleeping" });
    expect(leftMs).toBeGreaterThan(100);
    expect(leftMs).toBeLessThan(1000);
    // Its own clock may end it first: then there is nothing left to cancel.
    await agent.next({ event: "slept" });

    const given = new AbortController();
    const stopped = fleet.call("agent", "sleep", durationFromMs(10_000), { signal: given.signal });
    expect(await agent.next({ event: "sleeping" })).toMatchObject({ leftMs: expect.closeTo(5000, -3) });
    given.abort();
    await expect(stopped).rejects.toMatchObject({ code: "cancelled", executed: "unknown" });
    await agent.next({ event: "cancel", known: true });
    await agent.next({ event: "slept", end: "context canceled" });
    expect(await fleet.call("agent", "who")).toMatchObject({ value: "agent" });
    expect(agent.take({ event: "disconnected" })).toEqual([]);
  });

  test("answers 1000 calls at once", async () => {
    const [{ fleet }] = await pair(language);
    const texts = Array.from({ length: 1000 }, (_, at) => `call ${at}`);
    const answers = await Promise.all(texts.map((value) => fleet.call("agent", "upper", { value })));
    expect(answers).toMatchObject(texts.map((text) => ({ value: text.toUpperCase() })));
  });

  test("is not sent what it would not take, and comes back after an answer that is too large", async () => {
    const [{ fleet }, agent] = await pair(language);
    const much = fleet.call("agent", "same", { value: new Uint8Array(5 << 20) });
    await expect(much).rejects.toMatchObject({ code: "resource_exhausted", executed: "no" });
    expect(await fleet.call("agent", "who")).toMatchObject({ value: "agent" });
    // gRPC ends the stream of a message that is larger than its reader takes.
    await expect(fleet.call("agent", "bytes", { value: 5 << 20 })).rejects.toMatchObject({ executed: "unknown" });
    await agent.next({ event: "disconnected" });
    await agent.next({ event: "connected" });
    await members(fleet, "agent");
    expect(await fleet.call("agent", "who")).toMatchObject({ value: "agent" });
  });

  test("comes back when our controller has restarted", async () => {
    const [{ server, address }, agent] = await pair(language);
    await server.close({ graceMs: 0 });
    await agent.next({ event: "disconnected" });
    const { fleet } = await ourController({}, {}, address);
    await members(fleet, "agent");
    expect(await fleet.call("agent", "who")).toMatchObject({ value: "agent" });
  });

  test("that is killed fails its calls at once, and no others", async () => {
    const [{ fleet, address }, agent] = await pair(language);
    await partner.agent(language, address, { name: "other" });
    await members(fleet, "agent", "other");
    const other = fleet.call("other", "sleep", durationFromMs(300));
    const waiting = lost(fleet.call("agent", "sleep", durationFromMs(10_000), { timeoutMs: 60_000 }));
    await agent.next({ event: "sleeping" });
    await agent.kill();
    await waiting;
    await members(fleet, "other");
    expect(await other).toMatchObject({ value: "slept" });
    await expect(fleet.call("agent", "who")).rejects.toMatchObject({ code: "not_found" });
    await partner.agent(language, address, { name: "agent" });
    await members(fleet, "agent", "other");
    expect(await fleet.call("agent", "who")).toMatchObject({ value: "agent" });
  });

  test("is pinged, and one that stands still is given up", async () => {
    const heartbeat = { intervalMs: 100, timeoutMs: 400 };
    const [{ fleet, address }, frozen] = await pair(language, { heartbeat });
    const well = await partner.agent(language, address, { name: "well" });
    await members(fleet, "agent", "well");
    frozen.signal("SIGSTOP");
    // It may answer a little longer.
    const calls = async (): Promise<never> => {
      for (;;) await fleet.call("agent", "who", undefined, { timeoutMs: 20_000 });
    };
    await lost(calls());
    expect(names(fleet)).toEqual(["well"]);
    frozen.signal("SIGCONT");
    await members(fleet, "agent", "well");
    expect(well.take({ event: "disconnected" })).toEqual([]);
  });

  test("that has the name of another is refused, and the other one stays", async () => {
    const [{ fleet, address }, first] = await pair(language);
    const second = await partner.agent(language, address, { name: "agent" }, false);
    for (let times = 0; times < 3; times++) await second.next({ event: "disconnected", code: "AlreadyExists" });
    expect(await fleet.call("agent", "who")).toMatchObject({ value: "agent" });
    expect(first.take({ event: "disconnected" })).toEqual([]);
    // It is let in when the name is free.
    await first.kill();
    await members(fleet);
    await members(fleet, "agent");
    expect(await fleet.call("agent", "who")).toMatchObject({ value: "agent" });
  });

  test("replaces the one of its name where the fleet says so", async () => {
    const { fleet, address } = await ourController({ duplicates: "replace" });
    const first = await partner.agent(language, address, { name: "agent", reconnectMs: 60_000 });
    await members(fleet, "agent");
    const waiting = lost(fleet.call("agent", "sleep", durationFromMs(10_000)));
    await first.next({ event: "sleeping" });
    const watching = fleet.watch();
    await partner.agent(language, address, { name: "agent", reconnectMs: 60_000 });
    await waiting;
    await first.next({ event: "disconnected" });
    for await (const { kind } of watching) {
      expect(kind).toBe("replaced");
      break;
    }
    expect(await fleet.call("agent", "who")).toMatchObject({ value: "agent" });
  });
});

describe.skipIf(!partner.found)("our controller", () => {
  test("calls all agents of all languages, and has the outcome of each", async () => {
    const { fleet, server, address } = await ourController();
    for (const language of LANGUAGES) {
      for (const at of [1, 2]) await partner.agent(language, address, { name: `${language}-${at}` });
    }
    const ours = await connect(server.addresses[0] ?? "", {
      wire: coordinator({ methods: METHODS }),
      name: "ours",
      handlers: handlersOf("ours"),
      logger: false,
    });
    partner.afterTest(() => ours.close({ graceMs: 0 }));
    const all = ["Go-1", "Go-2", "Python-1", "Python-2", "ours"];
    await members(fleet, ...all);

    const outcomes = await fleet.callAll("who");
    expect(outcomes).toHaveLength(5);
    for (const outcome of outcomes) expect(outcome).toMatchObject({ ok: true, value: { value: outcome.member } });

    const codes = new Map<string, unknown>();
    for await (const outcome of fleet.callAll("nobodyHas", { value: 1 })) {
      codes.set(outcome.member, outcome.ok ? "ok" : outcome.error.code);
    }
    const unimplemented = ["Python-1", "Python-2", "ours"].map((name) => [name, "unimplemented"] as const);
    expect(codes).toEqual(new Map([["Go-1", "unavailable"], ["Go-2", "unavailable"], ...unimplemented]));

    const late = await fleet.callAll("sleep", durationFromMs(10_000), { timeoutMs: 100 });
    expect(late.map((outcome) => !outcome.ok && outcome.error.code)).toEqual(Array(5).fill("deadline_exceeded"));
  });

  test("begins with the id that an agent asks for", async () => {
    const { fleet, address } = await ourController();
    const agent = await partner.agent("Go", address, { name: "agent", firstId: 41, requests: true });
    await members(fleet, "agent");
    for (const id of [41, 42]) {
      await fleet.call("agent", "who", {}, { timeoutMs: 3000 });
      const { type, timeoutMs } = await agent.next({ event: "request", id });
      expect(type).toBe("type.googleapis.com/google.protobuf.Empty");
      expect(timeoutMs).toBeGreaterThan(2000);
      expect(timeoutMs).toBeLessThanOrEqual(3000);
    }
  });

  test("is as the Go probe expects, and serves on", async () => {
    const { fleet, address } = await ourController();
    await partner.agent("Go", address, { name: "agent" });
    await members(fleet, "agent");
    const { ok } = (await partner.probe(address)) as { ok: string[] };
    expect(ok).toContain("two hellos");
    await members(fleet, "agent");
    expect(await fleet.call("agent", "who")).toMatchObject({ value: "agent" });
  });

  test("tells grpcio-health-checking that it serves", async () => {
    const { address } = await ourController();
    expect(await partner.health(address, ["", SERVICE, "no.such.Service"])).toEqual({
      check: { "": "SERVING", [SERVICE]: "SERVING", "no.such.Service": "NOT_FOUND" },
      watch: { "": "SERVING", [SERVICE]: "SERVING", "no.such.Service": "SERVICE_UNKNOWN" },
    });
  });
});
