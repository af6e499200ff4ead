import type { Channel, CloseReason, Frame } from "../../core/channel.ts";
import { after } from "../../core/clock.ts";
import { RpcError } from "../../core/errors.ts";
import type { RawConnection } from "../../core/wire.ts";
import { AnswerChannel, type Outcome } from "./answer-channel.ts";
import { CLOSED, EVENTS, refusal } from "./answers.ts";
import type { Arranged } from "./batch.ts";
import type { Door, Visitor } from "./door.ts";
import { EventChannel } from "./event-channel.ts";
import type { Answer } from "./exchange.ts";

/** Serves a record as a link of its own, and gives what was answered when that has ended. */
export function answerRecord(
  { accept, terms, rules }: Door,
  visitor: Visitor,
  record: Frame,
): Promise<Outcome & { readonly isLate: boolean }> {
  return new Promise((resolve) => {
    let isLate = false;
    let isOver = false;
    let forget = (): void => {};
    const channel = new AnswerChannel(record, (outcome) => {
      isOver = true;
      forget();
      stop();
      resolve({ ...outcome, isLate });
    });
    const late = (): void => {
      isLate = true;
      channel.close(unavailable("The time of the HTTP request is over"));
    };
    const stop = after(terms.clock, rules.answerTimeoutMs, late);
    // It may have left while its body was read.
    forget = visitor.asked.onGone((why) => (why === "late" ? late() : channel.close(gone())));
    if (!isOver) accept(connectionOf(channel, visitor));
  });
}

/**
 * Serves a record as a link whose frames are events, or none, as one that stays. Gives the answer when that begins, and not
 * when it ends.
 */
export function answerWithEvents(
  { accept, count }: Door,
  visitor: Visitor,
  { record, restore = (reply) => reply }: Partial<Arranged> = {},
): Promise<Answer> {
  return new Promise((resolve) => {
    let isOver = false;
    let forget = (): void => {};
    count(1);
    const channel = new EventChannel({
      record,
      restore,
      started(start) {
        if (start === "events") resolve({ status: 200, headers: EVENTS, stream: (outlet) => channel.attach(outlet) });
        else resolve(start.error === undefined ? CLOSED : refusal(start.error));
      },
      ended() {
        isOver = true;
        count(-1);
        forget();
      },
    });
    forget = visitor.asked.onGone(() => channel.close(gone()));
    if (!isOver) accept(connectionOf(channel, visitor));
  });
}

function connectionOf(channel: Channel, { asked, identity }: Visitor): RawConnection {
  const { remoteAddress } = asked.about;
  return {
    channel,
    ...(remoteAddress !== undefined && { remoteAddress }),
    ...(identity !== undefined && { identity }),
  };
}

function gone(): CloseReason {
  return unavailable("The HTTP caller went away");
}

function unavailable(message: string): CloseReason {
  return { message, error: new RpcError("unavailable", message) };
}
