import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll } from "vitest";
import { buildGo, type GoPrograms, hasGo } from "./go.ts";

/** The other side of a file of tests: the programs of one Go module, and a directory to share with them. */
export interface GoPartner extends Omit<GoPrograms, "close"> {
  /** Whether there is a Go here: `describe.skipIf(!partner.found)`. */
  readonly found: boolean;
  /** An empty directory of this file's own, for sockets, keys and values. There is one from `beforeAll` on. */
  readonly folder: string;
  /** Has something done when the running test ends, before what was said earlier. */
  afterTest(cleanup: () => unknown): void;
}

/**
 * Builds the Go module `go/<name>` before the first test of the file that calls this at its top. When a test ends, what
 * it left with `afterTest` is done; after the last one the programs end and the directory goes.
 */
export async function goPartner(name: string): Promise<GoPartner> {
  const found = await hasGo();
  const cleanups: (() => unknown)[] = [];
  let folder: string | undefined;
  let programs: GoPrograms | undefined;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), `convoke-${name}-`));
    if (found) programs = await buildGo(name);
  }, 300_000);
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });
  afterAll(async () => {
    await programs?.close();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  const made = <Type>(what: Type | undefined): Type => {
    if (what === undefined) throw new Error(`There is nothing of "${name}" here: ask within a test, where Go is found`);
    return what;
  };
  return {
    found,
    get folder() {
      return made(folder);
    },
    run: (program, args) => made(programs).run(program, args),
    serve: (program, args) => made(programs).serve(program, args),
    afterTest(cleanup) {
      cleanups.push(cleanup);
    },
  };
}
