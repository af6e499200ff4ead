import { type CallContext, RpcError } from "convoke";
import { connect, type NodeServeOptions, serve } from "convoke/node";
import { describe, expect, test, vi } from "vitest";
import { goPartner } from "./partners/go-partner.ts";

const go = await goPartner("jrpc2");

async function ourServer(options: NodeServeOptions = {}): Promise<string> {
  const server = await serve("http://127.0.0.1:0/rpc", { logger: false, ...options });
  go.afterTest(() => server.close({ graceMs: 0 }));
  return server.addresses[0] ?? "";
}

async function theirServer(place: string): Promise<string> {
  return `http://${await go.serve("bridge", [])}/${place}`;
}

async function ourClient(url: string) {
  const client = await connect(url, { redial: false, logger: false });
  go.afterTest(() => client.close({ graceMs: 0 }));
  return client;
}

describe.skipIf(!go.found)("our client on Go's bridge", () => {
  test("calls it in every way it can", async () => {
    const client = await ourClient(await theirServer("rpc"));
    expect(await client.call("X")).toBe("OK");
    expect(await client.call("Echo", ["<é\u2028😀>", { a: [1.5, null] }])).toEqual(["<é\u2028😀>", { a: [1.5, null] }]);
    expect(await client.call("Pos", { first: 5, second: 3 })).toBe(2);
    expect(await client.call("Empty")).toBeNull();
    const error = await client.call("Err").catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "unknown", wireCode: -32000, message: "boom 1", data: { a: 1 }, remote: true });
    await expect(client.call("nope")).rejects.toMatchObject({ code: "unimplemented", data: "nope" });
    await expect(client.call("Args", ["a"])).rejects.toMatchObject({ code: "invalid_argument", wireCode: -32602 });
    await expect(client.call("Deadline")).rejects.toMatchObject({ code: "deadline_exceeded" });

    const outcomes = await client.batch([
      ["X"],
      ["Late", ["in the batch"], { notify: true }],
      ["nope"],
      ["Pos", [9, 1]],
    ]);
    expect(outcomes.map((each) => (each.ok ? each.value : each.error.code))).toEqual([
      "OK",
      undefined,
      "unimplemented",
      8,
    ]);
    const notes = await client.batch([
      ["Late", ["a"], { notify: true }],
      ["nope", undefined, { notify: true }],
    ]);
    expect(notes.map(({ ok }) => ok)).toEqual([true, true]);
    await client.notify("Late", ["b"]);
    await client.notify("nope");
    expect(await client.call("Lines")).toEqual(["in the batch", "a", "b"]);

    const many = Array.from({ length: 500 }, (_, n) => client.call("Pos", [n, 1]));
    expect(await Promise.all(many)).toEqual(Array.from({ length: 500 }, (_, n) => n - 1));
    const large = ["x".repeat(2_000_000)];
    expect(await client.call("Echo", large)).toEqual(large);
  });

  test("hears nothing of what Go pushes, which reaches the bridge and nobody else", async () => {
    const url = await theirServer("rpc");
    const notes: unknown[] = [];
    const client = await connect(url, { handlers: { note: (params: unknown) => notes.push(params) } });
    go.afterTest(() => client.close({ graceMs: 0 }));
    expect(await client.call("Notify")).toBeNull();
    expect(await client.call("X")).toBe("OK");
    expect(notes).toEqual([]);
  });

  test("breaks the request off whose call is given up or late; Go's handler is not told", async () => {
    const base = await theirServer("");
    const client = await ourClient(`${base}rpc`);
    const counted = (begun: number, left: number): Promise<void> =>
      vi.waitFor(async () => expect(await (await fetch(`${base}count`)).json()).toEqual({ begun, left }), 10_000);
    const controller = new AbortController();
    const slow = client.call("Sleep", [500], { signal: controller.signal });
    const settled = expect(slow).rejects.toMatchObject({ code: "cancelled", executed: "unknown" });
    await counted(1, 0);
    controller.abort();
    await settled;
    await counted(1, 1);
    const late = client.call("Sleep", [60_000], { timeoutMs: 300 });
    await expect(late).rejects.toMatchObject({ code: "deadline_exceeded", executed: "unknown" });
    await counted(2, 2);
    expect(await client.call("X")).toBe("OK");
  });

  test("tells what a status means that is no answer", async () => {
    const base = await theirServer("");
    const tea = await ourClient(`${base}tea`);
    const unexpected = "unexpected HTTP status 418 I'm a teapot";
    await expect(tea.call("X")).rejects.toMatchObject({ code: "internal", wireCode: -32603, message: unexpected });
    await expect(tea.call("X")).rejects.toMatchObject({ executed: "no" });
    const nowhere = await ourClient(`${base}nowhere`);
    await expect(nowhere.call("X")).rejects.toMatchObject({
      message: "unexpected HTTP status 404 Not Found: 404 page not found",
    });
    // What is wrong with one request may be right with the next.
    const closed = await ourClient(`${base}closed`);
    for (const each of [1, 2]) {
      await expect(closed.call("X", [each])).rejects.toMatchObject({
        message: "unexpected HTTP status 500 Internal Server Error: the client has been stopped",
      });
    }
  });
});

