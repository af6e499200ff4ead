/**
 * Names one link of one end among all links that ever say hello with the same name, so that they have an order: by when the end
 * began, then by a random word of the end, then by the number of the link. Written `<milliseconds since 1970>.<word>.<number>`.
 */
export interface Session {
  readonly startedAt: number;
  readonly word: string;
  readonly link: number;
}

const FORM = /^(\d{1,15})\.([\w-]{1,64})\.(\d{1,15})$/;

export function sessionText({ startedAt, word, link }: Session): string {
  return `${startedAt}.${word}.${link}`;
}

/** `undefined` for a text of another form: such a session is neither older nor newer than another. */
export function readSession(text: string | undefined): Session | undefined {
  const parts = text === undefined ? null : FORM.exec(text);
  if (parts === null) return undefined;
  return { startedAt: Number(parts[1]), word: parts[2] ?? "", link: Number(parts[3]) };
}

/** Whether both are links of one end. */
export function isSameEnd(one: Session, other: Session): boolean {
  return one.startedAt === other.startedAt && one.word === other.word;
}

/** Whether the first began before the second; it is a total order, so that two ends never take turns. */
export function isOlder(one: Session, other: Session): boolean {
  if (one.startedAt !== other.startedAt) return one.startedAt < other.startedAt;
  if (one.word !== other.word) return one.word < other.word;
  return one.link < other.link;
}
