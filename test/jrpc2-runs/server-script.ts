import type { CloseReason, Framing } from "../../src/core/channel.ts";
import type { Connection } from "../../src/core/context.ts";
import { textOf } from "../../src/core/text.ts";
import type { RawConnection } from "../../src/core/wire.ts";
import { type ServeOptions, Server } from "../../src/server/server.ts";
import { memoryChannels, memoryPipes } from "../../src/transports/memory.ts";
import { jsonrpc } from "../../src/wires/jsonrpc.ts";
import { jrpc2Service } from "../jrpc2-service.ts";
import { turn } from "../suites/support.ts";
import { type Run, Stage, statusOf } from "./stage.ts";

/** How a script is staged; the row's own `under` is added to the wire's options. */
export interface Scene extends Omit<ServeOptions, "handlers" | "wire" | "clock" | "logger"> {
  /** Handlers beside those of the probe service, or in their place where `alone` is set. */
  readonly handlers?: (stage: Stage) => object;
  readonly alone?: true;
  /** The link is a pipe with this framing, and each line of the script is written with `tail` after it. */
  readonly framing?: Framing;
  readonly tail?: string;
}

/**
 * Runs a script against a server: each line is a record, or one of `+100` (time goes on), `link` (another link to the
 * same server; what follows happens there), `peer ends` (half-close), `peer closes`, `stop`. The outcome is what the
 * server says and what happens, in order, time marks included.
 */
export function server(scene: Scene = {}): Run {
  return async ({ input, under }) => {
    const { handlers, alone, framing, tail, ...options } = scene;
    const stage = new Stage();
    const probe = alone === true ? {} : jrpc2Service((ms) => stage.sleep(ms));
    let accept: (raw: RawConnection) => void = () => {};
    const listen = async (connect: typeof accept) => {
      accept = connect;
      return { address: "memory:stage", close: async () => {} };
    };
    const running = await Server.open([listen], jsonrpc({ ...under, framing }), {
      ...options,
      clock: stage.clock,
      logger: false,
      handlers: tableOf(handlers?.(stage), probe),
      onDisconnect: (_: Connection, reason: CloseReason) => stage.log(`status: ${statusOf(reason)}`),
    });
    const link = (): Far => (framing === undefined ? overChannel(stage, accept) : overPipe(stage, accept, tail));
    let peer = link();
    await turn();
    for (const line of input.split("\n")) {
      if (line === "link") peer = link();
      else if (line === "peer ends") peer.end();
      else if (line === "peer closes") peer.close();
      else if (line === "stop") {
        await running.close({ graceMs: 0 });
        stage.log("stopped");
      } else if (!(await stage.passes(line))) peer.say(line);
      await turn();
    }
    const { outcome } = stage;
    await running.close({ graceMs: 0 });
    return outcome;
  };
}

/** The other end of a link of the server. */
interface Far {
  say(record: string): void;
  /** Half-close. */
  end(): void;
  close(): void;
}

function overChannel(stage: Stage, accept: (raw: RawConnection) => void): Far {
  const [near, far] = memoryChannels();
  accept({ channel: far });
  near.open({
    frames: (frames) => frames.forEach((frame) => stage.log(textOf(frame))),
    skipped: () => {},
    ended: () => {},
    closed: () => stage.log("the link is closed"),
  });
  return { say: (record) => void near.send([record]), end: () => near.end(), close: () => near.close() };
}

function overPipe(stage: Stage, accept: (raw: RawConnection) => void, tail = ""): Far {
  const [near, far] = memoryPipes();
  accept({ pipe: far });
  near.open({
    data: (bytes) => stage.log(textOf(bytes).trimEnd()),
    ended: () => {},
    closed: () => stage.log("the link is closed"),
  });
  return { say: (record) => void near.write(record + tail), end: () => near.end(), close: () => near.close() };
}

/** A table beside the probe's; a lookup or a registry stays what it is. */
function tableOf(extra: object | undefined, probe: object): object {
  if (extra === undefined) return probe;
  return Object.getPrototypeOf(extra) === Object.prototype ? { ...probe, ...extra } : extra;
}
