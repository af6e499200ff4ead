import type { Frame } from "../../src/core/channel.ts";
import type { Cannot, Carries, Codec, CodecLink } from "../../src/core/codec.ts";
import { type Code, RpcError } from "../../src/core/errors.ts";
import { parseJson } from "../../src/core/json.ts";
import type { CallMessage, Id, Message, RequestMessage } from "../../src/core/message.ts";
import { isLonger, textOf } from "../../src/core/text.ts";
import type { Wire } from "../../src/core/wire.ts";
import { lengthPrefix } from "../../src/framings/length-prefix.ts";

/** The table of one protocol: names without prefix and suffix. */
export interface CommandOptions {
  readonly prefix: string;
  readonly methods: readonly string[];
  readonly notifications?: readonly string[];
}

/** A stand-in for Hemi's commands, until the real ones come. Close code 4100 means never to dial again. */
export function command(options: CommandOptions): Wire {
  return {
    name: "command",
    framing: lengthPrefix(),
    ordered: false,
    codec: (link) => new CommandCodec(options, link),
    closed: (reason) => (reason.closeCode === 4100 ? { ...reason, redialAfterMs: Number.POSITIVE_INFINITY } : reason),
  };
}

interface Command {
  readonly header: { readonly command: string; readonly id?: string };
  readonly payload?: unknown;
}

/** The members that an object of this wire may have. */
interface Json {
  readonly timestamp?: unknown;
  readonly error?: unknown;
}

/** `{header:{command,id},payload}`: the reply's name comes from the request's, errors travel in the payload. */
export class CommandCodec implements Codec {
  /** The first ping of the accepter, id "0", is its welcome. */
  readonly carries: Carries = {
    hello: "never",
    welcome: true,
    ping: true,
    cancel: false,
    goodbye: false,
    answersCancelled: true,
  };
  readonly #options: CommandOptions;
  readonly #link: CodecLink;
  readonly #methods: ReadonlySet<string>;
  readonly #notifications: ReadonlySet<string>;
  #welcomed = false;

  constructor(options: CommandOptions, link: CodecLink) {
    this.#options = options;
    this.#link = link;
    this.#methods = new Set(options.methods);
    this.#notifications = new Set(options.notifications);
  }

  refuses({ kind, method }: RequestMessage): RpcError | undefined {
    if ((kind === "call" ? this.#methods : this.#notifications).has(method)) return undefined;
    const why = `Cannot send "${method.slice(0, 64)}": it is not in the table of "${this.#options.prefix}"`;
    return new RpcError("unimplemented", why, { executed: "no" });
  }

  encode(messages: readonly Message[], cannot: Cannot): readonly Frame[] {
    const frames: string[] = [];
    for (const message of messages.flatMap((each) => (each.kind === "batch" ? each.messages : [each]))) {
      try {
        const it = this.#command(message);
        if (it === undefined) continue;
        const text = JSON.stringify(it);
        if (isLonger(text, this.#link.maxFrameBytes))
          throw new RpcError("resource_exhausted", "The command is too large");
        frames.push(text);
      } catch (thrown) {
        const instead = cannot(message, thrown);
        if (instead !== undefined) frames.push(...(this.encode([instead], () => undefined) as string[]));
      }
    }
    return frames;
  }

  decode(frame: Frame): readonly Message[] {
    const it = this.#parse(frame);
    if (it === undefined) return [invalid(null, "invalid_argument")];
    const message = this.#message(it);
    if (this.#link.role === "server" || this.#welcomed) return [message];
    this.#welcomed = true;
    // A push may overtake the first ping: it opens the link as well, and is served.
    const welcome: Message = { kind: "welcome", hello: {} };
    return message.kind === "ping" && it.header.id === "0" ? [welcome] : [welcome, message];
  }

  #command(message: Message): Command | undefined {
    switch (message.kind) {
      case "call":
        return this.#of(message.method, "request", String(message.id), message.params ?? {});
      case "notify":
        return { header: { command: this.#name(message.method, "notification") }, payload: message.params ?? {} };
      case "result":
        return message.call && this.#of(message.call.method, "response", String(message.id), message.value ?? {});
      case "error": {
        if (message.call?.method === undefined || message.id === null) return undefined;
        const { trace, message: text } = message.error;
        return this.#of(message.call.method, "response", String(message.id), { error: { trace, message: text } });
      }
      case "welcome":
        return this.#of("ping", "request", "0", { timestamp: 0 });
      case "ping":
        return this.#of("ping", "request", "ping", { timestamp: 0 });
      case "pong": {
        const { id, timestamp } = message.token as { id: string; timestamp: unknown };
        return this.#of("ping", "response", id, { origintimestamp: timestamp, timestamp: 0 });
      }
      default:
        return undefined;
    }
  }

  #of(method: string, suffix: string, id: string, payload: unknown): Command {
    return { header: { command: this.#name(method, suffix), id }, payload };
  }

  #name(method: string, suffix: string): string {
    return `${this.#options.prefix}-${method}-${suffix}`;
  }

  #message({ header, payload }: Command): Message {
    const head = `${this.#options.prefix}-`;
    const match = header.command.startsWith(head)
      ? /^(.+)-(request|response|notification)$/s.exec(header.command.slice(head.length))
      : null;
    const method = match?.[1];
    const body = typeof payload === "object" && payload !== null ? (payload as Json) : {};
    if (method === undefined) return invalid(header.id ?? null, "unimplemented");
    if (match?.[2] === "response")
      return method === "ping" ? { kind: "pong", token: undefined } : this.#reply(method, header.id, body);
    if (match?.[2] === "request" && method === "ping") {
      return { kind: "ping", token: { id: header.id ?? "", timestamp: body.timestamp } };
    }
    if (match?.[2] === "notification" || header.id === undefined) {
      return { kind: "notify", method, params: body, meta: undefined };
    }
    return { kind: "call", id: header.id, method, params: body, timeoutMs: undefined, meta: undefined };
  }

  #reply(method: string, text: string | undefined, body: Json): Message {
    const id: Id = text !== undefined && /^[1-9]\d{0,14}$/.test(text) ? Number(text) : (text ?? "");
    const call: CallMessage | undefined = this.#link.pending(id);
    if (call !== undefined && call.method !== method) {
      const error = {
        code: "data_loss",
        message: `The reply to "${call.method}" has another name`,
        executed: "yes",
      } as const;
      return { kind: "error", id, call: undefined, error };
    }
    const { error } = body;
    if (typeof error !== "object" || error === null) return { kind: "result", id, value: body, call: undefined };
    const { message, trace } = error as { message?: unknown; trace?: unknown };
    const why = typeof message === "string" ? message : "";
    const code: Code =
      typeof trace === "string" ? "internal" : why.startsWith("not found") ? "not_found" : "invalid_argument";
    const fault = { code, message: why, trace: typeof trace === "string" ? trace : undefined };
    return { kind: "error", id, call: undefined, error: fault };
  }

  #parse(frame: Frame): Command | undefined {
    try {
      const { header, payload } = parseJson(textOf(frame), this.#link.limits.maxDepth) as {
        readonly header?: { readonly command?: unknown; readonly id?: unknown };
        readonly payload?: unknown;
      };
      const { command: name, id } = header ?? {};
      if (typeof name !== "string" || (id !== undefined && typeof id !== "string")) return undefined;
      return { header: id === undefined || id === "" ? { command: name } : { command: name, id }, payload };
    } catch {
      return undefined;
    }
  }
}

function invalid(id: Id | null, code: Code): Message {
  return { kind: "invalid", id, method: undefined, error: { code, message: "invalid command" } };
}
