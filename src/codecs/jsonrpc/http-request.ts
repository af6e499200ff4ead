/** The end of a request line, where a record is the line or holds it; or how such a line begins, where something in it ends a record. */
const REQUEST_LINE = /(?:^| )HTTP\/\d\.\d\r?(?:\n|$)|^[A-Z]+ (?:\/|\*|https?:\/\/)/;

/** A method of any name, and how its target begins. */
const BEGINNING = /^[!#$%&'*+\-.^_`|~\w]+ [^\s{["]/;

/**
 * Whether text that is no JSON is, or holds, the first line of an HTTP request (RFC 9112, 3). Browsers send whatever a page
 * likes as the body of a request, to any port of the machine that they run on.
 */
export function isHttpRequest(text: string): boolean {
  return REQUEST_LINE.test(text);
}

/** Whether a record that was too long to be read may be such a line, by how it begins. JSON never begins so. */
export function mayBeHttpRequest(head: string): boolean {
  return BEGINNING.test(head);
}
