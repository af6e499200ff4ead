import type { Frame } from "../../core/channel.ts";
import { type Code, isCode, protocolError } from "../../core/errors.ts";
import { printable } from "../../core/text.ts";
import { PacketReader, textIn } from "../../transports/packet-reader.ts";
import { type Bytes, bytesField, message, nestedField, numberField, textField } from "./fields.ts";

/** A body of several items has at most so many bytes of them, and every end takes that much. */
export const BATCH_BYTES: number = 256 << 10;
/** Nor are there more items in a body, so that few bytes do not become many objects. */
export const BATCH_ITEMS = 4096;
/** What a body has beside its items, and an item beside its frame, at most. */
export const BODY_ROOM = 2048;
/** How much of a frame that is too large goes to the other side. */
export const HEAD_BYTES = 1024;
/** The type of every body. It is none that a page may send without asking first. */
export const MEDIA_TYPE = "application/octet-stream";
/** The header with the id of the link: not in the path, because those are logged. */
export const LINK_HEADER = "convoke-link";
/** Text that an end gives as its reason. */
const MAX_REASON = 512;

/** Why an end closes a link, as the other side hears of it. */
export interface Ending {
  readonly message: string;
  readonly closeCode?: number | undefined;
  /** What broke the link; absent when it was closed on purpose. */
  readonly code?: Code | undefined;
}

/** What has a number of its own: a frame, what went by of one that is too large, or that this was the last. */
export type Item =
  | { readonly kind: "frame"; readonly frame: Frame }
  | { readonly kind: "skipped"; readonly head: Uint8Array }
  | { readonly kind: "close"; readonly ending: Ending };

/** What both sides say in an exchange. */
export interface Told {
  /** How many items of the other side have come. */
  readonly ack: number;
  /** The number of the first item here; they are counted from 0. */
  readonly first: number;
  readonly items: readonly Item[];
  /** The link is over, whatever is still missing. */
  readonly broken?: Ending | undefined;
}

/** What the client says. */
export interface Asking extends Told {
  /** The answer may have items. */
  readonly down: boolean;
  /** How long the answer may wait until there are some, or until those of the client can be taken. */
  readonly holdMs: number;
}

/** What the server answers. */
export interface Answering extends Told {
  /** There are more items than fit. */
  readonly more: boolean;
}

/** What a client says to have a link. */
export interface Opening {
  /** It takes no frame above this. */
  readonly maxFrameBytes: number;
}

/** The link that it gets. */
export interface Opened extends Opening {
  readonly link: string;
  /** The longest that the server holds a request. */
  readonly maxHoldMs: number;
  /** The link ends when the server has not heard of its client for so long. */
  readonly idleMs: number;
}

/** `Told`. Numbers of fields times 8, and 2 for what has a length. */
const ACK = 0x08;
const FIRST = 0x10;
const ITEMS = 0x1a;
const BROKEN = 0x22;
/** `Asking`. */
const DOWN = 0x28;
const HOLD_MS = 0x30;
/** `Answering`. */
const MORE = 0x28;
/** `Item`: the first two are those of a frame of gRPC (docs/wires/grpc.md). */
const BINARY = 0x0a;
const TEXT = 0x12;
const SKIPPED = 0x1a;
const CLOSE = 0x22;
/** `Ending`. */
const MESSAGE = 0x0a;
const CLOSE_CODE = 0x10;
const CODE = 0x1a;
/** `Opening` and `Opened`. */
const MAX_FRAME_BYTES = 0x08;
const LINK = 0x12;
const MAX_HOLD_MS = 0x18;
const IDLE_MS = 0x20;

/** Writes a frame as one item of a body; of one above the limit only how it begins. */
export function frameItem(frame: Frame, bytes: Uint8Array, maxFrameBytes: number): Bytes {
  if (bytes.length > maxFrameBytes) return item(SKIPPED, bytes.subarray(0, HEAD_BYTES));
  return item(typeof frame === "string" ? TEXT : BINARY, bytes);
}

