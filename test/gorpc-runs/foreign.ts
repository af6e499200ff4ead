import type { Pipe } from "../../src/core/channel.ts";
import { Decoder } from "../../src/gob/decoder.ts";
import { Encoder } from "../../src/gob/encoder.ts";
import { gorpc } from "../../src/gorpc.ts";
import type { MemoryEnd } from "../../src/transports/memory.ts";
import { fromHex, toHex } from "../gob/bytes.ts";
import { dispatcherRequest, dispatcherResponse, TYPES, wireRequest, wireResponse } from "../gob/described.ts";
import { Recorder } from "../suites/support.ts";
import type { Loop } from "./stage.ts";

const DISPATCHER: ReadonlySet<unknown> = new Set([dispatcherRequest, dispatcherResponse]);

/** Our own end, which knows the types of the captures; over pipes in memory. */
export const OURS = { wire: gorpc({ types: TYPES.filter((type) => !DISPATCHER.has(type)) }) } as const;

/** What a foreign end reads in one message. */
export interface Reply {
  readonly id: number;
  /** The reply itself, without the dispatcher's wrapping. */
  readonly value: unknown;
  readonly inner: string;
  readonly outer: string;
}

/** An end of gorpc's wire that is not ours: it says the bytes that it is told to, and keeps what it hears. */
export class Foreign {
  readonly heard: Recorder;
  readonly #pipe: Pipe & Partial<MemoryEnd>;
  readonly #encoder = new Encoder();

  constructor(pipe: Pipe) {
    this.#pipe = pipe;
    this.heard = new Recorder().open(pipe, { closeOnEnd: false });
  }

  /** Dials the server of a loop; says nothing yet. */
  static async client(loop: Loop): Promise<Foreign> {
    const { pipe } = await loop.network.dial("loop")(new AbortController().signal);
    if (pipe === undefined) throw new TypeError("The loop has pipes");
    return new Foreign(pipe);
  }

  /** Says bytes, or hex. */
  say(bytes: Uint8Array | string): void {
    void this.#pipe.write(typeof bytes === "string" ? fromHex(bytes) : bytes);
  }

  /** Says a request of a dispatcher, as Go's client does; id 0 wants no reply. */
  request(id: number, name: string, params: unknown = null): void {
    const Request = dispatcherRequest.of({ Request: params, Name: name });
    this.say(this.#encoder.encode(wireRequest, { ID: BigInt(id), Request }));
  }

  /** Says a reply of a dispatcher, or a raw one. */
  reply(id: number, value: unknown, form: "dispatcher" | "raw" = "dispatcher"): void {
    const Response = form === "raw" ? value : dispatcherResponse.of({ Response: value, Error: "" });
    this.say(this.#encoder.encode(wireResponse, { ID: BigInt(id), Response, Error: "" }));
  }

  /** The replies that it has heard; throws when they are no gob stream. */
  get replies(): Reply[] {
    const decoder = new Decoder({ types: TYPES });
    return decoder.push(this.heard.bytes, wireResponse).map(({ ID, Response, Error: outer }) => {
      const { Response: value, Error: inner } = (Response ?? { Response: null, Error: "" }) as {
        Response: unknown;
        Error: string;
      };
      return { id: Number(ID), value: value === undefined ? Response : value, inner: inner ?? "", outer };
    });
  }

  /** What it has heard, hex. */
  get hex(): string {
    return toHex(this.heard.bytes);
  }

  /** Says that nothing more will come. */
  end(): void {
    this.#pipe.end?.();
  }

  close(): void {
    this.#pipe.close();
  }
}

/** Takes the places of a server: gives the ends that were dialled, in their order. */
export async function foreignServer(loop: Loop): Promise<Foreign[]> {
  const ends: Foreign[] = [];
  await loop.network.listen("loop")(({ pipe }) => {
    if (pipe !== undefined) ends.push(new Foreign(pipe));
  });
  return ends;
}
