import { describe, expect, test } from "vitest";
import { FakeLink } from "../../../test/codecs/ends.ts";
import type { Role } from "../../core/channel.ts";
import type { Message } from "../../core/message.ts";
import { JsonRpcCodec } from "./codec.ts";
import { dialectOf, type JsonRpcOptions } from "./options.ts";

const HELLO = { name: "ann", labels: { zone: "a" }, session: "1.b.2" };

/** An end that has a name, or a fleet. */
class Meeting {
  readonly codec: JsonRpcCodec;

  constructor(role: Role, options: JsonRpcOptions = {}, meets = true) {
    this.codec = new JsonRpcCodec(Object.assign(new FakeLink(role), { meets }), dialectOf(options));
  }

  say(message: Message): string {
    return this.codec.encode([message], () => undefined).join("\n");
  }

  hear(text: string): readonly Message[] {
    return this.codec.decode(text);
  }

  /** What of an opening it can say. */
  get says(): string {
    const { hello, welcome, ping, goodbye } = this.codec.carries;
    return [hello, welcome && "welcome", ping && "ping", goodbye && "goodbye"].filter(Boolean).join(" ");
  }
}

function ends(): { client: Meeting; server: Meeting } {
  const [client, server] = [new Meeting("client"), new Meeting("server")];
  server.hear(client.say({ kind: "hello", hello: HELLO }));
  client.hear(server.say({ kind: "welcome", hello: { session: "s1" } }));
  return { client, server };
}

