import { RpcError } from "./errors.ts";

/**
 * Parses JSON that a peer sent. `JSON.parse` itself takes any depth, but whatever walks the value afterwards does not,
 * so the depth is checked first. Throws `SyntaxError` for text that is no JSON, and `RpcError` `resource_exhausted` for
 * nesting above `maxDepth`.
 */
export function parseJson(text: string, maxDepth: number): unknown {
  if (isDeeper(text, maxDepth)) {
    throw new RpcError("resource_exhausted", `The message is nested deeper than ${maxDepth} levels`);
  }
  return JSON.parse(text);
}

/** Whether brackets outside of strings nest deeper than `maxDepth`. Linear, and nearly free for text with few brackets. */
function isDeeper(text: string, maxDepth: number): boolean {
  // Each level takes two characters of valid JSON, and the openers must be there to begin with.
  if (text.length <= maxDepth * 2 || !hasMore(text, maxDepth)) return false;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x22:
        at = stringEnd(text, at);
        break;
      case 0x5b:
      case 0x7b:
        if (++depth > maxDepth) return true;
        break;
      case 0x5d:
      case 0x7d:
        depth--;
        break;
    }
  }
  return false;
}

/** Whether the text has more than `count` opening brackets, found by the engine's own search. */
function hasMore(text: string, count: number): boolean {
  let left = count;
  for (const opener of ["[", "{"]) {
    for (let at = text.indexOf(opener); at >= 0; at = text.indexOf(opener, at + 1)) if (--left < 0) return true;
  }
  return false;
}

/** The index of the quote that ends the string which begins at `start`, or the text's length. */
export function stringEnd(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === 0x5c) at++;
    else if (unit === 0x22) return at;
  }
  return text.length;
}
