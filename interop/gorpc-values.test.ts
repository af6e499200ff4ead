import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as gob from "convoke/gob";
import { gorpc } from "convoke/gorpc";
import { connect } from "convoke/node";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { Item, ROWS, TYPES } from "./gorpc-types.ts";
import { buildGo, type GoPrograms, hasGo } from "./partners/go.ts";

const VALUES = Number(process.env["CONVOKE_GORPC_VALUES"] ?? 10_000);

const found = await hasGo();
let go: GoPrograms;
let folder: string;
const cleanups: (() => unknown)[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "convoke-gob-"));
  if (found) go = await buildGo("gorpc");
}, 300_000);
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
afterAll(async () => {
  await go?.close();
  await rm(folder, { recursive: true, force: true });
});

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

test.skipIf(!found).each([
  ["with descriptions", 1, TYPES],
  ["with descriptions", 2, TYPES],
  ["described by the stream alone", 3, []],
] as const)(
  `${VALUES} random values of ${ROWS.length} types come back to Go as they were, %s, seed %i`,
  async (_, seed, types) => {
    const [out, back] = [join(folder, `out-${seed}`), join(folder, `back-${seed}`)];
    const flags = ["-seed", String(seed), "-count", String(VALUES)];
    const written = (await go.run("values", ["-out", out, ...flags])) as { types: string[] };
    expect(written.types).toEqual(ROWS.map((row) => row.go));

    const { count, bytes } = again(await readFile(out), types);
    expect(count).toBe(VALUES);
    await writeFile(back, bytes);
    expect(await go.run("values", ["-in", back, ...flags])).toEqual({ equal: VALUES, differences: [] });
  },
);

test.skipIf(!found)("each of the Go types that cross is that type in Go, and comes back equal", async () => {
  const clientOf = async (mode: string) => {
    const client = await connect(`tcp://${await go.serve("server", ["-mode", mode])}`, {
      wire: gorpc({ types: TYPES }),
      redial: false,
    });
    cleanups.push(() => client.close({ graceMs: 0 }));
    return client;
  };
  const [raw, typed] = [await clientOf("raw"), await clientOf("type")];
  for (const row of ROWS) {
    expect(await typed.call("", row.type.of(row.value)), row.go).toBe(row.go);
    expect(await raw.call("", row.type.of(row.value)), row.go).toEqual(row.value);
  }
});
