import { toBinary } from "@bufbuild/protobuf";
import { type Code, RpcError } from "../../core/errors.ts";
import type {
  CallMessage,
  ErrorMessage,
  HelloMessage,
  Id,
  Message,
  RequestMessage,
  ResultMessage,
} from "../../core/message.ts";
import type { End, EndSetup } from "./end.ts";
import {
  type ClientToServer_Hello,
  ClientToServerSchema,
  type Request,
  type Response,
  type ServerToClient,
  ServerToClientSchema,
} from "./generated/aperture/rpc/v1/rpc_pb.ts";
import { idOf, MAX_FIRST_ID, wireIdOf } from "./ids.ts";
import { decodeFrame, decodePayload, encodePayload } from "./payloads.ts";
import { faultOf } from "./statuses.ts";
import { durationOf } from "./times.ts";
import { isTypeName, typeUrlOf } from "./types.ts";

/** The end that accepts: it says requests and cancels, and hears a hello and then responses. */
export class Controller implements End {
  readonly #setup: EndSetup;
  /** The agent has said hello. */
  #met = false;

  constructor(setup: EndSetup) {
    this.#setup = setup;
  }

  refuses({ kind, method, params }: RequestMessage): string | undefined {
    if (kind === "notify") return "the coordinator's wire has no notifications, make it a call";
    if (this.#setup.methods.named(method) !== undefined) return undefined;
    if (params instanceof Uint8Array && isTypeName(method)) return undefined;
    return "coordinator() was given no such method. Add it, or call the type of a request by its full name, with its bytes";
  }

  say(message: Message): Uint8Array | undefined {
    switch (message.kind) {
      case "call":
        return frameOf({ case: "request", value: this.#request(message) });
      case "cancel":
        return frameOf({ case: "cancelId", value: wireIdOf(message.id) });
      default:
        return undefined;
    }
  }

  hear(frame: Uint8Array): Message | undefined {
    const { msg } = decodeFrame(ClientToServerSchema, frame);
    if (!this.#met) {
      if (msg.case !== "hello") throw new RpcError("invalid_argument", "Expected hello before anything else");
      this.#met = true;
      return helloOf(msg.value);
    }
    if (msg.case === "hello") throw new RpcError("invalid_argument", "Unexpected hello: this stream has had one");
    return msg.case === "response" ? this.#reply(msg.value) : undefined;
  }

  #request({ id, method, params, timeoutMs, forms }: CallMessage): Request {
    const { methods, maxDepth } = this.#setup;
    const type = methods.named(method)?.request;
    const typeUrl = typeUrlOf(type?.typeName ?? method);
    // The links of one wire share its methods, and with them the types.
    const kept = forms?.get(methods);
    const value = kept instanceof Uint8Array ? kept : encodePayload({ type, value: params, name: "params" }, maxDepth);
    forms?.set(methods, value);
    return {
      $typeName: "aperture.rpc.v1.Request",
      id: wireIdOf(id),
      timeout: durationOf(timeoutMs),
      payload: { $typeName: "google.protobuf.Any", typeUrl, value },
    };
  }

  #reply({ id: wireId, result }: Response): ResultMessage | ErrorMessage {
    const { link, methods, maxDepth } = this.#setup;
    const id = idOf(wireId);
    if (result.case === "error") return { kind: "error", id, error: faultOf(result.value, maxDepth), call: undefined };
    const call = link.pending(id);
    // Nobody waits for it, and nobody else knows of what type it is.
    if (call === undefined) return { kind: "result", id, value: undefined, call: undefined };
    if (result.case === undefined) return unread(id, "data_loss", "The reply has neither a payload nor an error");
    try {
      const value = decodePayload(methods.named(call.method)?.response, result.value, maxDepth);
      return { kind: "result", id, value, call: undefined };
    } catch (thrown) {
      return unread(id, "invalid_argument", RpcError.from(thrown).message);
    }
  }
}

function frameOf(command: ServerToClient["command"]): Uint8Array {
  return toBinary(ServerToClientSchema, { $typeName: "aperture.rpc.v1.ServerToClient", command });
}

function helloOf({ name, nextId }: ClientToServer_Hello): HelloMessage {
  if (nextId <= MAX_FIRST_ID) return { kind: "hello", hello: { name, nextId: Number(nextId) } };
  throw new RpcError("invalid_argument", `The first id must be at most ${MAX_FIRST_ID}, not ${nextId}`);
}

/** It ran, and its result was lost. */
function unread(id: Id, code: Code, message: string): ErrorMessage {
  return { kind: "error", id, error: { code, message, executed: "yes" }, call: undefined };
}