/** Takes items apart that were written one behind the other, without a copy. */
export function itemsIn(written: Bytes): Bytes[] {
  const items: Bytes[] = [];
  const reader = new PacketReader(written);
  while (reader.at < written.length) {
    const from = reader.at;
    reader.tag(written.length);
    const length = reader.length(written.length);
    reader.at += length;
    items.push(written.subarray(from, reader.at));
  }
  return items;
}

/**
 * Writes how an item begins that is too large for something on the way. Only of text: each is whole by itself there, and what
 * was left out of bytes could be missing later on.
 */
export function cutItem(written: Bytes): Bytes | undefined {
  let cut: Bytes | undefined;
  const bytes = (form: number, content: Uint8Array): void => {
    if (form === TEXT && content.length > HEAD_BYTES) cut = item(SKIPPED, content.subarray(0, HEAD_BYTES));
  };
  readFields(written, { bytes: (_, content) => readFields(content, { bytes }) });
  return cut;
}

/** Writes the last item of a direction. */
export function closeItem(ending: Ending): Bytes {
  return item(CLOSE, endingBytes(ending));
}

/** Writes the body of a request; `items` are those that were written. */
export function askingBody(asking: Omit<Asking, "items"> & { readonly items: readonly Bytes[] }): Bytes {
  const down = asking.down ? [numberField(DOWN, 1)] : [];
  return message([...toldFields(asking), ...down, numberField(HOLD_MS, asking.holdMs), ...asking.items]);
}

/** Writes the body of an answer; `items` are those that were written. */
export function answeringBody(answering: Omit<Answering, "items"> & { readonly items: readonly Bytes[] }): Bytes {
  const more = answering.more ? [numberField(MORE, 1)] : [];
  return message([...toldFields(answering), ...more, ...answering.items]);
}

export function openingBody({ maxFrameBytes }: Opening): Bytes {
  return message([numberField(MAX_FRAME_BYTES, maxFrameBytes)]);
}

export function openedBody({ link, maxFrameBytes, maxHoldMs, idleMs }: Opened): Bytes {
  return message([
    numberField(MAX_FRAME_BYTES, maxFrameBytes),
    textField(LINK, link),
    numberField(MAX_HOLD_MS, maxHoldMs),
    numberField(IDLE_MS, idleMs),
  ]);
}

/**
 * Reads the body of a request. Frames above the limit become items that were skipped. Throws `data_loss` for what is none.
 * The bytes of the frames are those of the body, not copied.
 */
export function readAsking(body: Uint8Array, maxFrameBytes: number): Asking {
  let down = false;
  let holdMs = 0;
  const told = readTold(body, maxFrameBytes, (tag, value) => {
    if (tag === DOWN) down = value !== 0;
    else if (tag === HOLD_MS) holdMs = value;
  });
  return { ...told, down, holdMs };
}

/** Reads the body of an answer, as `readAsking` does. */
export function readAnswering(body: Uint8Array, maxFrameBytes: number): Answering {
  let more = false;
  const told = readTold(body, maxFrameBytes, (tag, value) => {
    if (tag === MORE) more = value !== 0;
  });
  return { ...told, more };
}

/** Throws `data_loss` for what is none. */
export function readOpening(body: Uint8Array): Opening {
  let maxFrameBytes = 0;
  readFields(body, {
    number: (tag, value) => {
      if (tag === MAX_FRAME_BYTES) maxFrameBytes = value;
    },
  });
  if (maxFrameBytes < 1) throw protocolError("The opening does not say which frames the client takes");
  return { maxFrameBytes };
}

/** Throws `data_loss` for what is none. */
export function readOpened(body: Uint8Array): Opened {
  let [maxFrameBytes, maxHoldMs, idleMs] = [0, 0, 0];
  let link = "";
  readFields(body, {
    number: (tag, value) => {
      if (tag === MAX_FRAME_BYTES) maxFrameBytes = value;
      else if (tag === MAX_HOLD_MS) maxHoldMs = value;
      else if (tag === IDLE_MS) idleMs = value;
    },
    bytes: (tag, bytes) => {
      if (tag === LINK) link = textIn(bytes);
    },
  });
  if (!isLink(link) || maxFrameBytes < 1) throw protocolError("The answer is no link");
  return { link, maxFrameBytes, maxHoldMs, idleMs };
}

