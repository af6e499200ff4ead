import type { CloseReason, Role } from "./channel.ts";
import type { Codec } from "./codec.ts";
import { type Code, protocolError, RpcError } from "./errors.ts";
import type { GoodbyeMessage, Hello, HelloMessage, WelcomeMessage } from "./message.ts";
import type { Sender } from "./sender.ts";
import { printable } from "./text.ts";

/** Why a hello is refused: the dialler is told the message, and when it may try again. */
export class Refusal extends RpcError {
  /** Infinity: never, `undefined`: as always. */
  readonly redialAfterMs: number | undefined;

  constructor(code: Code, message: string, redialAfterMs?: number) {
    super(code, message, { executed: "no" });
    this.redialAfterMs = redialAfterMs;
  }
}

/** What goodbye in place of welcome means to the dialler. */
export function refusedBy({ text, redialAfterMs }: GoodbyeMessage): CloseReason {
  const message = `Refused by the other side: ${printable(text)}`;
  const error = new RpcError("unavailable", message, { executed: "no" });
  return { message, error, ...(redialAfterMs === undefined ? {} : { redialAfterMs }) };
}

/** What the opening needs of its peer. */
export interface OpeningHost {
  readonly codec: Codec;
  readonly sender: Sender;
  readonly options: {
    readonly role: Role;
    /** What this end says about itself; a dialler whose wire may say hello says it only when this is given. */
    readonly hello?: Hello | undefined;
  };
  /** Accepter: sees the dialler's hello and returns the welcome; throws to refuse. */
  welcome(hello: Hello): Hello | undefined;
  /** The other side has said who it is. */
  met(hello: Hello): void;
  /** This end does not want the dialler. */
  refuse(error: RpcError): void;
  broken(error: RpcError): void;
}

/** Who says what before the first call: hello and welcome, where the wire has them. */
export class Opening {
  readonly #host: OpeningHost;
  #remote: Hello | undefined = undefined;
  #isDone = false;
  #error: RpcError | undefined = undefined;
  /** Who waits for the end of the opening. */
  #waiting: { resolve(): void; reject(error: RpcError): void }[] | undefined = undefined;

  constructor(host: OpeningHost) {
    this.#host = host;
  }

  /** Resolves when the opening is over; rejects when the link ends before that. */
  get done(): Promise<void> {
    if (this.#isDone) return Promise.resolve();
    const done = new Promise<void>((resolve, reject) => {
      if (this.#error !== undefined) return reject(this.#error);
      this.#waiting ??= [];
      this.#waiting.push({ resolve, reject });
    });
    // A link that nobody waited for may fail without an unhandled rejection.
    done.catch(() => {});
    return done;
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  /** What the other side said about itself. */
  get remote(): Hello | undefined {
    return this.#remote;
  }

  begin(): void {
    const { role, hello } = this.#host.options;
    const { carries } = this.#host.codec;
    if (role === "client") {
      const says = carries.hello === "must" || (carries.hello === "may" && hello !== undefined);
      if (says) this.#say({ kind: "hello", hello: hello ?? {} });
      if (!carries.welcome || (carries.hello === "may" && !says)) this.#finish();
    } else {
      if (carries.welcome && carries.hello === "never") this.#say({ kind: "welcome", hello: hello ?? {} });
      if (carries.hello !== "must") this.#finish();
    }
  }

  onHello(hello: Hello): void {
    const { codec, options } = this.#host;
    if (options.role !== "server" || this.#remote !== undefined) {
      return this.#host.broken(protocolError("Unexpected hello"));
    }
    this.#remote = hello;
    this.#host.met(hello);
    let welcome: Hello | undefined;
    try {
      welcome = this.#host.welcome(hello);
    } catch (thrown) {
      return this.#host.refuse(RpcError.from(thrown));
    }
    if (codec.carries.welcome) this.#say({ kind: "welcome", hello: welcome ?? options.hello ?? {} });
    this.#finish();
  }

  onWelcome(hello: Hello): void {
    if (this.#host.options.role !== "client" || this.#remote !== undefined) {
      return this.#host.broken(protocolError("Unexpected welcome"));
    }
    this.#remote = hello;
    this.#host.met(hello);
    this.#finish();
  }

  /** A request came before the opening was over. */
  tooEarly(): void {
    const missing = this.#host.options.role === "server" ? "hello" : "welcome";
    this.#host.broken(protocolError(`Expected ${missing} before anything else`));
  }

  /** Says goodbye in place of welcome, where the wire can: past the outbox, where nothing leaves before the opening is over. */
  sayRefused(error: RpcError): void {
    if (!this.#host.codec.carries.goodbye) return;
    const redialAfterMs = error instanceof Refusal ? error.redialAfterMs : undefined;
    this.#host.sender.write([{ kind: "goodbye", text: error.message, redialAfterMs }]);
  }

  /** The link has ended. */
  fail(error: RpcError): void {
    this.#error = error;
    for (const { reject } of this.#waiting ?? []) reject(error);
    this.#waiting = undefined;
  }

  /** Sends at once: the opening is what everything else waits for. */
  #say(message: HelloMessage | WelcomeMessage): void {
    this.#host.sender.write([message]);
  }

  #finish(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#host.sender.start();
    for (const { resolve } of this.#waiting ?? []) resolve();
    this.#waiting = undefined;
  }
}
