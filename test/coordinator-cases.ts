/** Why a behaviour may differ from Aperture's: a fault that its facts name, or a promise of the engine or of its ends. */
export type CoordinatorReason = `A fault of Aperture: ${string}` | `A promise of ours: ${string}`;

/** One numbered behaviour of Aperture's reverse RPC on a gRPC stream (its facts, 1 to 33), in the words of the run that plays it here. */
export interface CoordinatorCase {
  readonly number: number;
  readonly what: string;
  /** What Aperture does, in lines; codes are gRPC's. */
  readonly aperture: string;
  /** `same`: what a run gives; `different`: the run gives `ours`. */
  readonly match: "same" | "different";
  readonly reason?: CoordinatorReason;
  readonly ours?: string;
}

const lines = (...all: readonly string[]): string => all.join("\n");

// biome-ignore format: one row per behaviour
export const COORDINATOR_CASES: readonly CoordinatorCase[] = [
  // ---- hello and the stream
  { number: 1, what: "the first message of the agent is no hello", aperture: lines("a response: the stream ends with InvalidArgument", "nothing in it: the stream ends with InvalidArgument"), match: "same" },
  { number: 2, what: "a second hello", aperture: "the stream ends with InvalidArgument", match: "same" },
  { number: 3, what: "a member of the oneof that nobody knows", aperture: lines("to the controller: passed over", "to the agent: passed over"), match: "same" },
  { number: 4, what: "what the agent hears of its hello", aperture: "nothing", match: "same" },
  { number: 5, what: "ids on a stream", aperture: lines("from next_id on, one more for each request, none for a cancel: 41, cancel 41, 42", "an agent of its own asks for 0"), match: "same" },
  { number: 6, what: "id 0", aperture: lines("of a request: answered", "of a cancel: cancels the request 0"), match: "same" },
  { number: 7, what: "ids of two streams", aperture: "0 1 and 0 1, answered crosswise: each answer finds its call", match: "same" },
  { number: 8, what: "an agent joins with a name that another one has", aperture: lines("the new one: gets the name", "the old one: its stream ends with OK", "a call to the old one: Canceled"), match: "different", reason: "A promise of ours: who has the name keeps it, since the wire cannot tell the other one to stay away; `duplicates: \"replace\"` does as Aperture.", ours: lines("the new one: its stream ends with AlreadyExists", "the old one: stays", "a call to the old one: OK", "replace, the new one: gets the name", "replace, the old one: its stream ends with OK", "replace, a call to the old one: Unavailable") },
  { number: 9, what: "two agents with one name", aperture: "they take the name from one another every 10 s, for ever", match: "different", reason: "A promise of ours: the first keeps the name; and an agent whose stream ends with OK, as that of a replaced one does, stays away.", ours: lines("on our controller: the first keeps the name", "our agent, replaced by another controller: comes back after 30 to 40 s") },
  { number: 10, what: "an agent loses its stream", aperture: lines("dials again: after 10 s each time", "handlers under way: cancelled, their results are dropped"), match: "different", reason: "A promise of ours: redials wait with backoff and jitter, so that a controller that comes back is not met by all at once.", ours: lines("dials again: after waits that grow up to 10 s", "handlers under way: cancelled, their results are dropped") },
  { number: 11, what: "an agent takes any name", aperture: "whoever reaches the port: joins", match: "different", reason: "A promise of ours: a name is bound to the identity where there is one, that of a certificate or of `identify`.", ours: lines("whoever reaches the port: joins", "who has an identity, under its own name: joins", "who has an identity, under another name: the stream ends with PermissionDenied") },
  { number: 12, what: "the agent ends its side", aperture: "the stream ends with OK", match: "same" },
  // ---- calling
  { number: 13, what: "a call to nobody", aperture: "NotFound at once", match: "same" },
  { number: 14, what: "a call is not answered", aperture: "DeadlineExceeded after 5000 ms", match: "different", reason: "A promise of ours: 5 s are the default only; each call may have its own time and a signal.", ours: lines("DeadlineExceeded after 5000 ms", "with a time of its own: DeadlineExceeded after 100 ms", "with a signal: Canceled after 0 ms") },
  { number: 15, what: "the time that the agent is told, of a call that waited 2 s to be sent", aperture: "5000 ms", match: "different", reason: "A promise of ours: the time of a call begins when it is made, and the agent is told what is left, so that it does not outlast its caller.", ours: "3000 ms" },
  { number: 16, what: "what the agent hears when the caller's time is over", aperture: "nothing", match: "different", reason: "A promise of ours: who works for nobody is told, at a timeout as at a cancel.", ours: lines("at a timeout: cancel_id", "at a cancel: cancel_id") },
  { number: 17, what: "a response to nothing: late, twice, or invented", aperture: "passed over; the stream goes on", match: "same" },
  { number: 18, what: "the agent goes with calls pending", aperture: "each ends once, with Canceled", match: "different", reason: "A promise of ours: nobody cancelled it; the link was lost, and the error says that the call may have run.", ours: "each ends once, with Unavailable, executed unknown" },
  { number: 19, what: "the agent answers with an error", aperture: lines("to one call: OK, with a message of zeros", "to a call of all: FailedPrecondition, disabled"), match: "different", reason: "A fault of Aperture: its Call drops the error; here both calls have it.", ours: lines("to one call: FailedPrecondition, disabled", "to a call of all: FailedPrecondition, disabled") },
  { number: 20, what: "a call of all", aperture: lines("one outcome each, in order of arrival: b, a", "who joins later: not called", "who does not answer: DeadlineExceeded", "nobody there: no outcomes"), match: "same" },
  { number: 21, what: "a response that cannot be read", aperture: lines("to one call: InvalidArgument", "to a call of all: InvalidArgument for that agent, OK for the other"), match: "same" },
  { number: 22, what: "an outcome of a call of all", aperture: lines("who: the agent's name", "when it went well: the response", "else: the error"), match: "same" },
  // ---- the agent
  { number: 23, what: "a request whose type has no handler", aperture: "Unavailable, with the type", match: "different", reason: "A fault of Aperture: Unavailable invites to try again, for ever; gRPC's code for this is Unimplemented.", ours: "Unimplemented, with the type" },
  { number: 24, what: "a request that cannot be read, and a result that cannot be written", aperture: lines("request: InvalidArgument, with what the parser says", "result: Internal"), match: "same" },
  { number: 25, what: "a handler throws what is no status", aperture: lines("an error: Unknown, with its text", "the end of its time: Unknown", "a cancel of its own: Unknown"), match: "different", reason: "A promise of ours: texts that nobody meant for the other side stay at home, found by a trace; the end of a time and a cancel are what they are.", ours: lines("an error: Internal, with a trace", "the end of its time: DeadlineExceeded", "a cancel of its own: Canceled") },
  { number: 26, what: "many requests at once, and a handler that fails", aperture: lines("5 at once: 5 run", "a panic: ends the agent"), match: "different", reason: "A promise of ours: handlers have a bound, and what one throws is its own call's.", ours: lines("5 at once, concurrency 2: 2 run", "a failure: its own call's, the agent goes on") },
  { number: 27, what: "the time of a request", aperture: lines("5 s: ends the handler's context after 5000 ms", "none: the handler begins with a context that has ended", "less than none: the handler begins with a context that has ended"), match: "different", reason: "A promise of ours: what is over before it begins is not begun.", ours: lines("5 s: ends the handler's context after 5000 ms", "none: DeadlineExceeded, and no handler begins", "less than none: DeadlineExceeded, and no handler begins") },
  { number: 28, what: "a cancel", aperture: lines("of an unknown request: nothing happens", "of one that runs: its context ends, and it is not answered"), match: "same" },
  { number: 29, what: "a request with the id of one that runs", aperture: lines("both run", "the first to finish answers, the other is dropped", "a cancel meets the second"), match: "different", reason: "A promise of ours: an id names one request. The second is passed over, because an answer to it would be taken for that of the first.", ours: lines("the first runs", "it answers, the other never begins", "a cancel meets the first") },
  { number: 30, what: "timers that are left when 100 calls with 5 s each have been answered", aperture: "100, until their times are over", match: "different", reason: "A promise of ours: one timer serves all calls.", ours: "none" },
  { number: 31, what: "two functions for one type of request", aperture: "an error at the start", match: "same" },
  { number: 32, what: "100 handlers finish after the stream has ended", aperture: "64 finish, the others are blocked for ever", match: "different", reason: "A fault of Aperture: after a disconnect nobody reads its channel of 64 responses.", ours: "100 finish, and their places are free" },
  { number: 33, what: "a response above 4 MiB", aperture: "the stream ends, and all calls with it", match: "different", reason: "A promise of ours: what is too large to be sent fails its own call.", ours: lines("its call: ResourceExhausted", "a call beside it: OK", "the stream: goes on") },
];
