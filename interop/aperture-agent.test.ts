// Our agent on the Go controller.
import { setTimeout as pause } from "node:timers/promises";
import type { Client } from "convoke";
import { coordinator } from "convoke/coordinator";
import { connect, type NodeConnectOptions } from "convoke/node";
import { describe, expect, test } from "vitest";
import { CODES, handlersOf, METHODS } from "./aperture-methods.ts";
import { aperturePartner, type GoController } from "./partners/aperture.ts";

const partner = await aperturePartner();
const ANY = "type.googleapis.com/google.protobuf.";

interface Agent {
  readonly controller: GoController;
  readonly client: Client;
  /** What its sleeps said. */
  readonly told: string[];
}

async function ourAgent(options: NodeConnectOptions<never> = {}): Promise<Agent> {
  const controller = await partner.controller();
  const told: string[] = [];
  const client = await connect(`grpc://${controller.address}`, {
    wire: coordinator({ methods: METHODS }),
    name: "agent",
    handlers: handlersOf("agent", (event) => told.push(event)),
    redial: { baseMs: 20, maxMs: 100 },
    logger: false,
    ...options,
  });
  partner.afterTest(() => client.close({ graceMs: 0 }));
  await controller.joined("agent");
  return { controller, client, told };
}

const poll = <Value>(value: () => Value) => expect.poll(value, { interval: 5, timeout: 20_000 });

