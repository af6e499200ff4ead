import type { CallContext, Connection } from "./context.ts";
import { shapeOf } from "./shape.ts";

/**
 * Serves one method. What it returns, or what its promise resolves to, is the result; what it throws is the error. A result is
 * read when the reply leaves, with those of the same turn: give a copy of what goes on changing.
 */
export type Handler = (params: never, context: CallContext) => unknown;

/** A handler at the moment when it is called: what arrived is unknown. */
export type AnyHandler = (params: unknown, context: CallContext) => unknown;

/** Finds a handler by name; asked once per request, in order of arrival. */
export interface Dispatcher {
  find(method: string): AnyHandler | undefined;
  /** The names that it knows, sorted; absent where they cannot be listed. */
  names?(): string[];
}

/** Any object but a promise of one, which has to be awaited first. */
type Settled = object & { readonly then?: never };

/** What a user gives as handlers: an object of them, a table, a lookup, or a function that gives one for each connection. */
export type HandlersOption<Data = unknown> =
  | ((connection: Connection<Data>) => Settled)
  // A function is an object, too: this is every other one.
  | (Settled & { readonly [Symbol.hasInstance]?: never })
  // A literal may have any names.
  | { readonly [name: string]: unknown; readonly then?: never };

/** Marks the dispatchers of every copy of this library: read as an object of handlers, one would serve its own methods. */
const DISPATCHER: unique symbol = Symbol.for("convoke.dispatcher");

function isDispatcher(handlers: object): handlers is Dispatcher {
  return (handlers as { readonly [DISPATCHER]?: unknown })[DISPATCHER] === true;
}

/** A table of handlers that may change while it serves. Nothing is reachable that was not registered here. */
export class Registry implements Dispatcher {
  readonly #handlers = new Map<string, AnyHandler>();

  /** Throws `TypeError` for anything that is no handler, takes more than params and a context, or has no name or a taken one. */
  constructor(handlers: object = {}) {
    this.#addService("", handlers, new Set());
  }

  static {
    Object.defineProperty(Registry.prototype, DISPATCHER, { value: true });
  }

  find(method: string): AnyHandler | undefined {
    return this.#handlers.get(method);
  }

  /** Adds a handler, or a service whose methods get dotted names. Calls that arrive from now on find it. */
  register(name: string, handler: Handler | object): void {
    // All of a service or nothing of it.
    const added = new Registry();
    added.#addEntry(name, handler, undefined, new Set());
    for (const each of added.#handlers.keys()) this.#checkFree(each);
    for (const [each, found] of added.#handlers) this.#handlers.set(each, found);
  }

  /** Removes a handler, or a whole service. Calls that already run go on. Returns whether there was one. */
  unregister(name: string): boolean {
    let found = this.#handlers.delete(name);
    for (const each of [...this.#handlers.keys()]) {
      if (each.startsWith(`${name}.`)) found = this.#handlers.delete(each) || found;
    }
    return found;
  }

  names(): string[] {
    return [...this.#handlers.keys()].sort();
  }

  #addService(prefix: string, service: object, parents: Set<object>): void {
    if (isDispatcher(service)) {
      throw new TypeError(`Cannot register "${prefix}": a Registry or lookup serves alone, not as a part of an object`);
    }
    if (Array.isArray(service)) throw new TypeError("Cannot register an array: give an object of functions");
    if (parents.has(service)) throw new TypeError(`Cannot register "${prefix}": the object contains itself`);
    parents.add(service);
    const dot = prefix === "" ? "" : `${prefix}.`;
    if (isPlain(service)) {
      if (prefix !== "" && Object.keys(service).length === 0) {
        throw new TypeError(`Cannot register "${prefix}": it is an object without functions`);
      }
      for (const [name, entry] of Object.entries(service)) this.#addEntry(dot + name, entry, service, parents);
    } else {
      for (const [name, handler] of publicMethods(service)) this.#add(dot + name, handler, service);
    }
    parents.delete(service);
  }

  #addEntry(name: string, entry: unknown, owner: object | undefined, parents: Set<object>): void {
    if (typeof entry === "function") return this.#add(name, entry as AnyHandler, owner);
    if (typeof entry === "object" && entry !== null && !Array.isArray(entry)) {
      return this.#addService(name, entry, parents);
    }
    const kind = entry === null ? "null" : Array.isArray(entry) ? "an array" : `a ${typeof entry}`;
    throw new TypeError(`Cannot register "${name}": it is ${kind}, not a function or an object of functions`);
  }

  #add(name: string, handler: AnyHandler, owner: object | undefined): void {
    this.#checkFree(name);
    if (name === "") throw new TypeError("Cannot register a handler without a name");
    if (handler.length > 2) {
      const takes = `it takes ${handler.length} parameters`;
      throw new TypeError(
        `Cannot register "${name}": ${takes}, but a handler gets params and a context. See positional()`,
      );
    }
    const isFree = owner === undefined || shapeOf(handler) !== undefined;
    this.#handlers.set(name, isFree ? handler : handler.bind(owner));
  }

  #checkFree(name: string): void {
    if (this.#handlers.has(name)) throw new TypeError(`Cannot register "${name}": the name is taken`);
  }
}

/** Looks every name up by calling a function of the user's. */
class Lookup implements Dispatcher {
  readonly find: (method: string) => AnyHandler | undefined;

  constructor(find: (method: string) => AnyHandler | undefined) {
    this.find = find;
  }

  static {
    Object.defineProperty(Lookup.prototype, DISPATCHER, { value: true });
  }
}

/**
 * Handlers that are found by a function instead of a table: a proxy, a plugin host. It is asked once per request and
 * gives a handler, or nothing for a method that there is not. Names come from peers: look them up in a `Map`, not in an object.
 */
export function lookup(find: (method: string) => Handler | undefined): Dispatcher {
  return new Lookup(find as (method: string) => AnyHandler | undefined);
}

/** Makes a dispatcher of what a user gave for one connection. Throws `TypeError` for what cannot be registered, a promise included. */
export function dispatcherOf(handlers: object): Dispatcher {
  if ("then" in handlers && typeof handlers.then === "function") {
    // Nobody will ask how it ended.
    Promise.resolve(handlers).catch(() => {});
    throw new TypeError("Cannot serve a promise of handlers, as an async function gives it: await it first");
  }
  if (isDispatcher(handlers)) return handlers;
  return new Registry(handlers);
}

/** Object literals, module namespaces and objects without a prototype; everything else is an instance of a class. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** The methods of an instance: its own and its classes' functions, but no `_private` ones, no accessors, nothing of Object's. */
function publicMethods(instance: object): Map<string, AnyHandler> {
  const methods = new Map<string, AnyHandler>();
  for (let from: object | null = instance; from !== null; from = Object.getPrototypeOf(from) as object | null) {
    if (Object.getPrototypeOf(from) === null) break;
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(from))) {
      if (typeof value !== "function" || name === "constructor" || name.startsWith("_") || methods.has(name)) continue;
      methods.set(name, value as AnyHandler);
    }
  }
  if (methods.size === 0)
    throw new TypeError(`Cannot register an object of class ${instance.constructor.name}: it has no public methods`);
  return methods;
}
