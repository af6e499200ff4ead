/** Why a behaviour may differ from Hemi's: a fault that its facts name, or a promise of the engine or of its ends. */
export type CommandReason = `A fault of Hemi: ${string}` | `A promise of ours: ${string}`;

/** One numbered behaviour of Hemi's `api/protocol` (its facts, 1 to 45), in the words of the run that plays it here. */
export interface CommandCase {
  readonly number: number;
  readonly what: string;
  /** What Hemi does, in lines. */
  readonly hemi: string;
  /** `same`: what a run gives; `different`: the run gives `ours`. */
  readonly match: "same" | "different";
  readonly reason?: CommandReason;
  readonly ours?: string;
  /** What the run gives with `compat`, where that is not `ours`. */
  readonly compat?: string;
}

const lines = (...all: readonly string[]): string => all.join("\n");

const ALONE =
  "A promise of ours: one bad frame harms no other call, and a request is answered where its id can be read.";
const ENDS = "not answered; the link ends";

// biome-ignore format: one row per behaviour
export const COMMAND_CASES: readonly CommandCase[] = [
  // ---- frames
  { number: 1, what: "a command on WebSocket", hemi: 'a text message: {"header":{"command":"t-add-response","id":"1"},"payload":{"sum":3}}', match: "same" },
  { number: 2, what: "an empty id", hemi: "is written as no member id", match: "same" },
  { number: 3, what: "an id that is a number", hemi: ENDS, match: "different", reason: ALONE, ours: "not answered; the link goes on", compat: ENDS },
  { number: 4, what: "the names of members", hemi: lines("in capital letters: understood", "unknown ones: passed over"), match: "different", reason: "A promise of ours: a name is one name, and Go's leniency is for those who need it.", ours: lines("in capital letters: not understood", "unknown ones: passed over"), compat: lines("in capital letters: understood", "unknown ones: passed over") },
  { number: 5, what: "more than one object", hemi: lines("something behind it: not answered; the link ends", "a member twice: the last one counts"), match: "different", reason: ALONE, ours: lines("something behind it: not answered; the link goes on", "a member twice: the last one counts"), compat: lines("something behind it: not answered; the link ends", "a member twice: the last one counts") },
  { number: 6, what: "a request without a payload", hemi: ENDS, match: "different", reason: "A promise of ours: what is left out is an empty object, as its own README writes requests.", ours: "the handler gets {}" },
  { number: 7, what: "a payload that is null", hemi: "the handler gets nothing at all", match: "different", reason: "A promise of ours: a handler never gets what it cannot read from.", ours: "the handler gets {}" },
  { number: 8, what: "a payload of the wrong type", hemi: ENDS, match: "different", reason: ALONE, ours: "invalid_argument; the link goes on", compat: ENDS },
  { number: 9, what: "a request that nobody knows", hemi: ENDS, match: "different", reason: ALONE, ours: "unimplemented; the link goes on", compat: ENDS },
  { number: 10, what: "a call beside a bad request", hemi: "is lost with the link", match: "different", reason: ALONE, ours: "is answered", compat: "is lost with the link" },
  { number: 11, what: "a command that is known and not served", hemi: lines("a response: the link ends", "an answer to the first ping: the link ends"), match: "different", reason: ALONE, ours: lines("a response: the link goes on", "an answer to the first ping: the link goes on"), compat: lines("a response: the link ends", "an answer to the first ping: the link goes on") },
  { number: 12, what: "a client hears what nobody knows", hemi: lines("its calls: fail", "their replies: are nobody's"), match: "different", reason: ALONE, ours: lines("its calls: go on", "their replies: are theirs") },
  { number: 13, what: "a command that is not in the table", hemi: "fails before a byte is sent", match: "same" },
  { number: 14, what: "a payload", hemi: lines("given: a struct or a pointer to one", "got: a pointer to a new one"), match: "different", reason: "A promise of ours: no type needs to be registered, the name is said by its caller.", ours: lines("given: any object", "got: a plain object") },
  // ---- ids
  { number: 15, what: "the ids of calls", hemi: "1, 2, and 3 after a reconnect", match: "different", reason: "A promise of ours: ids belong to a link, so that nothing on another one can answer them.", ours: "1, 2, and 1 after a reconnect" },
  { number: 16, what: "the id of a request", hemi: "is echoed as it is: 68656d69, 007, Hello: 02ab", match: "same" },
  { number: 17, what: "the first ping", hemi: "has the id 0, which no call has", match: "same" },
  { number: 18, what: "the ids of pushes", hemi: lines("none, or one of their own: -, ntfy-1f", "of a job: the push has the job's, the reply the request's"), match: "same" },
  { number: 19, what: "a reply under another name", hemi: "is the call's result", match: "different", reason: "A promise of ours: what is no answer is not taken for one.", ours: "data_loss, executed yes", compat: "is the call's result" },
  { number: 20, what: "a push with the id of a call", hemi: "is taken for its answer", match: "different", reason: "A promise of ours: what a message is hangs on its name, never on its id alone.", ours: "is served, and the call gets its own answer", compat: "is taken for its answer" },
  { number: 21, what: "a second reply", hemi: "is dropped, or given to the application", match: "different", reason: "A promise of ours: what is nobody's is counted, and told to who wants to know.", ours: "is passed over, and given to onUnclaimed" },
  { number: 22, what: "a reply that comes too late", hemi: "is given to the application, which dials again", match: "different", reason: "A promise of ours: a slow answer costs its own call.", ours: "is passed over, and given to onUnclaimed" },
  { number: 23, what: "a caller gives up", hemi: "the server is told nothing", match: "same" },
  { number: 24, what: "a reply whose payload is null", hemi: "is an error: reply payload is nil", match: "different", reason: "A promise of ours: a payload that is null is an empty object, everywhere.", ours: "is {}" },
  // ---- errors
  { number: 25, what: "an error in a payload", hemi: lines("has timestamp, message", "is not there when all is well"), match: "different", reason: "A promise of ours: a code tells more than a text, and is passed over by who does not know it.", ours: lines("has timestamp, message, code", "is not there when all is well"), compat: lines("has timestamp, message", "is not there when all is well") },
  { number: 26, what: "an error of the request", hemi: lines("the caller gets: bad address", "trace: none", "in the log: nothing"), match: "same" },
  { number: 27, what: "what was not found", hemi: "not found: tx 05, without a code", match: "different", reason: "A promise of ours: errors have codes. Where there is none, a text that begins so is one of not_found.", ours: "not found: tx 05, with the code not_found", compat: "not found: tx 05, without a code" },
  { number: 28, what: "an internal error", hemi: lines("the caller gets: internal error", "trace: 16 hexadecimal digits", "in the log: the cause, with the trace"), match: "same" },
  { number: 29, what: "an error as text", hemi: "message [trace:timestamp]", match: "different", reason: "A promise of ours: what an error has is in its members, and its text is for people.", ours: "message, and trace and timestamp as members" },
  { number: 30, what: "a handler that returns nothing", hemi: "its caller waits until its time is over", match: "different", reason: "A fault of Hemi: nothing is sent, and the caller cannot tell it from a server that hangs.", ours: "its caller gets {}" },
  // ---- limits, times, ends
  { number: 31, what: "a message above the limit", hemi: lines("that comes: 1009, and all calls are lost", "that goes: 1009, and all calls are lost"), match: "different", reason: "A promise of ours: what is too large to be sent fails its own call. What comes is the WebSocket's affair, which cannot pass over it.", ours: lines("that comes: 1009, and all calls are lost", "that goes: its own call fails") },
  { number: 32, what: "a request of 40 KiB", hemi: "ends the link, since servers take 32 KiB", match: "different", reason: "A promise of ours: both ends take 4 MiB unless `maxFrameBytes` says otherwise.", ours: "is answered" },
  { number: 33, what: "a handler outlasts the time of its server", hemi: lines("its context: ends after 10 s", "its caller: may hear nothing, the answer's time is over too"), match: "different", reason: "A promise of ours: each call is answered. The time is `requestTimeoutMs`, and there is none unless it is given.", ours: lines("its context: ends after 10 s", "its caller: deadline_exceeded") },
  { number: 34, what: "a key that is refused", hemi: lines("the client gets: 4100 invalid public key", "it dials again: never"), match: "same" },
  { number: 35, what: "a session whose key is taken away", hemi: lines("the client gets: 1002 killed", "it dials again, and gets: 4100 invalid public key"), match: "same" },
  { number: 36, what: "another handshake that fails", hemi: lines("a bad signature: 1000", "out of time: 1000"), match: "different", reason: "A fault of Hemi: nobody can tell it from a link that was closed in peace.", ours: lines("a bad signature: 1008", "out of time: 1011") },
  { number: 37, what: "a client closes", hemi: lines("its link: 1000", "while it connects: waits for up to 35 s"), match: "different", reason: "A promise of ours: nothing waits for a lock.", ours: lines("its link: 1000", "while it connects: at once") },
  { number: 38, what: "requests at once", hemi: "are answered as they are ready: 3 2 1", match: "same" },
  { number: 39, what: "a push that overtakes the first ping", hemi: lines("the push: is lost", "the ping: is answered, which ends the link"), match: "different", reason: "A promise of ours: our server pings before anything else, and our client serves whatever comes first.", ours: lines("the push: is served", "the ping: is not answered") },
  { number: 40, what: "an old link fails once more, after a reconnect", hemi: "the new link is closed", match: "different", reason: "A promise of ours: a link knows its own channel and no other.", ours: "the new link stays" },
  { number: 41, what: "a reply that is there before its caller waits", hemi: "is lost, and the call times out", match: "different", reason: "A promise of ours: a call is a promise from the moment when it is made.", ours: "is the call's result" },
  { number: 42, what: "1000 calls at once", hemi: "starve the reader, so that its clients make 10", match: "different", reason: "A promise of ours: calls and replies share no lock.", ours: "are answered" },
  { number: 43, what: "the link is lost, and nobody reads", hemi: "its calls wait until their time is over", match: "different", reason: "A promise of ours: a call ends with its link, and somebody always reads.", ours: "its calls: unavailable at once" },
  { number: 44, what: "a client offers compression", hemi: "permessage-deflate", match: "different", reason: "A promise of ours: compression is asked for (`deflate`), and then no message costs memory after it.", ours: lines("none", "with deflate: permessage-deflate; server_no_context_takeover; client_no_context_takeover") },
  { number: 45, what: "a web page connects", hemi: lines("the server's own: welcome", "another one: refused, and on v0.2 welcome"), match: "different", reason: "A promise of ours: other pages are refused unless `origins` lists them.", ours: lines("the server's own: welcome", "another one: refused", "another one that is listed: welcome") },
];
