import { create, createFileRegistry, type DescMessage, isMessage, type Message } from "@bufbuild/protobuf";
import {
  FileDescriptorProtoSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";
import type { CoordinatorMethods } from "../../src/codecs/coordinator/methods.ts";
import type { Codec, CodecLink } from "../../src/core/codec.ts";
import type { Wire } from "../../src/core/wire.ts";
import { coordinator } from "../../src/wires/coordinator.ts";
import { type JsonForm, JsonTextCodec } from "./json-text.ts";

type Json = Message & { readonly json: string };

const FORM: JsonForm = {
  wrap: (text) => (text === undefined ? undefined : { json: text }),
  // A message without text is no value.
  unwrap: (value) => (isMessage(value) ? (value as Partial<Json>).json || undefined : value),
};

/** The coordinator's wire for suites that speak of any JSON: their values cross as its text, in a type for each method. */
export function coordinatorJson(methods: readonly string[]): Wire {
  const wire = coordinator({ methods: jsonMethods(methods) });
  return { ...wire, codec: (link) => jsonCodec(wire, link) };
}

/** The codec of such a wire. */
export function coordinatorJsonCodec(methods: readonly string[]): (link: CodecLink) => Codec {
  return coordinatorJson(methods).codec;
}

function jsonCodec(wire: Wire, link: CodecLink): Codec {
  return new JsonTextCodec(wire.codec(link), FORM);
}

/** Each method has a type of its own, which is that of its response too. */
function jsonMethods(methods: readonly string[]): CoordinatorMethods {
  const nameOf = (at: number): string => `Json${at}`;
  const field = { name: "json", number: 1, type: Type.STRING, label: Label.OPTIONAL };
  const file = create(FileDescriptorProtoSchema, {
    name: "json.proto",
    package: "test",
    syntax: "proto3",
    messageType: methods.map((_, at) => ({ name: nameOf(at), field: [field] })),
  });
  const registry = createFileRegistry(file, () => undefined);
  const typeAt = (at: number): DescMessage => registry.getMessage(`test.${nameOf(at)}`) as DescMessage;
  return Object.fromEntries(methods.map((method, at) => [method, [typeAt(at), typeAt(at)] as const]));
}
