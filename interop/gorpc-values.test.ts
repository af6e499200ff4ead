import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as gob from "convoke/gob";
import { gorpc } from "convoke/gorpc";
import { connect } from "convoke/node";
import { expect, test } from "vitest";
import { Item, ROWS, TYPES } from "./gorpc-types.ts";
import { goPartner } from "./partners/go-partner.ts";

const VALUES = Number(process.env["CONVOKE_GORPC_VALUES"] ?? 10_000);

const go = await goPartner("gorpc");

/** Reads the stream in pieces of all sizes and writes each value again. */
function again(
  stream: Uint8Array,
  types: readonly gob.AnyType[],
): { readonly count: number; readonly bytes: Uint8Array } {
  const decoder = new gob.Decoder({ types, interfaces: "typed" });
  const encoder = new gob.Encoder();
  let count = 0;
  for (let at = 0, size = 1; at < stream.length; at += size, size = (size * 7 + 1) % 10_007) {
    for (const item of decoder.push(stream.subarray(at, at + size), Item)) {
      encoder.add(Item, item);
      count++;
    }
  }
  decoder.end();
  return { count, bytes: encoder.take() };
}

test.skipIf(!go.found).each([
  ["with descriptions", 1, TYPES],
  ["with descriptions", 2, TYPES],
  ["described by the stream alone", 3, []],
] as const)(
  `${VALUES} random values of ${ROWS.length} types come back to Go as they were, %s, seed %i`,
  async (_, seed, types) => {
    const [out, back] = [join(go.folder, `out-${seed}`), join(go.folder, `back-${seed}`)];
    const flags = ["-seed", String(seed), "-count", String(VALUES)];
    const written = (await go.run("values", ["-out", out, ...flags])) as { types: string[] };
    expect(written.types).toEqual(ROWS.map((row) => row.go));

    const { count, bytes } = again(await readFile(out), types);
    expect(count).toBe(VALUES);
    await writeFile(back, bytes);
    expect(await go.run("values", ["-in", back, ...flags])).toEqual({ equal: VALUES, differences: [] });
  },
);

test.skipIf(!go.found)("each of the Go types that cross is that type in Go, and comes back equal", async () => {
  const clientOf = async (mode: string) => {
    const client = await connect(`tcp://${await go.serve("server", ["-mode", mode])}`, {
      wire: gorpc({ types: TYPES }),
      redial: false,
    });
    go.afterTest(() => client.close({ graceMs: 0 }));
    return client;
  };
  const [raw, typed] = [await clientOf("raw"), await clientOf("type")];
  for (const row of ROWS) {
    expect(await typed.call("", row.type.of(row.value)), row.go).toBe(row.go);
    expect(await raw.call("", row.type.of(row.value)), row.go).toEqual(row.value);
  }
});
