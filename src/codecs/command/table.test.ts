import { describe, expect, test } from "vitest";
import { notification, request } from "./methods.ts";
import { CommandTable, replyTo } from "./table.ts";

describe("a table of commands", () => {
  test("has names by the prefix and the method, or those that it was given", () => {
    const table = new CommandTable({
      prefix: "tbcapi",
      methods: {
        "balance-by-address": request(),
        blockByL2AbrevHash: request(),
        Tx: notification(),
        jobStatus: request({ command: "tbcadmin-job-status-request", reply: "tbcadmin-job-update-notification" }),
        jobUpdate: notification({ command: "tbcadmin-job-update-notification" }),
      },
    });
    expect(table.request("balance-by-address")).toMatchObject({ command: "tbcapi-balance-by-address-request" });
    expect(table.request("blockByL2AbrevHash")).toEqual({
      method: "blockByL2AbrevHash",
      command: "tbcapi-block-by-l2-abrev-hash-request",
      reply: "tbcapi-block-by-l2-abrev-hash-response",
    });
    expect(table.notification("Tx")).toMatchObject({ command: "tbcapi-tx-notification" });
    expect(table.request("Tx")).toBeUndefined();
    expect(table.notification("jobStatus")).toBeUndefined();
    expect(table.heard("tbcadmin-job-update-notification")).toMatchObject({
      isReply: true,
      notification: { method: "jobUpdate" },
    });
    expect(table.heard("tbcapi-tx-notification")).toEqual({ notification: table.notification("Tx") });
    expect(table.heard("constructor")).toBeUndefined();
    expect(table.request("constructor")).toBeUndefined();
    expect(table.ping).toMatchObject({ command: "tbcapi-ping-request", reply: "tbcapi-ping-response" });
  });

  test("of names only needs no prefix, and has the ping that it names", () => {
    const names = { command: "ping", reply: "pong" };
    expect(new CommandTable({ methods: { ping: request(names) } }).ping).toMatchObject(names);
    expect(new CommandTable({ methods: { a: request({ command: "a", reply: "b" }) } }).ping).toBeUndefined();
  });

  test("that is left out has every name but none", () => {
    const table = new CommandTable({ prefix: "t" });
    expect(table.request("x.Y")).toMatchObject({ command: "t-x.Y-request", reply: "t-x.Y-response" });
    expect(table.heard("t-x.Y-response")).toEqual({ isReply: true });
    expect(table.heard("t-a-request-notification")).toMatchObject({ notification: { method: "a-request" } });
    expect(table.heard("u-x-request")).toBeUndefined();
    expect(table.request("")).toBeUndefined();
    expect(table.heard("t-ping-request")).toMatchObject({ request: { method: "ping" } });
  });

  test.each([
    [{}, /needs a prefix/],
    [{ prefix: "" }, /prefix must be a text/],
    [{ methods: { a: request() } }, /"a": without a prefix its commands need names/],
    [{ methods: { a: request({ command: "a" }) } }, /need names/],
    [{ prefix: "t", methods: { "": request() } }, /"": without/],
    [{ prefix: "t", methods: { a: {} as never } }, /give a request\(\) or a notification\(\)/],
    [{ prefix: "t", methods: { aB: request(), "a-b": request() } }, /"t-a-b-request" is that of "aB"/],
    [{ prefix: "t", methods: { a: request(), b: notification({ command: "t-a-request" }) } }, /is that of "a"/],
    [{ prefix: "t", methods: { a: request(), b: request({ command: "t-a-response" }) } }, /is the name of a reply/],
    [{ prefix: "t", methods: { a: request(), b: request({ reply: "t-a-request" }) } }, /is a request/],
    [{ prefix: "t", methods: { a: request({ command: "x", reply: "x" }) } }, /is a request/],
    [{ prefix: "t", methods: { ping: notification() } }, /make it a request/],
    [{ prefix: "t", methods: { p: request({ command: "t-ping-request" }) } }, /"ping".+is that of "p"/],
  ])("%o is refused", (options, why) => {
    expect(() => new CommandTable(options)).toThrow(why);
    expect(() => new CommandTable(options)).toThrow(TypeError);
  });

  test("a request that is in no table is answered by its name", () => {
    expect(replyTo("z-what-request")).toBe("z-what-response");
    expect(replyTo("z-what-notification")).toBeUndefined();
  });
});
