import { CLOSED, getAnswer, getRefused, refusal } from "./answers.ts";
import { type Door, identified, toldOf } from "./door.ts";
import { type Answer, type Asked, Refused } from "./exchange.ts";
import { callRecord, type GetCall, type GetTarget, type ParseGet } from "./get-query.ts";
import { answerRecord } from "./links.ts";

/** Answers a GET that is a call; `parse` is the user's rule for what it asks. */
export async function answerGet(door: Door, asked: Asked, target: GetTarget, parse: ParseGet): Promise<Answer> {
  const { terms } = door;
  const visitor = await identified(door, asked);
  let call: GetCall;
  try {
    call = await parse(target);
  } catch (thrown) {
    if (thrown instanceof Refused) throw thrown;
    return getRefused(400, -32700, toldOf(terms, thrown, "parseGet failed"));
  }
  let record: string;
  try {
    record = callRecord(call);
  } catch (thrown) {
    return getRefused(500, -32603, toldOf(terms, thrown, "The params of a GET cannot be sent"));
  }
  const { replies, reason, isLate } = await answerRecord(door, visitor, record);
  if (isLate) return getRefused(500, -32096, { message: "context deadline exceeded" });
  if (reason.error !== undefined) return refusal(reason.error);
  return replies[0] === undefined ? CLOSED : getAnswer(replies[0]);
}
