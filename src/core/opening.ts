import type { Role } from "./channel.ts";
import type { Carries } from "./codec.ts";
import { protocolError, RpcError } from "./errors.ts";
import type { Hello, Message } from "./message.ts";

/** What the opening needs from its peer. */
export interface OpeningOptions {
  readonly role: Role;
  readonly carries: Carries;
  /** What this end says about itself; a dialler whose wire may say hello says it only when this is given. */
  readonly hello: Hello | undefined;
  /** Accepter: sees the dialler's hello and returns the welcome; throws to refuse. */
  onHello(hello: Hello): Hello | undefined;
  /** Sends at once: the opening is what everything else waits for. */
  write(messages: readonly Message[]): void;
  /** The other side has said who it is. */
  met(hello: Hello): void;
  opened(): void;
  broken(error: RpcError): void;
}

/** Who says what before the first call: hello and welcome, where the wire has them. */
export class Opening {
  /** Resolves when the opening is over; rejects when the link ends before that. */
  readonly done: Promise<void>;
  readonly #options: OpeningOptions;
  #remote: Hello | undefined = undefined;
  #isDone = false;
  #resolve: () => void = () => {};
  #reject: (error: RpcError) => void = () => {};

  constructor(options: OpeningOptions) {
    this.#options = options;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // A link that nobody waited for may fail without an unhandled rejection.
    this.done.catch(() => {});
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  /** What the other side said about itself. */
  get remote(): Hello | undefined {
    return this.#remote;
  }

  begin(): void {
    const { role, carries, hello, write } = this.#options;
    if (role === "client") {
      const says = carries.hello === "must" || (carries.hello === "may" && hello !== undefined);
      if (says) write([{ kind: "hello", hello: hello ?? {} }]);
      if (!carries.welcome || (carries.hello === "may" && !says)) this.#finish();
    } else {
      if (carries.welcome && carries.hello === "never") write([{ kind: "welcome", hello: hello ?? {} }]);
      if (carries.hello !== "must") this.#finish();
    }
  }

  onHello(hello: Hello): void {
    const { role, carries, write, met, broken } = this.#options;
    if (role !== "server" || this.#remote !== undefined) return broken(protocolError("Unexpected hello"));
    this.#remote = hello;
    met(hello);
    let welcome: Hello | undefined;
    try {
      welcome = this.#options.onHello(hello);
    } catch (thrown) {
      return broken(RpcError.from(thrown));
    }
    if (carries.welcome) write([{ kind: "welcome", hello: welcome ?? this.#options.hello ?? {} }]);
    this.#finish();
  }

  onWelcome(hello: Hello): void {
    if (this.#options.role !== "client" || this.#remote !== undefined) {
      return this.#options.broken(protocolError("Unexpected welcome"));
    }
    this.#remote = hello;
    this.#options.met(hello);
    this.#finish();
  }

  /** A request came before the opening was over. */
  tooEarly(): void {
    const missing = this.#options.role === "server" ? "hello" : "welcome";
    this.#options.broken(protocolError(`Expected ${missing} before anything else`));
  }

  fail(error: RpcError): void {
    this.#reject(error);
  }

  #finish(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#options.opened();
    this.#resolve();
  }
}
