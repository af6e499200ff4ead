import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { WebSocket, WebSocketServer } from "ws";
import { Client } from "../../src/client/client.ts";
import { encodeCommand } from "../../src/command.ts";
import type { CloseReason } from "../../src/core/channel.ts";
import { RpcError } from "../../src/core/errors.ts";
import type { Authenticator } from "../../src/core/wire.ts";
import { wsDialer } from "../../src/transports/node/ws-dialer.ts";
import { pass } from "../suites/engine.ts";
import { turn, until } from "../suites/support.ts";
import { Handlers, ourClient, ourServer, type Run, type Runs, watched, wireOf } from "./stage.ts";
import { overWs, type WsStage } from "./ws.ts";

const LIMIT = 64 << 10;
const large = (bytes: number): object => ({ text: "x".repeat(bytes) });

const tooLarge: Run = (compat) => {
  const handlers = { add: () => ({ sum: 3 }), see: () => large(LIMIT), gate: () => new Promise(() => {}) };
  return overWs(wireOf({ compat }), { handlers }, async ({ connect }) => {
    const client = await connect({ maxFrameBytes: LIMIT, redial: false });
    const sent = watched(client.call("add", large(LIMIT)));
    const beside = watched(client.call("add", {}));
    await Promise.all([sent.promise, beside.promise]);
    const isAlone = sent.outcome === "resource_exhausted, executed no" && beside.outcome === 'OK {"sum":3}';
    const calls = [watched(client.call("gate", {})), watched(client.call("see", {}))];
    const { closeCode } = await client.closed;
    await Promise.all(calls.map(({ promise }) => promise));
    const lost = calls.every(({ outcome }) => outcome === "unavailable, executed unknown");
    return [
      `that comes: ${closeCode}, and ${lost ? "all calls are lost" : "some calls go on"}`,
      `that goes: ${isAlone ? "its own call fails" : `${sent.outcome}; ${beside.outcome}`}`,
    ].join("\n");
  });
};

const fortyKiB: Run = (compat) => {
  const handlers = new Handlers();
  return overWs(wireOf({ compat }), { handlers: handlers.table }, async ({ open }) => {
    const socket = await open();
    socket.send(encodeCommand({ command: "t-gate-request", id: "1", payload: large(40 << 10) }));
    await until(() => handlers.gates.length === 1);
    handlers.gates[0]?.resolve();
    const [, answer] = await socket.messages(2);
    return answer === undefined ? "ends the link" : "is answered";
  });
};

const outlasts: Run = async (compat) => {
  const { clock, dial, handlers, close } = await ourServer({ compat, requestTimeoutMs: 10_000 });
  const hand = await dial();
  await hand.say("t-gate-request", "1", {});
  const began = clock.now;
  while (handlers.reasons.length === 0 && clock.now < 20_000) await pass(clock, 50);
  const seconds = Math.floor((clock.now - began) / 1000);
  await turn();
  const { error } = (hand.heard[0]?.payload ?? {}) as {
    readonly error?: { readonly code?: string; readonly message: string };
  };
  await close();
  const answer = error?.code ?? (error === undefined ? "hears nothing" : "deadline_exceeded");
  return `its context: ends after ${seconds} s\nits caller: ${answer}`;
};

/** Lets in whoever has a key, with one frame of the client's and no answer: its own handshake is not what the runs are about. */
function byKey(isKnown: () => boolean, key = "02ab"): Authenticator {
  return {
    client: (exchange) => exchange.send(encodeCommand({ command: "key", payload: { key } })),
    server: async (exchange) => {
      const frame = String(await exchange.receive());
      if (!frame.includes("02ab")) throw new RpcError("unauthenticated", "The signature does not fit");
      if (!isKnown()) throw new RpcError("unauthenticated", "invalid public key", { wireCode: 4100 });
      return "ann";
    },
  };
}

/** How a link ended, as its client was told: `4100 invalid public key`. */
const told = ({ closeCode, message }: CloseReason): string => `${closeCode} ${message.replace(/^.*: /, "")}`;

const refusedKey: Run = (compat) =>
  overWs(wireOf({ compat }), { authenticator: byKey(() => false) }, async ({ connect, dials }) => {
    const client = await connect({ lazy: true, authenticator: byKey(() => false) });
    await client.ready().catch(() => {});
    const words = told(await client.closed);
    return `the client gets: ${words}\nit dials again: ${dials.length === 1 && client.state === "stopped" ? "never" : "yes"}`;
  });

const killed: Run = (compat) => {
  let isKnown = true;
  return overWs(wireOf({ compat }), { authenticator: byKey(() => isKnown) }, async ({ connect, server }) => {
    const reasons: CloseReason[] = [];
    const client = await connect({
      authenticator: byKey(() => isKnown),
      onDisconnect: (_, reason) => void reasons.push(reason),
    });
    await until(() => server.connections.length === 1);
    isKnown = false;
    await server.connections[0]?.close({ graceMs: 0, code: 1002, reason: "killed" });
    const end = told(await client.closed);
    await until(() => reasons.length > 0);
    return `the client gets: ${told(reasons[0] as CloseReason)}\nit dials again, and gets: ${end}`;
  });
};

async function handshakeEnd({ open }: WsStage, frame?: string): Promise<string> {
  const socket = await open();
  if (frame !== undefined) socket.send(frame);
  return (await socket.closed).slice(0, 4);
}

const handshakes: Run = async (compat) => {
  const options = { authenticator: byKey(() => true), handshakeTimeoutMs: 50 };
  return overWs(wireOf({ compat }), options, async (stage) => {
    const bad = encodeCommand({ command: "key", payload: { key: "03cd" } });
    return `a bad signature: ${await handshakeEnd(stage, bad)}\nout of time: ${await handshakeEnd(stage)}`;
  });
};

