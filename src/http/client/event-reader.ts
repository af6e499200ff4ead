/** Where a stream of events delivers; nothing of it is called while another is under way. */
export interface EventSink {
  /** The data of one event. */
  event(data: string): void;
  /** A comment: the other side lives. */
  comment(): void;
  /** An event above the bound went by; `head` is how it began. */
  skipped(head: string): void;
}

const HEAD = 1024;

/** Cuts a stream of text into server-sent events (HTML, section 9.2.6), as far as they carry data. */
export class EventReader {
  readonly #sink: EventSink;
  readonly #max: number;
  /** A line without its end. */
  #line = "";
  #data: string[] = [];
  #length = 0;
  /** The event is too large: it is read on and dropped. */
  #skipping = false;
  /** The last text ended in CR: an LF that follows belongs to it. */
  #afterReturn = false;

  /** `max` bounds the data of one event, in characters. */
  constructor(sink: EventSink, max: number) {
    this.#sink = sink;
    this.#max = max;
  }

  push(text: string): void {
    let at = this.#afterReturn && text.startsWith("\n") ? 1 : 0;
    if (text !== "") this.#afterReturn = false;
    let feed = -1;
    let carriage = -1;
    while (at < text.length) {
      feed = nextOf("\n", text, at, feed);
      carriage = nextOf("\r", text, at, carriage);
      const end = Math.min(feed, carriage);
      this.#append(text.slice(at, end));
      if (end === text.length) return;
      const line = this.#line;
      this.#line = "";
      this.#take(line);
      const isReturn = text.charCodeAt(end) === 0x0d;
      at = isReturn && text.charCodeAt(end + 1) === 0x0a ? end + 2 : end + 1;
      this.#afterReturn = isReturn && at === text.length && text.charCodeAt(end + 1) !== 0x0a;
    }
  }

  #append(part: string): void {
    this.#line += part;
    // Room for the name of the field.
    if (this.#length + this.#line.length <= this.#max + 16) return;
    if (!this.#skipping)
      this.#sink.skipped([...this.#data, this.#line.replace(/^data: ?/, "")].join("\n").slice(0, HEAD));
    this.#skipping = true;
    // It must not become an empty line.
    this.#line = "_";
    this.#data = [];
    this.#length = 0;
  }

  #take(line: string): void {
    if (line === "") return this.#dispatch();
    if (line.startsWith(":")) return this.#sink.comment();
    if (this.#skipping || !/^data(?::|$)/.test(line)) return;
    const data = line.slice(5).replace(/^ /, "");
    this.#data.push(data);
    this.#length += data.length + 1;
  }

  #dispatch(): void {
    const data = this.#data;
    this.#data = [];
    this.#length = 0;
    this.#skipping = false;
    if (data.length > 0) this.#sink.event(data.join("\n"));
  }
}

/** Where this character is next, `text.length` where nowhere; searched for only when the one that was found is behind us. */
function nextOf(wanted: string, text: string, from: number, found: number): number {
  if (found >= from) return found;
  const at = text.indexOf(wanted, from);
  return at < 0 ? text.length : at;
}
