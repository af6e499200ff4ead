/** Why a behaviour may differ from gorpc: a defect that its facts name, or a promise of the engine or of its ends. */
export type GorpcReason = `A defect of gorpc: ${string}` | `A promise of ours: ${string}`;

/** One numbered behaviour of gorpc (section b of its facts), in the words of the run that plays it here. */
export interface GorpcCase {
  readonly number: number;
  readonly what: string;
  /** What gorpc does, in lines; errors are the flags of its ClientError (Timeout, Connection, Server, Overflow, Canceled). */
  readonly gorpc: string;
  /** `same`: what a run gives; `different`: the run gives `ours`. */
  readonly match: "same" | "different";
  readonly reason?: GorpcReason;
  readonly ours?: string;
}

const lines = (...all: readonly string[]): string => all.join("\n");
const works = (...all: readonly string[]): string => all.map((each) => `${each}: works`).join("\n");
const refused = (...all: readonly string[]): string => all.map((each) => `${each}: refused`).join("\n");
const inAndOut = works(
  ...["nothing in, nothing out", "nothing in, one out", "nothing in, an error"],
  ...["one in, nothing out", "one in, one out", "one in, an error", "one in, one out or an error"],
  ...["two in, one out", "two in, an error", "two in, nothing out"],
);
const services = lines(
  "two services of one class beside a function: each has its own state",
  "service without state: hello you",
);
const values = works("recursive struct", "identical field sets", "map", "bytes", "map of empty structs", "time");
const mistakes = refused(
  ...["not a function", "empty name", "empty name, registered later", "the same name twice", "no methods"],
  ...["no methods in a service that is an object", "more than two parameters"],
);

const UNREADABLE = [
  ...["a type that does not fit its name", "the id of a type below 64", "a type defined twice"],
  ...["a message of 8 GiB", "a field of the wrong type", "no field in common"],
];
const ends = (...all: readonly string[]): string =>
  all.map((each) => `${each}: the server logs it and closes the connection`).join("\n");

