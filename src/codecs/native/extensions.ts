/** Types of MessagePack's extensions, as a signed byte. The wire knows no others. */

/** One byte that means nothing. */
export const UNDEFINED = 0;
/** Keys and values in turn, to the end of the extension. */
export const MAP = 1;
/** An integer beyond 64 bits, in hexadecimal digits, perhaps after a minus sign. */
export const BIGINT = 2;
/** A time as MessagePack defines it: -1. */
export const TIMESTAMP = 0xff;
