/** Go's `encoding/gob`: types described once, and encoders and decoders of its streams. Use it as `import * as gob`. */
export { type Decoded, Decoder, type DecoderOptions } from "./gob/decoder.ts";
export { Encoder, type EncoderOptions } from "./gob/encoder.ts";
export { GoTime, time } from "./gob/time.ts";
export * from "./gob/type.ts";
