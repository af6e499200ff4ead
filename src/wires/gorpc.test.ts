import { once } from "node:events";
import net from "node:net";
import { constants, inflateRawSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../test/gob/bytes.ts";
import { COMPRESSED, CONNECTIONS, type Session } from "../../test/gob/captures.ts";
import { dispatcherRequest, dispatcherResponse, TYPES } from "../../test/gob/described.ts";
import { type Deferred, deferred, turn } from "../../test/suites/support.ts";
import type { Client } from "../client/client.ts";
import { RpcError } from "../core/errors.ts";
import { lookup } from "../core/handlers.ts";
import { TypedValue, typeOf } from "../gob/type.ts";
import { gorpc } from "../gorpc.ts";
import { connect, serve } from "../node.ts";
import type { Server } from "../server/server.ts";
import type { GorpcWireOptions } from "./gorpc.ts";

const LOCAL = "tcp://127.0.0.1:0";
const SYNC_FLUSH = "0000ffff";
const REQUEST = "2cff810301010b776972655265717565737401ff82000102010249440106000107526571756573740110000000";
const RESPONSE =
  "38ff810301010c77697265526573706f6e736501ff82000103010249440106000108526573706f6e736501100001054572726f72010c000000";
const HELLO = "16ff8201010106737472696e670c07000568656c6c6f00";
const own = new Set<unknown>([dispatcherRequest, dispatcherResponse]);
const types = TYPES.filter((type) => !own.has(type));

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A socket in the hands of the test: it writes hex and gives what has come, hex. */
class Hand {
  readonly socket: net.Socket;
  hex = "";
  #more: Deferred<void> = deferred();

  constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.hex += chunk.toString("hex");
      this.#more.resolve();
    });
    socket.on("error", () => {});
    cleanups.push(() => socket.destroy());
  }

  say(hex: string): void {
    this.socket.write(fromHex(hex));
  }

  /** Waits until enough has come, takes it away and gives it. */
  async take(isEnough: number | ((hex: string) => boolean)): Promise<string> {
    const isThere = typeof isEnough === "number" ? () => this.hex.length >= isEnough : () => isEnough(this.hex);
    while (!isThere()) {
      this.#more = deferred();
      await this.#more.promise;
    }
    const taken = typeof isEnough === "number" ? this.hex.slice(0, isEnough) : this.hex;
    this.hex = this.hex.slice(taken.length);
    return taken;
  }
}

/** Our server, and a hand that has dialled it and said nothing. */
async function serverAndHand(handlers: object): Promise<readonly [Server, Hand]> {
  const server = await serve<never>(LOCAL, { wire: gorpc({ types }), handlers, logger: false });
  cleanups.push(() => server.close({ graceMs: 0 }));
  return [server, await dial(server)];
}

async function dial(server: Server): Promise<Hand> {
  const socket = net.connect(Number(new URL(server.addresses[0] ?? "").port), "127.0.0.1");
  await once(socket, "connect");
  return new Hand(socket);
}

/** Our client, and a hand that took its connection. */
async function clientAndHand(options: GorpcWireOptions = {}): Promise<readonly [Client, Hand]> {
  const accepted = deferred<Hand>();
  const listener = net.createServer((socket) => accepted.resolve(new Hand(socket))).listen(0, "127.0.0.1");
  await once(listener, "listening");
  cleanups.push(() => listener.close());
  const { port } = listener.address() as net.AddressInfo;
  const wire = gorpc({ types, ...options });
  const client = await connect(`tcp://127.0.0.1:${port}`, { wire, logger: false, redial: false });
  cleanups.push(() => client.close({ graceMs: 0 }));
  return [client, await accepted.promise];
}

/** What a call or a handler has of a captured value: without the types that it remembers. */
function bare(value: unknown): unknown {
  if (value instanceof TypedValue) return bare(value.value);
  if (Array.isArray(value)) return value.map(bare);
  if (value instanceof Map) return new Map([...value].map(([key, each]) => [key, bare(each)]));
  if (typeOf(value) === undefined) return value;
  return Object.fromEntries(Object.entries(value as object).map(([key, each]) => [key, bare(each)]));
}

