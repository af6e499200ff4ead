// Reads hostile streams in a process of its own, whose memory tells what they cost.
import { RpcError } from "../../dist/core/errors.js";
import * as gob from "../../dist/gob.js";
import { answering } from "../load/answering.js";

const types = {
  none: undefined,
  string: gob.string,
  bytes: gob.bytes,
  ints: gob.slice(gob.int),
  empties: gob.slice(gob.struct("main.E", {})),
  map: gob.map(gob.string, gob.int),
  array: gob.array(3, gob.int),
  time: gob.time,
  holder: gob.struct("main.Holder", { V: gob.any }),
};
/** Decoders that wait for the rest of a message. */
const waiting = [];

function heldBytes() {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function read(bytes, type, options) {
  const decoder = new gob.Decoder(options);
  if (type === undefined) decoder.push(bytes);
  else decoder.push(bytes, type);
  decoder.end();
}

/** Reads it, and says how it was refused and by how many bytes memory grew, garbage and all. */
function measure({ base64, type, options }) {
  const bytes = new Uint8Array(Buffer.from(base64, "base64"));
  globalThis.gc();
  const [held, peak] = [heldBytes(), process.resourceUsage().maxRSS];
  let refusal = "taken";
  try {
    read(bytes, types[type], options);
  } catch (error) {
    refusal = error instanceof RpcError ? error.code : String(error);
  }
  return { refusal, heldBytes: heldBytes() - held, rssBytes: (process.resourceUsage().maxRSS - peak) * 1024 };
}

answering({
  measure,
  /** Begins so many messages that go on. */
  wait({ base64, times }) {
    globalThis.gc();
    const held = heldBytes();
    const bytes = new Uint8Array(Buffer.from(base64, "base64"));
    for (let time = 0; time < times; time++) {
      const decoder = new gob.Decoder();
      decoder.push(bytes);
      waiting.push(decoder);
    }
    globalThis.gc();
    return heldBytes() - held;
  },
});
