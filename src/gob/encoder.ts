import { RpcError } from "../core/errors.ts";
import { Unfit } from "../core/unfit.ts";
import { Definitions } from "./definition.ts";
import { ValueEncoder } from "./encode.ts";
import type { AnyType, GobType } from "./type.ts";
import { Writer } from "./writer.ts";

const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
const MAX_DEPTH = 128;

/** How an `Encoder` bounds what it makes. */
export interface EncoderOptions {
  /** The largest message that it makes, without the count in front. Default 4 MiB. */
  readonly maxMessageBytes?: number;
  /** In how many structs, slices, arrays, maps and interfaces a value may be nested. Default 128; who holds itself ends here. */
  readonly maxDepth?: number;
}

/**
 * Writes one gob stream: one for each direction of each connection, since it remembers which types the other side knows.
 * Definitions that a value needs go out in front of it, each as a message of its own. Types get their ids in the order in
 * which Go gives them, from 65.
 */
export class Encoder {
  readonly #to = new Writer();
  readonly #definitions = new Definitions();
  readonly #values: ValueEncoder;
  #maxMessageBytes: number;
  #busy = false;

  /** Throws `RangeError` for limits that are no whole numbers above 0. */
  constructor(options: EncoderOptions = {}) {
    const { maxMessageBytes = MAX_MESSAGE_BYTES, maxDepth = MAX_DEPTH } = options;
    this.#maxMessageBytes = positive("maxMessageBytes", maxMessageBytes);
    this.#values = new ValueEncoder(this.#to, this.#definitions, positive("maxDepth", maxDepth));
  }

  /** `add` and `take` in one: the new definitions and the value, behind what was added before. */
  encode<Value>(type: GobType<Value, boolean>, value: Value): Uint8Array {
    this.add(type, value);
    return this.take();
  }

  /**
   * Appends a value to what `take` will give. A value that does not fit its type is refused with a `TypeError` whose
   * message begins with the path to the part at fault; one that is too large with `resource_exhausted`. Either leaves no
   * trace: the stream goes on as if it had not been tried.
   */
  add<Value>(type: GobType<Value, boolean>, value: Value): void {
    if (this.#busy) throw new Error("An Encoder cannot be used by a value that it is just encoding");
    this.#busy = true;
    const start = this.#to.length;
    try {
      this.#message(type, value);
    } catch (error) {
      this.#to.truncate(start);
      this.#definitions.rollback();
      throw error instanceof Unfit ? error.at(type.names.short || "value") : error;
    } finally {
      this.#busy = false;
    }
    if (this.#definitions.pending.length > 0) this.#to.insert(start, this.#definitions.pending);
    this.#definitions.commit();
  }

  /** The largest message that it makes from now on. Throws `RangeError` for a number that is none. */
  set maxMessageBytes(bytes: number) {
    this.#maxMessageBytes = positive("maxMessageBytes", bytes);
  }

  /** How many bytes `take` would give. */
  get size(): number {
    return this.#to.length;
  }

  /** Everything added since the last time. It is the caller's; its buffer may be larger than it. */
  take(): Uint8Array {
    return this.#to.take();
  }

  #message(type: AnyType, value: unknown): void {
    const to = this.#to;
    to.limit(to.length + this.#maxMessageBytes);
    const plan = this.#values.plan(type, value);
    const message = to.reserve();
    to.signed(plan.definition.sent ? plan.definition.id : this.#definitions.use(plan.definition));
    if (plan.kind !== "struct") to.byte(0);
    this.#values.write(plan, value);
    const bytes = to.length - message - 1;
    if (bytes > this.#maxMessageBytes)
      throw new RpcError(
        "resource_exhausted",
        `Cannot encode a value: its message of ${bytes} bytes is larger than ${this.#maxMessageBytes} (maxMessageBytes)`,
      );
    to.count(message);
  }
}

function positive(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new RangeError(`${name} must be a whole number above 0, not ${String(value)}`);
}
