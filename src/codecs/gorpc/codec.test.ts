import { callOf } from "../../../test/codecs/ends.ts";
import { GorpcJsonCodec } from "../../../test/codecs/gorpc-json.ts";
import { codecSuite } from "../../../test/suites/codec-suite.ts";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ""), "hex"));

codecSuite(
  "gorpc",
  (link) => new GorpcJsonCodec(link),
  [
    {
      says: "a raw request defines its type once",
      from: "client",
      messages: [callOf("", 7, 1), callOf("", 8, 2)],
      frames: [
        hex(`2c ff810301010b7769726552657175657374 01ff820001020102494401060001075265717565737401100000 00
             12 ff82 0101 01 06737472696e67 0c03000137 00 12 ff82 0102 01 06737472696e67 0c03000138 00`),
      ],
    },
  ],
  {
    callers: ["client"],
    notifiers: ["client"],
    cancellers: [],
    codeOf: (code) => (code === "internal" ? code : "unknown"),
  },
);