/** A captured step, as the two ends know it. */
function stepOf({ request, response, error = "" }: Session) {
  const isDispatched = typeOf(request) === dispatcherRequest;
  const { Name, Request } = (isDispatched ? request : { Name: "", Request: request }) as {
    Name: string;
    Request: unknown;
  };
  const { Response, Error: inner } = (
    typeOf(response) === dispatcherResponse ? response : { Response: response, Error: "" }
  ) as { Response: unknown; Error: string };
  return { method: Name.replace(/^\./, ""), params: Request, value: Response, inner, outer: error };
}

/** As we write it: all definitions in front. */
const hoisted = (session: Session, from: "client" | "server"): string => {
  const { definitions, value } = session[`${from}Hoisted`] ?? { definitions: [], value: session[from] ?? "" };
  return [...definitions, value].join("");
};

const textOf = (thrown: unknown): string => (thrown as RpcError).message;
const inflated = (hex: string): string => toHex(inflateRawSync(fromHex(hex), { finishFlush: constants.Z_SYNC_FLUSH }));

describe("the first byte", () => {
  test.each([
    [{}, "00"],
    [{ compress: false }, "00"],
    [{ compress: undefined }, "00"],
    [{ compress: true }, "01"],
  ])("of a dialler with %o is %s, at once and alone; the accepter says none", async (options, byte) => {
    const [, accepter] = await clientAndHand(options);
    expect(await accepter.take(2)).toBe(byte);
    const [server, dialler] = await serverAndHand({});
    dialler.say(byte);
    await turn();
    expect([accepter.hex, dialler.hex, server.connections.length]).toEqual(["", "", 1]);
  });

  test("an accepter takes 0 as plain and all others, 7 too, as compressed", async () => {
    const [server, plain] = await serverAndHand(lookup(() => (params: unknown) => params));
    plain.say(`00${REQUEST}${HELLO}`);
    expect(await plain.take((RESPONSE + HELLO).length)).toBe(RESPONSE + HELLO);
    for (const byte of ["01", "07", "ff"]) {
      const compressed = await dial(server);
      compressed.say(byte + (COMPRESSED[0]?.written ?? ""));
      const reply = await compressed.take((hex) => hex.endsWith(SYNC_FLUSH));
      expect(inflated(reply)).toBe(RESPONSE + HELLO);
    }
  });

  test("may come late and slowly, and together with what follows", async () => {
    const [server, late] = await serverAndHand(lookup(() => (params: unknown) => params));
    await turn(20);
    const neighbour = await dial(server);
    neighbour.say(`00${REQUEST}${HELLO}`);
    expect(await neighbour.take((RESPONSE + HELLO).length)).toBe(RESPONSE + HELLO);
    expect(late.hex).toBe("");
    for (const byte of fromHex(`00${REQUEST}${HELLO}`)) {
      late.say(toHex(Uint8Array.of(byte)));
      await turn(1);
    }
    expect(await late.take((RESPONSE + HELLO).length)).toBe(RESPONSE + HELLO);
  });

  test("a compress that is neither true nor false is refused at once", () => {
    for (const compress of ["yes", 1, null])
      expect(() => gorpc({ compress: compress as never })).toThrow(/^compress must be true or false, not /);
  });
});

describe("compression", () => {
  test("each flush ends with a sync flush in both directions, and what Go sent is read", async () => {
    const [client, server] = await clientAndHand({ compress: true });
    expect(await server.take(2)).toBe("01");
    const call = client.call("", "hello");
    const sent = await server.take((hex) => hex.endsWith(SYNC_FLUSH));
    expect(inflated(sent)).toBe(COMPRESSED[0]?.hex);
    server.say(COMPRESSED[1]?.written ?? "");
    expect(await call).toBe("hello");
    const next = client.call("", "hello");
    const more = await server.take((hex) => hex.endsWith(SYNC_FLUSH));
    expect(inflated(sent + more)).toBe(`${COMPRESSED[0]?.hex}${COMPRESSED[2]?.hex}`);
    void next.catch(() => {});
  });

  test("an accepter answers in the same stream, and takes clients of both kinds at once", async () => {
    const echo = (params: unknown): unknown => params;
    const [server, hand] = await serverAndHand(lookup(() => echo));
    hand.say(`01${COMPRESSED[0]?.written}`);
    const first = await hand.take((hex) => hex.endsWith(SYNC_FLUSH));
    hand.say(COMPRESSED[2]?.written ?? "");
    const second = await hand.take((hex) => hex.endsWith(SYNC_FLUSH));
    expect([inflated(first), inflated(first + second)]).toEqual([
      COMPRESSED[1]?.hex,
      `${COMPRESSED[1]?.hex}${COMPRESSED[2]?.hex}`,
    ]);
    const clients = await Promise.all(
      [true, false, true, false].map((compress) =>
        connect(server.addresses[0] ?? "", { wire: gorpc({ compress }), logger: false }),
      ),
    );
    cleanups.push(...clients.map((client) => () => client.close()));
    const texts = Array.from({ length: 400 }, (_, at) => `${at} ${"x".repeat(at * 10)}`);
    const back = await Promise.all(texts.map((text, at) => clients[at % 4]?.call(at % 3 === 0 ? "" : "echo", text)));
    expect(back).toEqual(texts);
  });
});

