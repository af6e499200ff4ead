import type { Cannot, CodecLink } from "../../core/codec.ts";
import type { Fault } from "../../core/errors.ts";
import { RpcError } from "../../core/errors.ts";
import type { Forms, Id, Message, RequestMessage } from "../../core/message.ts";
import { bytesOf, isLonger } from "../../core/text.ts";
import { errorText, faultOf, jsonText } from "./faults.ts";
import type { Meeting } from "./meeting.ts";
import type { Dialect } from "./options.ts";

/** Turns messages into JSON text. The envelope is put together by hand around the text of params, result or error. */
export class Encoder {
  readonly #link: CodecLink;
  readonly #dialect: Dialect;
  readonly #meeting: Meeting | undefined;
  readonly #cancelHead: string;
  /** The last method's JSON text: calls come in runs. */
  #lastName = "";
  #lastText = '""';

  constructor(link: CodecLink, dialect: Dialect, meeting: Meeting | undefined) {
    const { cancel } = dialect;
    this.#meeting = meeting;
    this.#link = link;
    this.#dialect = dialect;
    this.#cancelHead =
      cancel === undefined
        ? ""
        : `{"jsonrpc":"2.0","method":${JSON.stringify(cancel.method)},"params":{"${cancel.key}":`;
  }

  encode(messages: readonly Message[], cannot: Cannot): readonly string[] {
    const frames: string[] = [];
    for (const message of messages) {
      if (message.kind === "batch") {
        this.#batch(message.messages, cannot, frames);
        continue;
      }
      const text = this.#safely(message, cannot);
      if (text !== undefined) frames.push(text);
    }
    return frames;
  }

  /** A request alone travels as a plain object, replies always as a list. A list that is too long becomes several. */
  #batch(messages: readonly Message[], cannot: Cannot, frames: string[]): void {
    const texts: string[] = [];
    for (const message of messages) {
      const text = this.#safely(message, cannot, 2);
      if (text !== undefined) texts.push(text);
    }
    if (texts.length === 0) return;
    const kind = messages[0]?.kind;
    const max = this.#link.maxFrameBytes;
    const frame = (members: readonly string[]): string =>
      members.length === 1 && (kind === "call" || kind === "notify")
        ? (members[0] as string)
        : `[${members.join(",")}]`;
    const whole = frame(texts);
    if (isLonger(whole, max)) for (const part of split(texts, max)) frames.push(frame(part));
    else frames.push(whole);
  }

  /** `room` is what the frame needs beside the message. */
  #safely(message: Message, cannot: Cannot, room = 0): string | undefined {
    let reason: unknown;
    try {
      const text = this.#text(message);
      if (text === undefined || !isLonger(text, this.#link.maxFrameBytes - room)) return text;
      reason = new RpcError("resource_exhausted", `The message is larger than ${this.#link.maxFrameBytes} bytes`);
    } catch (thrown) {
      reason = thrown;
    }
    const instead = cannot(message, reason);
    return instead === undefined ? undefined : this.#substitute(instead, room);
  }

  /** What stands for a message that cannot be encoded; should it have the same trouble, less and less of it. */
  #substitute(message: Message, room: number): string | undefined {
    const max = this.#link.maxFrameBytes - room;
    try {
      const text = this.#text(message);
      if (text === undefined || !isLonger(text, max)) return text;
    } catch {
      // What follows has no data that could fail.
    }
    if (message.kind !== "error" && message.kind !== "result") return undefined;
    const bare: Fault = { ...faultOf(-32600, "Internal error"), code: "internal", wireCode: undefined };
    for (const id of [message.id, null]) {
      const text = this.#errorReply(id, bare);
      if (!isLonger(text, max)) return text;
    }
    return undefined;
  }

  #text(message: Message): string | undefined {
    switch (message.kind) {
      case "call":
        return `{"jsonrpc":"2.0","id":${message.id},"method":${this.#name(message.method)}${this.#params(message)}}`;
      case "notify":
        return `{"jsonrpc":"2.0","method":${this.#name(message.method)}${this.#params(message)}}`;
      case "result":
        return `{"jsonrpc":"2.0","id":${message.id},"result":${message.value === undefined ? "null" : jsonText(message.value)}}`;
      case "error":
        return this.#errorReply(message.id, message.error);
      case "cancel":
        return this.#cancelHead === "" ? undefined : `${this.#cancelHead}${message.id}}}`;
      case "hello":
      case "welcome":
      case "ping":
      case "pong":
      case "goodbye":
        return this.#meeting?.text(message);
      case "batch":
      case "invalid":
        return undefined;
      default:
        return message satisfies never;
    }
  }

  #errorReply(id: Id | null, error: Fault): string {
    return `{"jsonrpc":"2.0","id":${id},"error":${errorText(error, this.#dialect)}}`;
  }

  #name(method: string): string {
    if (method !== this.#lastName) {
      this.#lastText = JSON.stringify(method);
      this.#lastName = method;
    }
    return this.#lastText;
  }

  #params({ kind, params, forms }: RequestMessage & { readonly forms?: Forms | undefined }): string {
    if (params === undefined) return "";
    const kept = forms?.get("json");
    const text = typeof kept === "string" ? kept : jsonText(params);
    forms?.set("json", text);
    const first = text.charCodeAt(0);
    // A Date is an object and its JSON is not; null stays null.
    if (first !== 0x7b && first !== 0x5b && text !== "null" && !this.#mayPush(kind)) {
      throw new TypeError("The JSON form of params must be an array or an object");
    }
    return `,"params":${text}`;
  }

  #mayPush(kind: "call" | "notify"): boolean {
    return this.#dialect.verbatim && kind === "notify" && this.#link.role === "server";
  }
}

/** Cuts a list into parts that fit a frame as lists; each text fits one by itself. */
function split(texts: readonly string[], max: number): string[][] {
  const parts: string[][] = [];
  let part: string[] = [];
  let bytes = 1;
  for (const text of texts) {
    const more = bytesOf(text).length + 1;
    if (part.length > 0 && bytes + more > max) {
      parts.push(part);
      part = [];
      bytes = 1;
    }
    part.push(text);
    bytes += more;
  }
  parts.push(part);
  return parts;
}
