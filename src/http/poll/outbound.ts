import type { Frame, Full } from "../../core/channel.ts";
import { protocolError } from "../../core/errors.ts";
import { bytesOf } from "../../core/text.ts";
import { BATCH_BYTES, BATCH_ITEMS, closeItem, cutItem, type Ending, frameItem, itemsIn } from "./envelope.ts";
import { type Bytes, message } from "./fields.ts";

/** Items that were sent at once, written. */
interface Block {
  readonly bytes: Bytes;
  readonly count: number;
}

/** What the next body carries. */
export interface Batch {
  /** The number of its first item. */
  readonly first: number;
  readonly items: readonly Bytes[];
  /** How many items these are. */
  readonly count: number;
  /** There is more than fits. */
  readonly more: boolean;
}

/** What a block costs beside its bytes, so that a million small ones are not free. */
const BLOCK_COST = 128;

/**
 * One direction of a link, where it is sent: every item has a number and is kept until the other side has it, so that it
 * can be said again.
 */
export class Outbound {
  readonly #maxHeldBytes: number;
  readonly #maxFrameBytes: number;
  #blocks: Block[] = [];
  /** What a body of several items may have of them. */
  #batchBytes = BATCH_BYTES;
  /** The number of the first item that is kept. */
  #first = 0;
  /** The number of the next item. */
  #next = 0;
  #held = 0;
  #full: Promise<void> | undefined = undefined;
  #relieve: (() => void) | undefined = undefined;

  /** `maxFrameBytes` is that of the other side: of what is above, only the beginning is sent. */
  constructor(maxHeldBytes: number, maxFrameBytes: number) {
    this.#maxHeldBytes = maxHeldBytes;
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** The other side has everything. */
  get isEmpty(): boolean {
    return this.#blocks.length === 0;
  }

  /** How many items the other side has for certain. */
  get acked(): number {
    return this.#first;
  }

  /** As `Channel.send`. */
  send(frames: readonly Frame[]): Full {
    let block: Bytes[] = [];
    let size = 0;
    for (const frame of frames) {
      const item = frameItem(frame, bytesOf(frame), this.#maxFrameBytes);
      if (block.length > 0 && (size + item.length > BATCH_BYTES || block.length === BATCH_ITEMS)) {
        this.#add(block);
        block = [];
        size = 0;
      }
      block.push(item);
      size += item.length;
    }
    if (block.length > 0) this.#add(block);
    if (this.#held < this.#maxHeldBytes) return;
    this.#full ??= new Promise((resolve) => {
      this.#relieve = resolve;
    });
    return this.#full;
  }

  /** Says that nothing more will come. Nobody waits for room any more. */
  end(ending: Ending): void {
    this.#add([closeItem(ending)]);
    this.free();
  }

  /** All that the other side may not have, from its first item on, as far as it fits into a body. */
  batch(): Batch {
    const items: Bytes[] = [];
    let size = 0;
    let count = 0;
    this.#splitFirst();
    for (const block of this.#blocks) {
      const isTooMuch = size + block.bytes.length > this.#batchBytes || count + block.count > BATCH_ITEMS;
      if (items.length > 0 && isTooMuch) break;
      items.push(block.bytes);
      size += block.bytes.length;
      count += block.count;
    }
    return { first: this.#first, items, count, more: items.length < this.#blocks.length };
  }

  /**
   * A batch was too large for something on the way, and the other side may not have got it: bodies with several items are smaller
   * from now on, and of one that is too large by itself only the beginning is sent. Gives whether there is anything left to try.
   */
  shrink({ first, count, items }: Omit<Batch, "more">): "smaller" | "cut" | undefined {
    if (count > 1) {
      this.#batchBytes = items.reduce((size, { length }) => size + length, 0) / 2;
      return "smaller";
    }
    const [block] = this.#blocks;
    // It has come meanwhile, as one that was sent before.
    if (count === 1 && first < this.#first) return "smaller";
    const bytes = count === 1 && block?.count === 1 ? cutItem(block.bytes) : undefined;
    if (block === undefined || bytes === undefined) return undefined;
    const cut = { bytes, count: 1 };
    this.#held += costOf(cut) - costOf(block);
    this.#blocks[0] = cut;
    if (this.#held < this.#maxHeldBytes) this.free();
    return "cut";
  }

  /** The other side has so many. Gives whether that is news; throws `data_loss` for what it cannot have. */
  ack(count: number): boolean {
    if (count > this.#next) throw protocolError(`The other side says that it has ${count} frames of ${this.#next}`);
    const before = this.#first;
    let done = 0;
    for (const block of this.#blocks) {
      if (this.#first + block.count > count) break;
      this.#first += block.count;
      this.#held -= costOf(block);
      done++;
    }
    if (done > 0) this.#blocks.splice(0, done);
    if (this.#held < this.#maxHeldBytes) this.free();
    return this.#first > before;
  }

  /** Keeps nothing. */
  clear(): void {
    this.#blocks = [];
    this.#held = 0;
    this.free();
  }

  /** Resolves what a sender was told. */
  free(): void {
    this.#relieve?.();
    this.#full = undefined;
    this.#relieve = undefined;
  }

  /** What was sent at once may be too much at once. */
  #splitFirst(): void {
    const [block] = this.#blocks;
    if (block === undefined || block.count === 1 || block.bytes.length <= this.#batchBytes) return;
    const split = itemsIn(block.bytes).map((bytes) => ({ bytes, count: 1 }));
    this.#held += (split.length - 1) * BLOCK_COST;
    this.#blocks.splice(0, 1, ...split);
  }

  #add(items: readonly Bytes[]): void {
    const [only] = items;
    const bytes = items.length === 1 && only !== undefined ? only : message(items);
    const block = { bytes, count: items.length };
    this.#blocks.push(block);
    this.#held += costOf(block);
    this.#next += block.count;
  }
}

function costOf({ bytes }: Block): number {
  return bytes.length + BLOCK_COST;
}