describe("two ends that meet on JSON-RPC", () => {
  test("hello is a call, and its answer is the welcome", () => {
    const [client, server] = [new Meeting("client"), new Meeting("server")];
    expect([client.says, server.says]).toEqual(["may welcome", "may welcome"]);
    const hello = client.say({ kind: "hello", hello: HELLO });
    expect(hello).toBe(
      '{"jsonrpc":"2.0","id":"convoke.hello","method":"convoke.hello",' +
        '"params":{"name":"ann","labels":{"zone":"a"},"session":"1.b.2"}}',
    );
    expect(server.hear(hello)).toEqual([{ kind: "hello", hello: HELLO }]);
    expect([client.says, server.says]).toEqual(["may welcome", "may welcome goodbye"]);
    const welcome = server.say({ kind: "welcome", hello: { session: "s1", maxFrameBytes: 5, heartbeatMs: 6 } });
    expect(welcome).toBe(
      '{"jsonrpc":"2.0","id":"convoke.hello","result":{"session":"s1","maxFrameBytes":5,"heartbeatMs":6}}',
    );
    expect(client.hear(welcome)).toEqual([
      { kind: "welcome", hello: { session: "s1", maxFrameBytes: 5, heartbeatMs: 6 } },
    ]);
    expect([client.says, server.says]).toEqual(["may welcome ping goodbye", "may welcome ping goodbye"]);
  });

  test.each(["7", '"x"', "1.50"])("a hello with the id %s is answered with it", (id) => {
    const server = new Meeting("server");
    server.hear(`{"jsonrpc":"2.0","id":${id},"method":"convoke.hello","params":{"name":"ann","labels":{"a":1}}}`);
    expect(server.say({ kind: "welcome", hello: {} })).toBe(`{"jsonrpc":"2.0","id":${id},"result":{}}`);
  });

  test("a refusal is an error in answer to hello, with the time to stay away", () => {
    for (const [redialAfterMs, said] of [
      [30_000, '"data":{"redialAfterMs":30000}'],
      [Infinity, '"data":{"redialAfterMs":-1}'],
      [undefined, '"data":{}'],
    ] as const) {
      const [client, server] = [new Meeting("client"), new Meeting("server")];
      server.hear(client.say({ kind: "hello", hello: HELLO }));
      const refusal = server.say({ kind: "goodbye", text: "taken", redialAfterMs });
      expect(refusal).toBe(`{"jsonrpc":"2.0","id":"convoke.hello","error":{"code":-32089,"message":"taken",${said}}}`);
      expect(client.hear(refusal)).toEqual([{ kind: "goodbye", text: "taken", redialAfterMs }]);
    }
  });

  test("ping is a call both ways, and goodbye a notification", () => {
    const { client, server } = ends();
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      const ping = one.say({ kind: "ping", token: undefined });
      expect(ping).toBe('{"jsonrpc":"2.0","id":"convoke.ping","method":"convoke.ping"}');
      const [heard] = other.hear(ping);
      expect(heard?.kind).toBe("ping");
      const pong = other.say({ kind: "pong", token: heard?.kind === "ping" ? heard.token : undefined });
      expect(pong).toBe('{"jsonrpc":"2.0","id":"convoke.ping","result":null}');
      expect(one.hear(pong)).toEqual([{ kind: "pong", token: undefined }]);
      for (const redialAfterMs of [undefined, 0, 30_000, Infinity]) {
        const goodbye: Message = { kind: "goodbye", text: "replaced", redialAfterMs };
        expect(other.hear(one.say(goodbye))).toEqual([goodbye]);
      }
    }
    expect(client.say({ kind: "goodbye", text: "bye", redialAfterMs: Infinity })).toBe(
      '{"jsonrpc":"2.0","method":"convoke.goodbye","params":{"text":"bye","redialAfterMs":-1}}',
    );
  });

  test("an end that does not know hello is a plain peer from then on", () => {
    const client = new Meeting("client");
    client.say({ kind: "hello", hello: HELLO });
    const answer = '{"jsonrpc":"2.0","id":"convoke.hello","error":{"code":-32601,"message":"no such method"}}';
    expect(client.hear(answer)).toEqual([{ kind: "welcome", hello: {} }]);
    expect(client.says).toBe("may welcome");
    expect(client.say({ kind: "goodbye", text: "bye", redialAfterMs: undefined })).toBe("");
    expect(client.say({ kind: "ping", token: undefined })).toBe("");
  });

  test("before they have met, in a list, and at an end without name and fleet these are methods like any other", () => {
    const { server } = ends();
    const plain = new Meeting("server", {}, false);
    const off = new Meeting("server", { hello: false });
    const hello = '{"jsonrpc":"2.0","id":1,"method":"convoke.hello"}';
    const ping = '{"jsonrpc":"2.0","id":1,"method":"convoke.ping"}';
    const goodbye = '{"jsonrpc":"2.0","method":"convoke.goodbye"}';
    for (const end of [plain, off]) {
      expect(end.says).toBe("never");
      for (const text of [hello, ping]) expect(end.hear(text)).toMatchObject([{ kind: "call" }]);
      expect(end.hear(goodbye)).toMatchObject([{ kind: "notify" }]);
      expect(end.say({ kind: "welcome", hello: {} })).toBe("");
    }
    expect(new Meeting("server").hear(ping)).toMatchObject([{ kind: "call" }]);
    expect(new Meeting("client").hear(hello)).toMatchObject([{ kind: "call" }]);
    expect(server.hear(`[${ping}]`)).toMatchObject([{ kind: "batch", messages: [{ kind: "call" }] }]);
  });

  test.each([
    '{"jsonrpc":"2.0","id":1,"method":"convoke.hello","params":[1]}',
    '{"jsonrpc":"2.0","id":1,"method":"convoke.hello","params":{"name":7,"labels":["a"],"session":{},"heartbeatMs":-1}}',
  ])("what is no part of a hello is left out: %s", (text) => {
    expect(new Meeting("server").hear(text)).toEqual([{ kind: "hello", hello: {} }]);
  });

  test("labels that fit no frame break the link, and say so", () => {
    const client = new Meeting("client");
    const labels = { a: "x".repeat(5 << 20) };
    expect(() => client.say({ kind: "hello", hello: { labels } })).toThrow("too long");
  });
});
