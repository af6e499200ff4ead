import { toBinary } from "@bufbuild/protobuf";
import { type Code, RpcError } from "../../core/errors.ts";
import type { CallMessage, Hello, Id, InvalidMessage, Message, ResultMessage } from "../../core/message.ts";
import type { End, EndSetup } from "./end.ts";
import {
  type ClientToServer,
  type ClientToServer_Hello,
  ClientToServerSchema,
  type Request,
  type Response,
  ServerToClientSchema,
} from "./generated/aperture/rpc/v1/rpc_pb.ts";
import { idOf, wireIdOf } from "./ids.ts";
import { decodeFrame, decodePayload, encodePayload } from "./payloads.ts";
import { statusOf } from "./statuses.ts";
import { msOf } from "./times.ts";
import { typeNameOf } from "./types.ts";

/** The end that dials: it says hello and then responses, and hears requests and cancels. */
export class Agent implements End {
  readonly #setup: EndSetup;

  constructor(setup: EndSetup) {
    this.#setup = setup;
  }

  refuses(): string {
    return "on the coordinator's wire only the end that accepted makes calls";
  }

  say(message: Message): Uint8Array | undefined {
    switch (message.kind) {
      case "hello":
        return frameOf({ case: "hello", value: helloMessage(message.hello) });
      case "result":
        return response(message.id, { case: "payload", value: this.#payload(message) });
      case "error":
        if (message.id === null) return undefined;
        return response(message.id, { case: "error", value: statusOf(message.error, message.call) });
      default:
        return undefined;
    }
  }

  hear(frame: Uint8Array): Message | undefined {
    const { command } = decodeFrame(ServerToClientSchema, frame);
    switch (command.case) {
      case "request":
        return this.#call(command.value);
      case "cancelId":
        return { kind: "cancel", id: idOf(command.value) };
      default:
        return undefined;
    }
  }

  #payload({ call, value }: ResultMessage): Uint8Array {
    const { methods, maxDepth } = this.#setup;
    const of = call?.method ?? "";
    return encodePayload({ type: methods.named(of)?.response, value, name: "result", of }, maxDepth);
  }

  #call({ id: wireId, timeout, payload }: Request): CallMessage | InvalidMessage | undefined {
    const { link, methods, maxDepth } = this.#setup;
    const id = idOf(wireId);
    // An answer to the second of two would be taken for the answer to the first.
    if (link.running(id)) return undefined;
    const typeName = payload === undefined ? "" : typeNameOf(payload.typeUrl);
    if (payload === undefined || typeName === "")
      return invalid(id, undefined, "invalid_argument", "The request has no type");
    const known = methods.taking(typeName);
    // It is the name of a method that takes another type.
    if (known === undefined && methods.named(typeName) !== undefined) {
      return invalid(id, typeName, "unimplemented", "method not found");
    }
    const method = known?.name ?? typeName;
    try {
      const params = decodePayload(known?.request, payload.value, maxDepth);
      return { kind: "call", id, method, params, timeoutMs: msOf(timeout), meta: undefined };
    } catch (thrown) {
      return invalid(id, method, "invalid_argument", RpcError.from(thrown).message);
    }
  }
}

function frameOf(msg: ClientToServer["msg"]): Uint8Array {
  return toBinary(ClientToServerSchema, { $typeName: "aperture.rpc.v1.ClientToServer", msg });
}

function response(id: Id, result: Response["result"]): Uint8Array {
  return frameOf({
    case: "response",
    value: { $typeName: "aperture.rpc.v1.Response", id: wireIdOf(id), result },
  });
}

/** Of what an end says of itself the wire has its name, and which id it wants to see first. */
function helloMessage({ name = "", nextId = 0 }: Hello): ClientToServer_Hello {
  return { $typeName: "aperture.rpc.v1.ClientToServer.Hello", name, nextId: BigInt(nextId) };
}

function invalid(id: Id, method: string | undefined, code: Code, message: string): InvalidMessage {
  return { kind: "invalid", id, method, error: { code, message, executed: "no" } };
}
