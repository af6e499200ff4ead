// The partners among themselves: what they do to one another is what they will do to us.
import { describe, expect, test } from "vitest";
import { type AgentOptions, aperturePartner, type GoController, LANGUAGES } from "./partners/aperture.ts";
import type { Program } from "./partners/program.ts";

const partner = await aperturePartner();
const SERVICE = "aperture.rpc.v1.Coordinator";

describe.skipIf(!partner.found).each(LANGUAGES)("a %s agent on the Go controller", (language) => {
  async function start(options: AgentOptions = { name: "agent" }): Promise<[GoController, Program]> {
    const controller = await partner.controller();
    const agent = await partner.agent(language, controller.address, options);
    await controller.joined(options.name);
    return [controller, agent];
  }

  test("answers every type that it has a function for", async () => {
    const [controller] = await start();
    const call = (type: string, value: unknown, result: string) => controller.call("agent", type, value, { result });
    expect(await call("StringValue", "hällo", "StringValue")).toMatchObject({ value: "HÄLLO" });
    expect(await call("Struct", { a: [1, null, "x"] }, "Struct")).toMatchObject({ value: { a: [1, null, "x"] } });
    expect(await call("BytesValue", "AP8=", "BytesValue")).toMatchObject({ value: "AP8=" });
    expect(await call("UInt32Value", 3, "BytesValue")).toMatchObject({ value: "AAAA" });
    expect(await call("Empty", {}, "StringValue")).toMatchObject({ value: "agent" });
    expect(await call("Duration", "0.01s", "StringValue")).toMatchObject({ value: "slept" });
  });

  test("answers with the code, the text and the details of its error", async () => {
    const [controller] = await start();
    expect(await controller.call("agent", "Int64Value", "9")).toMatchObject({
      code: "FailedPrecondition",
      message: "failed as asked: 9",
      details: [{ "@type": "type.googleapis.com/google.protobuf.Int64Value", value: "9" }],
    });
    expect(await controller.call("agent", "Int64Value", "0")).toMatchObject({
      code: "Unknown",
      message: "failed without a code",
    });
    // 0xff is no text.
    const broken = await controller.call("agent", "StringValue", undefined, { bytes: "CgH/" });
    expect(broken).toMatchObject({ code: "InvalidArgument", message: expect.stringMatching(/./) });
    const unknown = await controller.call("agent", "FloatValue", 1);
    expect(unknown.code).toBe(language === "Go" ? "Unavailable" : "Unimplemented");
    expect(unknown.message).toContain("google.protobuf.FloatValue");
    expect(await controller.call("nobody", "Empty", {})).toMatchObject({
      code: "NotFound",
      message: "client not found",
    });
  });

  test("knows its time, and hears of a cancel", async () => {
    const [controller, agent] = await start();
    const late = await controller.call("agent", "Duration", "10s", { timeoutMs: 100 });
    expect(late).toMatchObject({ code: "DeadlineExceeded", message: "timeout" });
    const { leftMs } = await agent.next({ event: "sleeping" });
    expect(leftMs).toBeGreaterThan(50);
    expect(leftMs).toBeLessThanOrEqual(100);
    await agent.next({ event: "slept", end: "context deadline exceeded" });
    // The answer that it gives then is expected by nobody.
    await controller.program.next({ event: "unexpected", client: "agent", code: "Unknown" });
    expect(agent.take({ event: "cancel" })).toEqual([]);

    const stopped = await controller.call("agent", "Duration", "10s", { cancelMs: 50 });
    expect(stopped).toMatchObject({ code: "Canceled" });
    await agent.next({ event: "cancel", id: 1, known: true });
    await agent.next({ event: "slept", end: "context canceled" });
    expect(await controller.call("agent", "Empty", {})).toMatchObject({ value: "agent" });
    expect(controller.program.take({ event: "unexpected" })).toEqual([]);
  });

  test("answers 1000 calls at once", async () => {
    const [controller] = await start();
    expect(await controller.callMany(1000, "agent", "StringValue", "x")).toEqual({ '"X"': 1000 });
  });

  test("comes back after the end of its stream, and takes the place of another of its name", async () => {
    const [controller, agent] = await start();
    const waiting = controller.call("agent", "Duration", "10s");
    await agent.next({ event: "sleeping" });
    await partner.agent(language, controller.address, { name: "agent", reconnectMs: 60_000 });
    expect(await waiting).toMatchObject({ code: "Canceled", message: "client disconnected" });
    await agent.next({ event: "slept", end: "context canceled" });
    // It is told nothing, comes again, and takes the place back.
    await agent.next({ event: "disconnected", code: "OK" });
    await agent.next({ event: "connected" });

    await controller.program.kill();
    await agent.next({ event: "disconnected", code: "Unavailable" });
    const again = await partner.controller(controller.address);
    await again.joined("agent");
    expect(await again.call("agent", "Empty", {})).toMatchObject({ value: "agent" });
  });
});

describe.skipIf(!partner.found)("the Go controller", () => {
  test("is as the Go probe and grpcio-health-checking expect", async () => {
    const { address } = await partner.controller();
    const { ok } = (await partner.probe(address)) as { ok: string[] };
    expect(ok).toContain("two hellos");
    expect(await partner.health(address, ["", SERVICE, "no.such.Service"])).toEqual({
      check: { "": "SERVING", [SERVICE]: "SERVING", "no.such.Service": "NOT_FOUND" },
      watch: { "": "SERVING", [SERVICE]: "SERVING", "no.such.Service": "SERVICE_UNKNOWN" },
    });
  });

  test("calls agents of both languages", async () => {
    const controller = await partner.controller();
    for (const language of LANGUAGES) {
      await partner.agent(language, controller.address, { name: language });
      await controller.joined(language);
    }
    expect(await controller.list()).toEqual([...LANGUAGES]);
    const outcomes = await controller.callAll("Empty", {});
    expect(outcomes.map(({ value }) => value).sort()).toEqual([...LANGUAGES]);
  });
});
