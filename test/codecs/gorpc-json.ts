import { GorpcCodec } from "../../src/codecs/gorpc/codec.ts";
import type { Codec, CodecLink } from "../../src/core/codec.ts";
import type { Wire } from "../../src/core/wire.ts";
import { gorpc } from "../../src/gorpc.ts";
import type { GorpcWireOptions } from "../../src/wires/gorpc.ts";
import { type JsonForm, JsonTextCodec } from "./json-text.ts";

const FORM: JsonForm = {
  wrap: (text) => text,
  unwrap: (value) => value,
};

/** gorpc's wire for suites that speak of any JSON: their values cross as its text. */
export function gorpcJson(options?: GorpcWireOptions): Wire {
  return { ...gorpc(options), name: "gorpc", codec: gorpcJsonCodec };
}

/** The real codec, whose values are JSON. */
export function gorpcJsonCodec(link: CodecLink): Codec {
  return new JsonTextCodec(new GorpcCodec(link), FORM);
}
