/** Classes whose objects keep what they are where their members do not show it; views of bytes do, too. */
const OPAQUE = [ArrayBuffer, Map, Set, Error, RegExp, Promise, WeakMap, WeakSet, Number, String, Boolean];

/** Whether an object keeps what it is where its members do not show it. */
export function isOpaque(value: object): boolean {
  return ArrayBuffer.isView(value) || OPAQUE.some((made) => value instanceof made);
}

/** Whether an object without members is empty, and nothing else: an iterator, or a `Map` of another realm, has none either. */
export function isBare(value: object): boolean {
  return tagOf(value) === "Object";
}

/** What an object calls itself: `Map`, `Object`. */
export function tagOf(value: object): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}