/** Whether this looks like the id of a link: 128 bits as base64url. */
export function isLink(text: string): boolean {
  return /^[\w-]{22}$/.test(text);
}

function* toldFields({ ack, first, broken }: Omit<Told, "items">): Iterable<Bytes> {
  yield numberField(ACK, ack);
  yield numberField(FIRST, first);
  if (broken !== undefined) yield bytesField(BROKEN, endingBytes(broken));
}

function item(form: number, bytes: Uint8Array): Bytes {
  return nestedField(ITEMS, form, bytes);
}

function endingBytes({ message: text, closeCode = -1, code }: Ending): Bytes {
  const hasCode = Number.isSafeInteger(closeCode) && closeCode >= 0;
  return message([
    textField(MESSAGE, text.slice(0, MAX_REASON).toWellFormed()),
    ...(hasCode ? [numberField(CLOSE_CODE, closeCode)] : []),
    ...(code === undefined ? [] : [textField(CODE, code)]),
  ]);
}

function readTold(body: Uint8Array, maxFrameBytes: number, other: (tag: number, value: number) => void): Told {
  let ack = 0;
  let first = 0;
  let broken: Ending | undefined;
  const items: Item[] = [];
  readFields(body, {
    number: (tag, value) => {
      if (tag === ACK) ack = value;
      else if (tag === FIRST) first = value;
      else other(tag, value);
    },
    bytes: (tag, bytes) => {
      if (tag === BROKEN) broken = readEnding(bytes);
      if (tag !== ITEMS) return;
      if (items.length === BATCH_ITEMS) throw protocolError(`A body has more than ${BATCH_ITEMS} items`);
      items.push(readItem(bytes, maxFrameBytes));
    },
  });
  return { ack, first, items, broken };
}

/** Of its forms the last one counts. Every item has a number, so that one that is not known cannot be passed over. */
function readItem(bytes: Uint8Array, maxFrameBytes: number): Item {
  let read: Item | undefined;
  readFields(bytes, {
    bytes: (form, content) => {
      if (form === CLOSE) read = { kind: "close", ending: readEnding(content) };
      else if (form === SKIPPED) read = { kind: "skipped", head: content.subarray(0, HEAD_BYTES) };
      else if (form !== TEXT && form !== BINARY) return;
      else if (content.length > maxFrameBytes) read = { kind: "skipped", head: content.subarray(0, HEAD_BYTES) };
      else read = { kind: "frame", frame: form === TEXT ? textIn(content) : content };
    },
  });
  if (read === undefined) throw protocolError("A body has an item without content");
  return read;
}

function readEnding(bytes: Uint8Array): Ending {
  let text = "";
  let closeCode: number | undefined;
  let code: string | undefined;
  readFields(bytes, {
    number: (tag, value) => {
      if (tag === CLOSE_CODE) closeCode = value;
    },
    bytes: (tag, value) => {
      if (tag === MESSAGE) text = printable(textIn(value), MAX_REASON);
      else if (tag === CODE) code = textIn(value);
    },
  });
  if (code === undefined) return { message: text, closeCode };
  return { message: text, closeCode, code: isCode(code) ? code : "unknown" };
}

interface FieldSink {
  number?(tag: number, value: number): void;
  bytes?(tag: number, bytes: Uint8Array): void;
}

/** Reads the fields of a message; others than numbers and what has a length are passed over. */
function readFields(bytes: Uint8Array, sink: FieldSink): void {
  const reader = new PacketReader(bytes);
  const end = bytes.length;
  while (reader.at < end) {
    const tag = reader.tag(end);
    if ((tag & 7) === 0) {
      sink.number?.(tag, reader.number(end));
    } else if ((tag & 7) === 2) {
      const length = reader.length(end);
      const from = reader.at;
      reader.at += length;
      sink.bytes?.(tag, bytes.subarray(from, from + length));
    } else {
      reader.skip(tag, end);
    }
  }
}
