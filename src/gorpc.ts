/** The wire of Go's gorpc, for a TypeScript program at either end of it. Its types are described with `convoke/gob`. */
import type { Wire } from "./core/wire.ts";
import { deflate } from "./transports/node/deflate.ts";
import { type GorpcWireOptions, gorpcWith } from "./wires/gorpc.ts";

export type { GorpcOptions } from "./codecs/gorpc/codec.ts";
export type { GorpcWireOptions } from "./wires/gorpc.ts";

/**
 * Go's gorpc wire: `connect(url, { wire: gorpc({ types }) })` calls a Go server, `serve(url, { wire: gorpc({ types }), handlers })`
 * is called by Go clients. The method "Echo" is the dispatcher's function `Echo`, "Store.Get" the method `Get` of its
 * service `Store`, and "" is the one handler of a server without a dispatcher. docs/wires/gorpc.md has what crosses.
 */
export function gorpc(options: GorpcWireOptions = {}): Wire {
  return gorpcWith(deflate(), options);
}