describe.each(CONNECTIONS)("the captured connection of $name", ({ handshake, sessions }) => {
  test("our client says what Go's said, with definitions in front, and understands Go's server", async () => {
    const [client, server] = await clientAndHand();
    expect(await server.take(2)).toBe(handshake);
    for (const session of sessions) {
      const { method, params, value, inner, outer } = stepOf(session);
      const outcome = session.oneWay ? client.notify(method, params) : client.call(method, params);
      const settled = outcome.catch(textOf);
      const bytes = hoisted(session, "client");
      expect([session.title, await server.take(bytes.length)]).toEqual([session.title, bytes]);
      if (session.server === undefined) continue;
      server.say(session.server);
      if (inner !== "" || outer !== "") expect(await settled).toBe(inner || outer);
      // Its match only: a capture has a nil map, and no value here is one.
      else expect({ value: await settled }).toMatchObject({ value: bare(value) });
    }
    expect(server.hex).toBe("");
  });

  test("our server understands Go's client, and says what Go's said", async () => {
    const got: unknown[] = [];
    const steps = sessions.map(stepOf);
    const answer = (params: unknown): unknown => {
      const { value, inner, outer } = steps[got.push(params) - 1] ?? stepOf({ title: "", client: "", request: null });
      if (outer !== "") throw new RpcError("internal", outer);
      if (inner !== "") throw new RpcError("unknown", inner);
      return value;
    };
    const methods: string[] = [];
    const [, client] = await serverAndHand(lookup((method) => (methods.push(method), answer)));
    client.say(handshake);
    for (const session of sessions) {
      client.say(session.client);
      const bytes = hoisted(session, "server");
      expect([session.title, await client.take(bytes.length)]).toEqual([session.title, bytes]);
    }
    await expect.poll(() => got.length).toBe(steps.length);
    expect(methods).toEqual(steps.map(({ method }) => method));
    expect({ got: got.map(bare) }).toMatchObject({ got: steps.map(({ params }) => bare(params) ?? undefined) });
  });
});

describe("small messages", () => {
  test("a send has id 0 and so none, a call of nothing has nothing but its id", async () => {
    const [client, server] = await clientAndHand();
    expect(await server.take(2)).toBe("00");
    void client.call("", "hello").catch(() => {});
    expect(await server.take((REQUEST + HELLO).length)).toBe(REQUEST + HELLO);
    await client.notify("", "fire");
    expect(await server.take(40)).toBe("13ff820206737472696e670c0600046669726500");
    await client.notify("");
    expect(await server.take(8)).toBe("03ff8200");
    void client.call("", null).catch(() => {});
    expect(await server.take(12)).toBe("05ff82010200");
  });

  test("a request of nothing at all is a send of nothing: it is served and not answered", async () => {
    const got: unknown[] = [];
    const notes: boolean[] = [];
    const keep = (params: unknown, { isNotification }: { readonly isNotification: boolean }): unknown => {
      got.push(params);
      notes.push(isNotification);
      return params;
    };
    const [server, client] = await serverAndHand(lookup(() => keep));
    client.say(`00${REQUEST}03ff820013ff820206737472696e670c060004666972650005ff82011100`);
    // The reply to nothing is nothing but the id.
    expect(await client.take(RESPONSE.length + 12)).toBe(`${RESPONSE}05ff82011100`);
    expect([got, notes]).toEqual([
      [undefined, "fire", undefined],
      [true, true, false],
    ]);
    await turn();
    expect([client.hex, server.stats().served]).toEqual(["", 1]);
  });
});
