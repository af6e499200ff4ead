import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { printable } from "../core/text.ts";
import { UsageError } from "./usage.ts";

/** What help texts say about the module. */
export const ABOUT_MODULE = `\
The module's default export, or its export "handlers", is an object of functions: each can be called by its name.
Ctrl-C lets running calls end, then exits; a second one exits at once.`;

/** Loads what a module serves. Throws `UsageError` when it cannot be loaded or exports no handlers. */
export async function handlersOf(path: string): Promise<object> {
  let loaded: { readonly default?: unknown; readonly handlers?: unknown };
  try {
    loaded = (await import(pathToFileURL(resolve(path)).href)) as typeof loaded;
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new UsageError(`Cannot load ${JSON.stringify(path)}: ${printable(why, 1000)}`);
  }
  const handlers = loaded.handlers ?? loaded.default;
  if ((typeof handlers === "object" || typeof handlers === "function") && handlers !== null) return handlers;
  throw new UsageError(`Cannot serve ${JSON.stringify(path)}: it exports neither "handlers" nor a default object`);
}
