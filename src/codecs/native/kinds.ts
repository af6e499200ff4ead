/**
 * What each message begins with on the native wire. 40 to 45 are reserved for streams: item, end and credit, each with
 * whose call its id names. None is 0x5b, the `[` that a JSON body begins with.
 */

/** One object: `HelloFields`. */
export const HELLO = 1;
/** One object: `HelloFields`. */
export const WELCOME = 2;
/** The id of the sender's call. */
export const CANCEL = 3;
/** A token, any number or text. */
export const PING = 4;
/** The token of the ping. */
export const PONG = 5;
/** A text, and when to dial again: milliseconds, -1 for never, null for as always. */
export const GOODBYE = 6;
/** Id, method, and what the flags PARAMS, TIMEOUT and META announce, in this order. */
export const CALL = 16;
/** Method, and what the flags PARAMS and META announce. */
export const NOTIFY = 24;
/** Id, and the value when the flag VALUE is set. */
export const RESULT = 32;
/** Id or null, code, message, and an object of further fields when the flag MORE is set. */
export const ERROR = 34;

/** Params follow. Without it the request has none. */
export const PARAMS = 1;
/** The time that the caller has left follows: whole milliseconds. */
export const TIMEOUT = 2;
/** An object of texts follows. */
export const META = 4;
/** The value follows. Without it it is `undefined`. */
export const VALUE = 1;
/** An object with `data`, `details`, `trace`, `timestamp`, `executed`, `wireCode` follows, each where it has a value. */
export const MORE = 1;
