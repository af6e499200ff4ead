/** Sixteen hexadecimal digits that nobody else has: names a session, or one failure in a log and in a reply. */
export function randomWord(): string {
  let text = "";
  for (const byte of crypto.getRandomValues(new Uint8Array(8))) text += byte.toString(16).padStart(2, "0");
  return text;
}
