/** The wire of two Convoke ends, for programs and for pages. */
export type { BodyName } from "./codecs/native/body.ts";
export type { NativeOptions } from "./codecs/native/codec.ts";
export type { Compression, NativeWireOptions } from "./wires/native.ts";
export { native } from "./wires/native.ts";
