import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { protocolError } from "../../core/errors.ts";
import { printable } from "../../core/text.ts";
import { kindOf, Unfit } from "../../core/unfit.ts";
import { checkFit } from "./fit.ts";

/** A value on its way out. */
export interface Payload {
  /** Without one the value is the bytes of a message already. */
  readonly type: DescMessage | undefined;
  /** A message, or an object of its fields; nothing is an empty message. */
  readonly value: unknown;
  /** What it is called where it does not fit: `params`. */
  readonly name: string;
  /** The method that gave it. */
  readonly of?: string;
}

/** The bytes of a message. Throws for a value that does not fit, and says where. */
export function encodePayload({ type, value, name, of }: Payload, maxDepth: number): Uint8Array {
  try {
    if (type === undefined) return bytesOf(value);
    const given = value ?? {};
    checkFit(type, given, maxDepth);
    return toBinary(type, create(type, given as MessageInitShape<DescMessage>));
  } catch (thrown) {
    if (!(thrown instanceof Unfit)) throw thrown;
    throw thrown.at(of === undefined ? name : `the ${name} of "${printable(of)}"`);
  }
}

/** The message of its bytes; without a type, a copy of them. Throws `RpcError` for bytes that are none, or nest too deep. */
export function decodePayload(type: DescMessage | undefined, bytes: Uint8Array, maxDepth: number): unknown {
  // The copy does not keep the frame in memory.
  if (type === undefined) return new Uint8Array(bytes);
  return decodeMessage(type, bytes, { recursionLimit: maxDepth });
}

/** The message of a frame, without what this version of it does not know. Throws the protocol error for any other bytes. */
export function decodeFrame<Type extends DescMessage>(type: Type, frame: Uint8Array): MessageShape<Type> {
  return decodeMessage(type, frame, { readUnknownFields: false });
}

function decodeMessage<Type extends DescMessage>(
  type: Type,
  bytes: Uint8Array,
  options: Parameters<typeof fromBinary>[2],
): MessageShape<Type> {
  try {
    return fromBinary(type, bytes, options);
  } catch (cause) {
    const why = cause instanceof Error ? printable(cause.message) : "unreadable";
    throw protocolError(`Not a message of type ${type.typeName}: ${why}`, { cause });
  }
}

function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new Unfit(`the bytes of a message are needed, a Uint8Array, not ${kindOf(value)}`);
}
