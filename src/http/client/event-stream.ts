import { EventReader } from "./event-reader.ts";
import type { HttpReply } from "./reply.ts";

/** What one piece of a stream brought. */
export interface EventPiece {
  /** The data of each event. */
  readonly events: readonly string[];
  /** How events above the bound began, which went by. */
  readonly skipped: readonly string[];
  /** There was a comment: the other side lives. */
  readonly isAlive: boolean;
}

/** Whether an answer says that it is a stream of server-sent events. */
export function isEventStream(reply: HttpReply): boolean {
  return /^\s*text\/event-stream\s*(?:;|$)/i.test(reply.header("content-type") ?? "");
}

/** Reads server-sent events, each with at most `maxLength` characters, as they come. Ends and breaks as its bytes do. */
export async function* eventPieces(bytes: AsyncIterable<Uint8Array>, maxLength: number): AsyncGenerator<EventPiece> {
  let events: string[] = [];
  let skipped: string[] = [];
  let comments = 0;
  const sink = {
    event: (data: string) => void events.push(data),
    comment: () => void comments++,
    skipped: (head: string) => void skipped.push(head),
  };
  const reader = new EventReader(sink, maxLength);
  const decoder = new TextDecoder();
  for await (const chunk of bytes) {
    reader.push(decoder.decode(chunk, { stream: true }));
    yield { events, skipped, isAlive: comments > 0 };
    events = [];
    skipped = [];
    comments = 0;
  }
}
