import type { Role } from "../../core/channel.ts";
import type { Carries } from "../../core/codec.ts";
import { RpcError } from "../../core/errors.ts";
import { helloOf } from "../../core/hello.ts";
import type { Hello, Id, Message } from "../../core/message.ts";
import type { Envelope } from "./envelope.ts";
import { errorText } from "./faults.ts";
import type { Dialect } from "./options.ts";

/**
 * How two ends of this library meet on JSON-RPC, which has no opening of its own. The dialler calls `convoke.hello` with
 * what it says of itself and is answered with what the other end says, or with an error that refuses it. From then on
 * either may call `convoke.ping` for a sign of life, and say `convoke.goodbye`, a notification with `text` and
 * `redialAfterMs` (-1: never). An end that has not met the other so sees none of these.
 */
const HELLO = "convoke.hello";
const PING = "convoke.ping";
const GOODBYE = "convoke.goodbye";

/** The ids of these calls: text, so that they are none of a peer's own numbers. They are JSON, quotes included. */
const HELLO_ID = '"convoke.hello"';
const PING_ID = '"convoke.ping"';

/** What the codec must know of the link while it meets. */
export class Meeting {
  readonly #dialect: Dialect;
  readonly #role: Role;
  /** `asked`: a hello is under way, this end's or the other's. `plain`: the other side knows nothing of this. */
  #state: "new" | "asked" | "met" | "plain" = "new";
  /** The id of the other side's hello. */
  #helloId: Id = HELLO_ID;

  constructor(role: Role, dialect: Dialect) {
    this.#role = role;
    this.#dialect = dialect;
  }

  /** What this end can say as things are. */
  get carries(): Carries {
    const { plain, asked, met } = this.#dialect.carries;
    if (this.#state === "met") return met;
    // Goodbye in place of welcome is an error in answer to hello.
    return this.#state === "asked" && this.#role === "server" ? asked : plain;
  }

  /** The JSON text of what meets, keeps alive and parts; `undefined` for what the link does not say now. */
  text(message: Message): string | undefined {
    switch (message.kind) {
      case "hello":
        this.#state = "asked";
        return request(HELLO_ID, HELLO, helloFields(message.hello));
      case "welcome":
        if (this.#state !== "asked") return undefined;
        this.#state = "met";
        return `{"jsonrpc":"2.0","id":${this.#helloId},"result":${JSON.stringify(helloFields(message.hello))}}`;
      case "goodbye": {
        const { text, redialAfterMs } = message;
        const fields = { text, redialAfterMs: redialAfterMs === Number.POSITIVE_INFINITY ? -1 : redialAfterMs };
        if (this.#state === "met") return request(undefined, GOODBYE, fields);
        return this.#state === "asked" && this.#role === "server"
          ? this.#refusal(text, fields.redialAfterMs)
          : undefined;
      }
      case "ping":
        return this.#state === "met" ? request(PING_ID, PING, undefined) : undefined;
      case "pong":
        return this.#state === "met" ? `{"jsonrpc":"2.0","id":${idText(message.token)},"result":null}` : undefined;
      default:
        return undefined;
    }
  }

  /** What a message of the other side says to this end itself; `undefined` for all that is for its user. `id` is null where there is none. */
  read(it: Envelope, id: Id | null): Message | undefined {
    const { method, params } = it;
    if (method === undefined) return this.#answer(it, id);
    if (method === HELLO && this.#role === "server" && id !== null) {
      // The engine refuses a second one.
      if (this.#state === "new") {
        this.#state = "asked";
        this.#helloId = id;
      }
      return { kind: "hello", hello: helloOf(params) };
    }
    if (this.#state !== "met") return undefined;
    if (method === PING && id !== null) return { kind: "ping", token: id };
    if (method === GOODBYE && id === null) return readGoodbye(params);
    return undefined;
  }

  #answer({ result, error }: Envelope, id: Id | null): Message | undefined {
    if (id === PING_ID && this.#state === "met") return { kind: "pong", token: undefined };
    if (id !== HELLO_ID || this.#role !== "client" || this.#state !== "asked") return undefined;
    if (error === undefined || error === null) {
      this.#state = "met";
      return { kind: "welcome", hello: helloOf(result) };
    }
    const { code, message, data } = fieldsOf(error);
    if (typeof code === "number" && this.#dialect.names.get(code) === "unimplemented") {
      this.#state = "plain";
      return { kind: "welcome", hello: {} };
    }
    return readGoodbye({ text: message, redialAfterMs: fieldsOf(data)["redialAfterMs"] });
  }

  #refusal(text: string, redialAfterMs: number | undefined): string {
    const error = new RpcError("failed_precondition", text, { data: { redialAfterMs } });
    return `{"jsonrpc":"2.0","id":${this.#helloId},"error":${errorText(error, this.#dialect)}}`;
  }
}

function request(id: string | undefined, method: string, params: object | undefined): string {
  const idPart = id === undefined ? "" : `"id":${id},`;
  return `{"jsonrpc":"2.0",${idPart}"method":"${method}"${params === undefined ? "" : `,"params":${JSON.stringify(params)}`}}`;
}

function idText(token: unknown): string {
  return typeof token === "number" || typeof token === "string" ? String(token) : "null";
}

function helloFields({ name, labels, session, moves, maxFrameBytes, heartbeatMs }: Hello): object {
  return { name, labels, session, moves, maxFrameBytes, heartbeatMs };
}

function readGoodbye(value: unknown): Message {
  const { text, redialAfterMs } = fieldsOf(value);
  return {
    kind: "goodbye",
    text: typeof text === "string" ? text : "",
    redialAfterMs:
      typeof redialAfterMs !== "number" ? undefined : redialAfterMs < 0 ? Number.POSITIVE_INFINITY : redialAfterMs,
  };
}

/** The members of an object; none of anything else. */
function fieldsOf(value: unknown): { readonly [name: string]: unknown } {
  return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}
