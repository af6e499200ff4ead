import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { hexOf } from "./bytes.ts";
import { taggedHash } from "./tagged-hash.ts";

test("it is SHA-256 over the digest of the tag, twice, and the fields behind their lengths", async () => {
  const tag = createHash("sha256").update("tag").digest();
  const wanted = createHash("sha256")
    .update(Buffer.concat([tag, tag, Buffer.from("\0\0\0\x02ab\0\0\0\0\0\0\0\x01c")]))
    .digest("hex");
  expect(hexOf(await taggedHash("tag", ["ab", "", Uint8Array.of(0x63)]))).toBe(wanted);
});

test("fields that read the same in a row have different digests", async () => {
  const digests = await Promise.all(
    [["ab", "c"], ["a", "bc"], ["abc"], ["abc", ""]].map((each) => taggedHash("t", each)),
  );
  expect(new Set(digests.map(hexOf)).size).toBe(4);
});
