import { type GobType, opaque } from "./type.ts";

/** Seconds from Go's year 1 to 1970. */
const EPOCH_SECONDS = 62_135_596_800n;
/** What Date can hold, each way from 1970. */
const MAX_SECONDS = 8_640_000_000_000n;
/** The zone of a time in UTC, in minutes, which no offset has. */
const UTC = -1;

/**
 * A `time.Time`: a `Date` that keeps what a Date has no room for, so that it goes back to Go as it came. A plain `Date` is
 * encoded as a time in UTC.
 */
export class GoTime extends Date {
  /** The nanoseconds below the millisecond, 0 to 999 999. */
  readonly nanoseconds: number;
  /** How far its zone is ahead of UTC, in seconds; `undefined` for UTC itself. */
  readonly offsetSeconds: number | undefined;

  /** Throws `RangeError` for nanoseconds or an offset that there cannot be. */
  constructor(milliseconds: number, nanoseconds = 0, offsetSeconds?: number) {
    if (!Number.isInteger(nanoseconds) || nanoseconds < 0 || nanoseconds > 999_999)
      throw new RangeError(`nanoseconds must be a whole number from 0 to 999999, not ${String(nanoseconds)}`);
    if (offsetSeconds !== undefined && !(Number.isInteger(offsetSeconds) && Math.abs(offsetSeconds) < 32_768 * 60))
      throw new RangeError(`offsetSeconds must be a whole number within Go's range, not ${String(offsetSeconds)}`);
    super(milliseconds);
    this.nanoseconds = nanoseconds;
    this.offsetSeconds = offsetSeconds;
  }
}

/** Go's `time.Time`. `pointer(time)` is `*time.Time`, which gorpc's dispatcher wants. */
export const time: GobType<Date> = opaque<Date>("time.Time", "gob", {
  encode: encodeTime,
  decode: decodeTime,
  zero: () => new GoTime(Number(-EPOCH_SECONDS) * 1000),
});

/**
 * Version 1: the seconds since year 1 in eight bytes, nanoseconds in four, the zone's minutes in two. Version 2 has one
 * byte more, for the seconds of the zone. All big-endian.
 */
function encodeTime(value: Date): Uint8Array {
  if (!(value instanceof Date)) throw new TypeError("is no Date");
  const ms = value.getTime();
  if (Number.isNaN(ms)) throw new TypeError("is an invalid Date");
  const { nanoseconds = 0, offsetSeconds = undefined } = value instanceof GoTime ? value : {};
  const seconds = Math.floor(ms / 1000);
  // Rounded down, because Go reads the seconds of a zone without a sign.
  const minutes = offsetSeconds === undefined ? UTC : Math.floor(offsetSeconds / 60);
  if (minutes === UTC && offsetSeconds !== undefined)
    throw new TypeError(`is a time ${-offsetSeconds} s behind UTC, which gob has no form for`);
  const zoneSeconds = offsetSeconds === undefined ? 0 : offsetSeconds - minutes * 60;
  const bytes = new Uint8Array(zoneSeconds === 0 ? 15 : 16);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, zoneSeconds === 0 ? 1 : 2);
  view.setBigInt64(1, BigInt(seconds) + EPOCH_SECONDS);
  view.setInt32(9, (ms - seconds * 1000) * 1_000_000 + nanoseconds);
  view.setInt16(13, minutes);
  if (zoneSeconds !== 0) view.setInt8(15, zoneSeconds);
  return bytes;
}

function decodeTime(bytes: Uint8Array): Date {
  const version = bytes[0];
  if (!((version === 1 && bytes.length === 15) || (version === 2 && bytes.length === 16)))
    throw new TypeError(`A time of ${bytes.length} bytes in version ${String(version)} cannot be read`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const seconds = view.getBigInt64(1) - EPOCH_SECONDS;
  const nanoseconds = view.getInt32(9);
  const minutes = view.getInt16(13);
  if (seconds > MAX_SECONDS || seconds < -MAX_SECONDS) throw new TypeError("A time beyond what a Date can hold");
  if (nanoseconds < 0 || nanoseconds > 999_999_999) throw new TypeError(`A time with ${nanoseconds} nanoseconds`);
  const ms = Number(seconds) * 1000 + Math.trunc(nanoseconds / 1_000_000);
  const offset = minutes === UTC ? undefined : minutes * 60 + (version === 2 ? view.getInt8(15) : 0);
  return new GoTime(ms, nanoseconds % 1_000_000, offset);
}