describe.skipIf(!partner.found)("our agent on the Go controller", () => {
  test("answers calls", async () => {
    const { controller } = await ourAgent();
    const call = (type: string, value: unknown, result: string) => controller.call("agent", type, value, { result });
    expect(await call("StringValue", "hällo", "StringValue")).toMatchObject({ value: "HÄLLO" });
    expect(await call("StringValue", "", "StringValue")).toMatchObject({ value: "" });
    expect(await call("Struct", { a: [1, null, "x"] }, "Struct")).toMatchObject({ value: { a: [1, null, "x"] } });
    expect(await call("BytesValue", "AP8=", "BytesValue")).toMatchObject({ value: "AP8=" });
    expect(await call("Empty", {}, "StringValue")).toMatchObject({ value: "agent" });
    expect(await call("Duration", "0.01s", "StringValue")).toMatchObject({ value: "slept" });
    expect(await controller.list()).toEqual(["agent"]);
    expect(await controller.callMany(1000, "agent", "StringValue", "x")).toEqual({ '"X"': 1000 });
  });

  test("answers with the code, the text and the details of an error, and hides what is no RpcError", async () => {
    const { controller } = await ourAgent();
    for (const [at, [, code]] of CODES.entries()) {
      expect(await controller.call("agent", "Int64Value", String(at + 1))).toMatchObject({
        code,
        message: `failed as asked: ${at + 1}`,
        details: [{ "@type": `${ANY}Int64Value`, value: String(at + 1) }],
      });
    }
    const hidden = await controller.call("agent", "Int64Value", "0");
    expect(hidden).toMatchObject({ code: "Internal", message: expect.stringMatching(/^Internal error, trace \w+$/) });
  });

  test("refuses what it has no handler for, what it cannot read, and what is too large to be sent", async () => {
    const { controller } = await ourAgent();
    expect(await controller.call("agent", "FloatValue", 1)).toMatchObject({
      code: "Unimplemented",
      message: expect.stringContaining("nobodyHas"),
    });
    expect(await controller.call("agent", "DoubleValue", 1)).toMatchObject({
      code: "Unimplemented",
      message: expect.stringContaining("google.protobuf.DoubleValue"),
    });
    // 0xff is no text.
    const broken = await controller.call("agent", "StringValue", undefined, { bytes: "CgH/" });
    expect(broken).toMatchObject({ code: "InvalidArgument" });
    const large = await controller.call("agent", "UInt32Value", 5 << 20, { result: "BytesValue" });
    expect(large).toMatchObject({ code: "ResourceExhausted" });
    expect(await controller.call("agent", "Empty", {})).toMatchObject({ value: "agent" });
    expect(controller.program.take({ event: "left" })).toEqual([]);
  });

  test("stops when the time is over, without being told", async () => {
    const { controller, told } = await ourAgent();
    const late = await controller.call("agent", "Duration", "10s", { timeoutMs: 100 });
    expect(late).toMatchObject({ code: "DeadlineExceeded", message: "timeout" });
    await poll(() => told).toEqual(["sleeping", "deadline_exceeded"]);
    expect(await controller.call("agent", "Empty", {})).toMatchObject({ value: "agent" });
  });

  test("stops when it is told to, and does not answer then", async () => {
    const { controller, told } = await ourAgent();
    await controller.call("agent", "Duration", "10s", { timeoutMs: 20_000, cancelMs: 100 });
    await poll(() => told).toEqual(["sleeping", "cancelled"]);
    expect(await controller.call("agent", "Empty", {})).toMatchObject({ value: "agent" });
    expect(controller.program.take({ event: "unexpected" })).toEqual([]);
  });

  test("bears what no controller says", async () => {
    const { controller, told } = await ourAgent();
    const request = (id: string, more: object) => controller.send("agent", { request: { id, ...more } });
    // A request without a time has none left; nobody waits for these answers, so they are told as unexpected.
    await request("700", { payload: { "@type": `${ANY}Empty`, value: {} } });
    await controller.program.next({ event: "unexpected", id: 700, code: "DeadlineExceeded" });
    await request("701", { timeout: "5s" });
    await controller.program.next({ event: "unexpected", id: 701 });
    // The largest ids are no numbers of JavaScript.
    await request("18446744073709551615", { timeout: "5s", payload: { "@type": `${ANY}Empty`, value: {} } });
    expect(await controller.program.next({ event: "unexpected" })).toMatchObject({ code: "OK" });
    await controller.send("agent", {});
    for (const id of ["0", "7", "18446744073709551615"]) await controller.send("agent", { cancelId: id });
    expect(await controller.call("agent", "Empty", {})).toMatchObject({ value: "agent" });
    expect(told).toEqual([]);
    expect(controller.program.take({ event: "left" })).toEqual([]);
  });

  test("may not call, and says so", async () => {
    const { client } = await ourAgent();
    await expect(client.call("who")).rejects.toMatchObject({ code: "unimplemented", executed: "no" });
  });

  test("leaves well", async () => {
    const { controller, client } = await ourAgent();
    const waiting = controller.call("agent", "Duration", "0.2s");
    await poll(() => client.connections[0]?.stats().running ?? 0).toBe(1);
    await client.close();
    expect(await waiting).toMatchObject({ value: "slept" });
    await controller.program.next({ event: "left", client: "agent" });
    expect(await controller.call("agent", "Empty", {})).toMatchObject({ code: "NotFound" });
  });

  test("stays connected while nothing is said: Go's servers end a connection that pings often", async () => {
    const { controller } = await ourAgent({ heartbeat: { intervalMs: 20, timeoutMs: 1000 } });
    await pause(500);
    expect(await controller.call("agent", "Empty", {})).toMatchObject({ value: "agent" });
    expect(controller.program.take({ event: "left" })).toEqual([]);
  });

  test("that is replaced stays away for a while: two of one name do not put each other out at every dial", async () => {
    const { controller, client, told } = await ourAgent();
    const waiting = controller.call("agent", "Duration", "10s");
    await poll(() => told).toEqual(["sleeping"]);
    const other = await partner.agent("Go", controller.address, { name: "agent" });
    expect(await waiting).toMatchObject({ code: "Canceled", message: "client disconnected" });
    await poll(() => told).toEqual(["sleeping", "unavailable"]);
    await controller.joined("agent");
    await pause(500);
    expect(client.state).not.toBe("connected");
    expect(controller.program.take({ event: "joined" })).toEqual([]);
    expect(other.take({ event: "disconnected" })).toEqual([]);
  });

  test("comes back when the controller was killed and has restarted", async () => {
    const { controller, told } = await ourAgent();
    const { address, program } = controller;
    void controller.call("agent", "Duration", "10s", { timeoutMs: 60_000 });
    await poll(() => told).toEqual(["sleeping"]);
    await program.kill();
    await poll(() => told).toEqual(["sleeping", "unavailable"]);
    const again = await partner.controller(address);
    await again.joined("agent");
    expect(await again.call("agent", "Empty", {})).toMatchObject({ value: "agent" });
  });

  test("is called along with those of other languages", async () => {
    const { controller } = await ourAgent();
    for (const language of ["Go", "Python"] as const) {
      await partner.agent(language, controller.address, { name: language });
      await controller.joined(language);
    }
    const outcomes = await controller.callAll("Empty", {});
    expect(outcomes.map(({ value }) => value).sort()).toEqual(["Go", "Python", "agent"]);
  });
});
