import { realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { printable } from "../core/text.ts";
import { UsageError } from "./usage.ts";

/** What help texts say about the module. */
export const ABOUT_MODULE = `\
The module's default export, or its export "handlers", is an object of functions: each can be called by its name.
Ctrl-C lets running calls end, then exits; a second one exits at once.`;

/** What a module exports, as far as it matters here. */
interface Exports {
  readonly default?: unknown;
  readonly handlers?: unknown;
  readonly __esModule?: unknown;
}

/** Loads what a module serves. Throws `UsageError` when it cannot be loaded or exports no handlers. */
export async function handlersOf(path: string): Promise<object> {
  let exported: Exports;
  try {
    exported = await exportsOf(resolve(path));
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new UsageError(`Cannot load ${JSON.stringify(path)}: ${printable(why, 1000)}`);
  }
  const handlers = exported.handlers ?? exported.default;
  if ((typeof handlers === "object" || typeof handlers === "function") && handlers !== null) return handlers;
  throw new UsageError(`Cannot serve ${JSON.stringify(path)}: it exports neither "handlers" nor a default object`);
}

async function exportsOf(file: string): Promise<Exports> {
  const loaded = (await Promise.race([import(pathToFileURL(file).href), neverEnds()])) as Exports;
  // Which names a CommonJS module has is a guess of Node's; its default has them all.
  if (createRequire(file).cache[realpathSync(file)] === undefined) return loaded;
  const whole = (loaded.default ?? {}) as Exports;
  return whole.handlers === undefined && !whole.__esModule ? loaded : whole;
}

/** Rejects when nothing is under way any more that could end the loading of a module: Node would exit without a word. */
function neverEnds(): Promise<never> {
  return new Promise((_, reject) => {
    process.once("beforeExit", () => reject(new Error("its top-level await never ends")));
  });
}