// biome-ignore format: one row per behaviour
export const GORPC_CASES: readonly GorpcCase[] = [
  // ---- calls
  { number: 1, what: "values arrive over every transport, and over connections that were wrapped at both ends (gorpc: OnConnect, here: wrapPipe)", gorpc: lines("tcp: all arrive", "unix: all arrive", "tls: all arrive", "dialler and listener of one's own: all arrive", "wrapped before the first byte (client, server): all arrive"), match: "same" },
  { number: 2, what: "a request and a response may be nothing", gorpc: "request: nothing, response: nothing", match: "same" },
  { number: 3, what: "a struct arrives as what the receiver knows of it, whether it was sent by value or by pointer", gorpc: "both arrive as the kind that is known there", match: "same" },
  { number: 4, what: "empty slices, maps and arrays, and which types must be described", gorpc: lines("[]int{}: arrives as nil", "an empty map, when it was registered: arrives", "an array of zeros, when it was registered: arrives", "of a type that only its sender registers: the connection ends", "a map that nobody registers: fails with Connection, and so does all that is outstanding"), match: "different", reason: "A promise of ours: nil and empty are both an empty array, a stream's own definition is enough to read it, and what is not described fails its own call alone.", ours: lines("[]int{}: arrives as an empty array", "an empty map, when it was described: arrives", "an array of zeros, when it was described: arrives", "of a type that only its sender describes: arrives", "a map that nobody describes: fails alone, and is told what to write") },
  { number: 5, what: "100 workers make 100 calls each over 2 connections; clients with and without compression share a server", gorpc: lines("2 connections, flush after 1 ms: 10000 of 10000 match", "with and without compression: 1000 of 1000 match"), match: "same" },
  { number: 6, what: "replies come in the order in which handlers end", gorpc: "10 ms before 20 ms", match: "same" },
  { number: 7, what: "concurrency bounds the handlers of a server over all its connections, those of sends too", gorpc: lines("50 ms: Timeout", "200 ms: ok", "6 calls of 100 ms, 3 connections: 300 ms"), match: "same" },
  { number: 8, what: "a foreign client gives an id twice", gorpc: lines("the first: served", "the second, while that runs: served", "after it has ended: served"), match: "different", reason: "A promise of ours: an id names one call, so that a reply belongs to the call that it names; who gives it twice is told.", ours: lines("the first: served", "the second, while that runs: Server, with its text", "after it has ended: served") },
  // ---- timeouts and cancel
  { number: 9, what: "a call out of time ends; what is still queued is never sent, and a late reply is dropped quietly", gorpc: lines("sent: Timeout", "the late reply: dropped quietly", "the next call: ok", "queued: Timeout", "the server got it: never"), match: "same" },
  { number: 10, what: "without any server a call waits until its time is over", gorpc: lines("there never was one: Timeout", "it has gone: Timeout"), match: "same" },
  { number: 11, what: "a call is cancelled before and after it was sent, and twice", gorpc: lines("before sending: Canceled when its turn comes, never sent", "after sending: ok", "twice: no harm"), match: "different", reason: "A promise of ours: a signal ends its call at once, sent or not, and the signal of the handler that runs fires.", ours: lines("before sending: Canceled at once, never sent", "after sending: Canceled, and its handler is told", "twice: no harm") },
  { number: 12, what: "a call without any time", gorpc: "Timeout at once", match: "same" },
  // ---- send
  { number: 13, what: "a send ends at once and nothing is answered, for unknown functions either", gorpc: "no reply bytes: its message id is 0", match: "same" },
  { number: 14, what: "a send to a full queue is refused, and takes no call's place", gorpc: lines("the send: Overflow at once", "the queued calls: ok"), match: "same" },
  { number: 15, what: "1000 sends and then calls on one client", gorpc: lines("sends: ok", "calls: ok", "handled: 1010"), match: "same" },
  // ---- overflow
  { number: 16, what: "a call to a full queue takes the place of the oldest one (2 places)", gorpc: lines("1: Overflow", "2: ok", "3: ok"), match: "same" },
  { number: 17, what: "a batch of two calls and a member without a response goes to a full queue (2 places)", gorpc: lines("the queue holds 2", "the queued calls: ok, ok", "the batch: open, open, its skip-response member open"), match: "different", reason: "A promise of ours: overflow costs the oldest unsent calls their places, also when a batch comes, and every member settles.", ours: lines("the queue holds 2", "the queued calls: Overflow, Overflow", "the batch: ok, ok, its skip-response member settled") },
  { number: 18, what: "a server that owes more than ten times as many replies as may be pending (2) is stuck", gorpc: lines("call 22 ends the link", "outstanding: Connection", "the next call: ok, connection 2"), match: "different", reason: "A promise of ours: more than ten times maxPending ends the link, and the call that makes it more is counted with the others.", ours: lines("call 21 ends the link", "outstanding: Connection", "the next call: ok, connection 2") },
  // ---- errors on the connection
  { number: 19, what: "requests that cannot be encoded", gorpc: lines("the call: Connection", "on the wire: the end of the connection", "outstanding, and the next: Connection, ok, 2 connections"), match: "different", reason: "A promise of ours: what cannot be encoded fails alone and unsent, and its error has the path to what is wrong.", ours: lines("the call: invalid_argument, with the path to what is wrong", "on the wire: nothing is written", "outstanding, and the next: ok, ok, 1 connection") },
  { number: 20, what: "responses that cannot be encoded", gorpc: lines("the call: Connection", "on the wire: the end of the connection", "the others: Connection"), match: "different", reason: "A promise of ours: a response that cannot be encoded is an error of its own call, and nobody else notices.", ours: lines("the call: Server, with the path to what is wrong", "on the wire: its error alone", "the others: ok", "the server: logs it") },
  { number: 21, what: "replies with unknown ids", gorpc: "the client drops the connection", match: "different", reason: "A promise of ours: a reply to nothing harms nobody; it is counted in the stats (`strays`) and passed over.", ours: "counted: 3, the call that waits: ok, 1 connection" },
  { number: 22, what: "64 KiB of random bytes to either side", gorpc: "that connection is dropped, nothing else is harmed", match: "same" },
  { number: 23, what: "requests that cannot be decoded", gorpc: ends("a type of an unknown name", "an int8 out of range", ...UNREADABLE), match: "different", reason: "A promise of ours: what leaves the stream whole ends no connection: an unknown name is read by its definition, and a value that does not fit fails its own call.", ours: lines("a type of an unknown name: the server reads it by its definition", "an int8 out of range: the server refuses that call alone", ends(...UNREADABLE)) },
  { number: 24, what: "when a client dials again", gorpc: lines("a dropped connection: redialled at once", "no server: redialled every second", "a dial that failed: logged", "refused by onConnect: redialled at once, for ever"), match: "different", reason: "A defect of gorpc: a refusal by onConnect makes it redial in a hot loop; here every redial has backoff with full jitter.", ours: lines("a dropped connection: redialled after a wait", "no server: redialled after waits that grow up to 10 s", "a dial that failed: logged", "refused by onConnect: redialled after waits that grow up to 10 s") },
  { number: 25, what: "onConnect of the server refuses a connection", gorpc: lines("the call: Connection", "connections: 0"), match: "same" },
  { number: 26, what: "no handshake byte within 10 s", gorpc: "the server logs it and closes the connection", match: "same" },
  // ---- panics
  { number: 27, what: "a handler that panics", gorpc: "Server, with the stack in its text; the connection lives on", match: "different", reason: "A promise of ours: what a stack tells stays at home; the caller gets the trace by which it is found in the server's log.", ours: "Server, with the trace of the entry in the server's log; the connection lives on" },
  // ---- start and stop
  { number: 28, what: "both ends are started and stopped five times on one port; then twice without the other", gorpc: lines("rounds: ok ok ok ok ok", "started again: refused", "no handlers: refused at the start", "stopped again: refused"), match: "different", reason: "A promise of ours: `close()` ends ownership and may be called twice, and an end without handlers refuses each call instead.", ours: lines("rounds: ok ok ok ok ok", "started again: refused", "no handlers: Server", "stopped again: ok") },
  { number: 29, what: "an address where nobody can listen", gorpc: lines("in use: Cannot listen", "not ours: Cannot listen"), match: "same" },
  { number: 30, what: "a client is stopped with calls outstanding", gorpc: lines("sent: nothing and no error", "started again: ok", "queued: never settles", "after the stop: Timeout"), match: "different", reason: "A defect of gorpc: its outstanding calls return nothing and no error; `close()` settles each with `cancelled`.", ours: lines("sent: Canceled", "started again: ok", "queued: Canceled", "after the stop: Canceled at once") },
  { number: 31, what: "a call is made before the client has started", gorpc: "a call before there is a link: a panic, or Overflow", match: "different", reason: "A promise of ours: a lazy client takes calls from the first moment, and those that were never sent wait for a link.", ours: "a call before there is a link: ok" },
  { number: 32, what: "a server is stopped while a handler runs", gorpc: lines("stop: returns at once, the call: Connection, the handler runs to its end", "stop at once: the same"), match: "different", reason: "A promise of ours: close is graceful and waits for running handlers; with `graceMs: 0` it aborts them and waits for nobody.", ours: lines("stop: returns when the handler has ended, the call: ok, the handler runs to its end", "stop at once: returns at once, the call: Connection, the handler ends aborted") },
  { number: 33, what: "a client comes back by itself to a server that was restarted", gorpc: lines("within a second: ok", "on the same port: ok"), match: "same" },
  // ---- batch
  { number: 34, what: "batches of 100 calls, of members without a response, of both, and of nothing", gorpc: lines("before the replies: open", "after: 100 of 100 match", "skip-response: ok", "delivered: 7", "mixed: ok, ok, Server", "empty: ok"), match: "different", reason: "A promise of ours: a batch is the same on every wire, and JSON-RPC forbids one without members, so that it is refused unsent.", ours: lines("before the replies: open", "after: 100 of 100 match", "skip-response: ok", "delivered: 7", "mixed: ok, ok, Server", "empty: invalid_argument") },
  { number: 35, what: "the time of a batch is over", gorpc: "the batch: Timeout, its results: Timeout, Timeout, Timeout", match: "different", reason: "A promise of ours: one time settles every member with an outcome of its own, and the batch itself fails with none of them.", ours: "the batch: ok, its results: Timeout, Timeout, Timeout" },
  { number: 36, what: "the time of a batch of a service's methods is over", gorpc: "the batch: Timeout, its results: open", match: "different", reason: "A defect of gorpc: the results' Done never closes; here every member settles, as in any other batch.", ours: "the batch: ok, its results: Timeout, Timeout, Timeout" },
  { number: 37, what: "many workers add to one batch, and to many at once", gorpc: "200 of 200 match", match: "same" },
  // ---- dispatcher
  { number: 38, what: "shapes of functions, services, kinds of values; and what is refused when it is registered", gorpc: lines(inAndOut, services, values, "own encoding: arrives as it was", mistakes, "nil service: taken"), match: "different", reason: "A promise of ours: mistakes are refused at registration, null as a service too; classes stay at home, and their forms travel.", ours: lines(inAndOut, services, values, "own encoding: arrives in its own form", mistakes, "nil service: refused") },
  { number: 39, what: "a wrong type of argument", gorpc: lines("to a function that says what it takes: Server, with a text that names both types"), match: "different", reason: "A promise of ours: a function takes what comes, unless it says what it takes with a schema of `method()`, on this wire as on any other.", ours: lines("to a function that says what it takes: Server, invalid parameters: Invalid input: expected string, received number", "to any other: it gets what came") },
  { number: 40, what: "an unknown service or method, or a name that is none", gorpc: "Server, with a text for each", match: "same" },
  { number: 41, what: "an argument for a function that takes none", gorpc: "ignored", match: "same" },
  { number: 42, what: "a handler's own error", gorpc: "Server, with its text alone", match: "same" },
  { number: 43, what: "a plain request to a dispatcher", gorpc: "Server, with the text and the stack of a panic; the connection lives on", match: "different", reason: "A promise of ours: it is answered as any request that nobody handles, with a text that says what to do and without a stack.", ours: "Server, with a text that says what to call; the connection lives on" },
  { number: 44, what: "private methods", gorpc: "not callable", match: "same" },
  { number: 45, what: "a reply that is not a dispatcher's", gorpc: "Server, with a text that names its type", match: "different", reason: "A promise of ours: the text says how such a server is called, with the method \"\".", ours: "Server, with a text that says what to call instead" },
  // ---- counters
  { number: 46, what: "what both ends count of 5 calls and 3 sends; only calls are timed where they are made", gorpc: lines("requests: 8 and 8", "dials: 1", "accepts: 1", "bytes: the same at both ends", "timed: 5 and 8"), match: "same" },
  { number: 47, what: "sends that are queued together share a write", gorpc: "3 sends, 1 write", match: "same" },
  { number: 48, what: "the count of what is pending, before, during and after 10 calls", gorpc: "0 1 2 3 4 5 6 7 8 9 10 0", match: "same" },
  { number: 49, what: "three connections", gorpc: "3 dials, 3 accepts, calls: ok", match: "same" },
];
