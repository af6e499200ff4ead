import type { CloseReason } from "../../src/core/channel.ts";
import type { CallMessage, Id, Message } from "../../src/core/message.ts";
import { type Session, sessionText } from "../../src/core/session.ts";
import { textOf } from "../../src/core/text.ts";
import { HandAgent } from "../suites/fleet-world.ts";
import type { FleetStage } from "./fleet-stage.ts";
import { answerOf, type Tally } from "./fleet-tally.ts";

/** How an agent comes: under which name, as which session, with which labels. */
export interface Arrival {
  readonly name: string;
  readonly session: Session | undefined;
  readonly zone: string;
}

/** One link of an agent that a schedule plays: it answers what it likes, when it likes, or again. */
export class PlayedAgent implements Arrival {
  readonly name: string;
  readonly session: Session | undefined;
  readonly zone: string;
  /** What the controller knows its link by. */
  readonly address: string;
  /** When it last said anything. */
  lastSaid: number;
  readonly #stage: FleetStage;
  readonly #hand: HandAgent;
  readonly #tally: Tally;
  /** Calls that were not answered. */
  readonly #open: CallMessage[] = [];
  #lastAnswered: Id = 0;
  #read = 0;
  #asked = 0;

  /** Says hello. */
  constructor(stage: FleetStage, tally: Tally, { name, session, zone }: Arrival) {
    this.name = name;
    this.session = session;
    this.zone = zone;
    this.lastSaid = stage.clock.now;
    this.#stage = stage;
    this.#tally = tally;
    this.#hand = new HandAgent(stage.dial(2));
    this.address = stage.lastAddress;
    const hello = { name, labels: { zone }, ...(session && { session: sessionText(session) }) };
    this.say({ kind: "hello", hello });
  }

  /** The first thing that it was told. */
  get greeting(): Message["kind"] | undefined {
    return this.#hand.got[0]?.kind;
  }

  get isClosed(): boolean {
    return this.#hand.reason !== undefined;
  }

  say(message: object): void {
    this.lastSaid = this.#stage.clock.now;
    this.#hand.say(message);
  }

  stall(): void {
    this.#hand.stall();
  }

  halfClose(): void {
    this.#hand.channel.end();
  }

  close(reason?: CloseReason): void {
    this.#hand.channel.close(reason);
  }

  /** Looks at what came since. */
  read(): void {
    const { frames } = this.#hand;
    for (; this.#read < frames.length; this.#read++) {
      const message = JSON.parse(textOf(frames[this.#read] ?? "")) as Message;
      if (message.kind === "cancel") {
        const at = this.#open.findIndex(({ id }) => id === message.id);
        if (at >= 0) this.#open.splice(at, 1);
      } else if (message.kind === "call") {
        this.#tally.arrived(tokenOf(message), this.name);
        this.#open.push(message);
      }
    }
  }

  answer(most: number): void {
    this.read();
    for (const call of this.#open.splice(0, most)) {
      this.#lastAnswered = call.id;
      this.say({ kind: "result", id: call.id, value: answerOf(tokenOf(call), this.name) });
    }
  }

  answerAgain(): void {
    this.say({ kind: "result", id: this.#lastAnswered, value: "stray" });
  }

  refuse(): void {
    this.read();
    const call = this.#open.shift();
    if (call === undefined) return;
    this.say({ kind: "error", id: call.id, error: { code: "aborted", message: "on purpose" } });
  }

  /** Calls the controller, which calls a member for it. */
  ask(member: string): void {
    this.say({ kind: "call", id: ++this.#asked, method: "relay", params: member });
  }

  /** Gives up what it asked last. */
  giveUp(): void {
    this.say({ kind: "cancel", id: this.#asked });
  }
}

function tokenOf({ params }: CallMessage): string {
  return (params as readonly string[])[0] ?? "";
}
