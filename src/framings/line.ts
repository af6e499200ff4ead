import type { Framing } from "../core/channel.ts";
import { split } from "./split.ts";

/** A frame a line: each ends in LF, and a CR before it is part of the frame. (jrpc2: `channel.Line`.) */
export function line(): Framing {
  return split(0x0a);
}