describe.skipIf(!go.found)("Go's channel on our server", () => {
  test("calls it in every way it can", async () => {
    const lines: string[] = [];
    let written = (): void => {};
    const handlers = {
      add: ({ a, b }: { a: number; b: number }) => a + b,
      subtract: ([a, b]: [number, number]) => a - b,
      echo: (params: unknown) => params,
      nothing: () => undefined,
      fail: ({ code }: { code: number }) => {
        throw new RpcError("unknown", "failed as asked", { wireCode: code, data: { code } });
      },
      late: ([text]: [string]) => {
        lines.push(text);
        written();
      },
      lines: ([count]: [number]) =>
        new Promise<readonly string[]>((resolve) => {
          written = () => {
            if (lines.length >= count) resolve(lines.toSorted());
          };
          written();
        }),
      push: (_: unknown, { peer }: CallContext) => peer.notify("note", [1]),
      ask: (_: unknown, { peer }: CallContext) => peer.call("question"),
    };
    const url = await ourServer({ handlers });
    const notFound = { code: -32601, message: "method not found", data: "nope" };
    const closed = (what: string) => ({
      code: -32094,
      message: `Cannot ${what}: nothing but the answer can be said here`,
      data: null,
    });
    expect(await go.run("poster", ["-url", url])).toEqual({
      call: { id: 1, result: 5 },
      positions: { id: 2, result: 5 },
      text: { id: 3, result: ["<é\u2028😀>", ""] },
      nothing: { id: 4, result: null },
      error: { code: -31999, message: "failed as asked", data: { code: -31999 } },
      unknown: notFound,
      batch: [{ id: 7, result: 2 }, notFound, { id: 9, result: 8 }],
      lines: { id: 10, result: ["a", "b", "in the batch"] },
      push: closed('notify "note"'),
      ask: closed('call "question"'),
      wrong: 0,
    });
  });

  test("that gives a request up ends its handler", async () => {
    let reason: unknown;
    const url = await ourServer({
      handlers: {
        slow: (_: unknown, { signal }: CallContext) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener("abort", () => {
              reason = signal.reason;
              reject(signal.reason);
            });
          }),
      },
    });
    const said = await go.run("poster", ["-url", url, "-method", "slow", "-patience", "300ms"]);
    const message = expect.stringContaining("Client.Timeout exceeded") as string;
    expect(said).toEqual({ first: { code: -32603, message, data: null }, then: { failed: message } });
    await vi.waitFor(() => expect(reason).toMatchObject({ code: "unavailable" }));
  });

  test("is stopped by a status that is no answer", async () => {
    const url = await ourServer();
    const message = "unexpected HTTP status 404 Not Found";
    expect(await go.run("poster", ["-url", url.replace("/rpc", "/elsewhere"), "-method", "X"])).toEqual({
      first: { code: -32603, message, data: null },
      then: { failed: message },
    });
  });
});
