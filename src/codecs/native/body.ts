import type { Frame } from "../../core/channel.ts";
import type { Forms } from "../../core/message.ts";

/** Takes the fields of one flush, one after the other, and makes one frame of them. */
export interface FieldWriter {
  /** Adds one field; `forms` where it goes into other frames, too. Throws for a value that the body cannot carry, or would change. */
  put(value: unknown, forms?: Forms): void;
  /** Gives the frame and begins anew. May throw for a value that was put. */
  take(): Frame;
  /** Begins anew after a failure. */
  reset(): void;
}

/** Gives the fields of one frame. Both methods throw where the frame ends, and for what is no field. */
export interface FieldReader {
  readonly done: boolean;
  next(): unknown;
  /** The next field, which comes again and again: a method. */
  name(): unknown;
}

/** What the fields of a frame are written in. */
export type BodyName = "json" | "msgpack";