const closes: Run = async (compat) => {
  const wire = wireOf({ compat });
  const listener = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(listener, "listening");
  const codes: number[] = [];
  let greets = true;
  listener.on("connection", (socket) => {
    if (greets) socket.send(encodeCommand({ command: "t-ping-request", id: "0" }));
    socket.on("close", (code) => codes.push(code));
  });
  const { port } = listener.address() as { readonly port: number };
  const dial = wsDialer({ url: `ws://127.0.0.1:${port}` });
  const client = await Client.open(dial, wire, { logger: false });
  await client.close();
  await until(() => codes.length === 1);
  greets = false;
  const connecting = await Client.open(dial, wire, { logger: false, lazy: true });
  const ready = connecting.ready().catch(() => {});
  await until(() => listener.clients.size === 1);
  const began = performance.now();
  await connecting.close();
  await ready;
  const waited = performance.now() - began;
  for (const socket of listener.clients) socket.terminate();
  await new Promise((resolve) => listener.close(resolve));
  return `its link: ${codes[0]}\nwhile it connects: ${waited < 5000 ? "at once" : `after ${waited} ms`}`;
};

const atOnce: Run = async (compat) => {
  const { dial, handlers, close } = await ourServer({ compat });
  const hand = await dial();
  for (const id of ["1", "2", "3"]) await hand.say("t-gate-request", id, {});
  for (const gate of handlers.gates.slice().reverse()) gate.resolve();
  await turn();
  const order = hand.heard.map(({ id }) => id).join(" ");
  await close();
  return `are answered as they are ready: ${order}`;
};

const overtaken: Run = async (compat) => {
  const { server, handlers, close } = await ourClient({ compat }, {}, async (hand) => {
    await hand.say("t-tx-notification", "", { tx_id: "00" });
    await hand.say("t-ping-request", "0", { timestamp: 1 });
  });
  await turn();
  const words = `the push: ${handlers.pushes.length === 1 ? "is served" : "is lost"}\nthe ping: ${server.frames.length === 0 ? "is not answered" : "is answered"}`;
  await close();
  return words;
};

const staleLink: Run = async (compat) => {
  const { client, clock, server, servers, close } = await ourClient({ compat });
  const call = watched(client.call("add", {}));
  await server.cut();
  await pass(clock, 1000);
  await call.promise;
  await server.cut();
  await server.say("t-add-response", "1", {});
  await pass(clock, 1000);
  const stays = servers.length === 2 && client.state === "open" && servers[1]?.reason === undefined;
  await close();
  return stays ? "the new link stays" : "the new link is closed";
};

const early: Run = async (compat) => {
  const { client, server, close } = await ourClient({ compat });
  const call = client.call("add", {});
  await turn();
  await server.say("t-add-response", "1", { sum: 3 });
  const value = await call;
  await close();
  return JSON.stringify(value) === '{"sum":3}' ? "is the call's result" : "is lost";
};

const thousand: Run = (compat) => {
  const handlers = new Handlers();
  return overWs(wireOf({ compat }), { handlers: handlers.table }, async ({ connect }) => {
    const client = await connect();
    const calls = Array.from({ length: 1000 }, (_, n) => client.call("add", { a: n, b: n }));
    const sums = (await Promise.all(calls)) as { readonly sum: number }[];
    return sums.every(({ sum }, n) => sum === 2 * n) ? "are answered" : "are mixed up";
  });
};

const nobodyReads: Run = async (compat) => {
  const { client, clock, server, close } = await ourClient({ compat });
  const call = watched(client.call("add", {}));
  await turn();
  const at = clock.now;
  await server.cut();
  const words = `its calls: ${call.outcome.split(",")[0]}${clock.now === at ? " at once" : ""}`;
  await close();
  return words;
};

const compression: Run = async (compat) => {
  const agreed = (listen: { readonly deflate?: boolean }): Promise<string> =>
    overWs(wireOf({ compat }), { listen }, async ({ url }) => {
      const socket = new WebSocket(url);
      const [[response]] = (await Promise.all([once(socket, "upgrade"), once(socket, "open")])) as [
        [IncomingMessage],
        [],
      ];
      socket.close();
      return response.headers["sec-websocket-extensions"] ?? "none";
    });
  return `${await agreed({})}\nwith deflate: ${await agreed({ deflate: true })}`;
};

const pages: Run = async (compat) => {
  const other = "https://other.example";
  const welcome = (
    listen: { readonly origins?: readonly string[] },
    originOf: (url: string) => string,
  ): Promise<string> =>
    overWs(wireOf({ compat }), { listen }, async ({ open, url }) =>
      open({ origin: originOf(url) }).then(
        () => "welcome",
        () => "refused",
      ),
    );
  return [
    `the server's own: ${await welcome({}, (url) => `http://${new URL(url).host}`)}`,
    `another one: ${await welcome({}, () => other)}`,
    `another one that is listed: ${await welcome({ origins: [other] }, () => other)}`,
  ].join("\n");
};

/** Limits, times, and how links begin and end: rows 31 to 45. */
export const LINK_RUNS: Runs = {
  31: tooLarge,
  32: fortyKiB,
  33: outlasts,
  34: refusedKey,
  35: killed,
  36: handshakes,
  37: closes,
  38: atOnce,
  39: overtaken,
  40: staleLink,
  41: early,
  42: thousand,
  43: nobodyReads,
  44: compression,
  45: pages,
};
