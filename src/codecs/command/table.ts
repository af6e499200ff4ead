import { printable } from "../../core/text.ts";
import type { CommandMethods } from "./methods.ts";

/** One method and its names on the wire. */
export interface Entry {
  readonly method: string;
  readonly command: string;
  /** `undefined`: a notification. */
  readonly reply: string | undefined;
}

/** What a command of the other side may be; one name may be a reply and a notification. */
export interface Heard {
  readonly request?: Entry;
  readonly isReply?: boolean;
  readonly notification?: Entry;
}

/** What a table is made of. */
export interface TableOptions {
  readonly prefix?: string | undefined;
  readonly methods?: CommandMethods | undefined;
}

/** The method that the wire answers by itself. */
const PING = "ping";
const REQUEST = "-request";
const RESPONSE = "-response";
const NOTIFICATION = "-notification";
const SUFFIXED = /^(.+)-(request|response|notification)$/s;

/** The commands by their methods and by their names on the wire; the links of a wire share it. */
export class CommandTable {
  /** How the ends ask one another for a sign of life; `undefined` where the table has no word for it. */
  readonly ping: { readonly command: string; readonly reply: string } | undefined;
  readonly #prefix: string | undefined;
  /** Any name is a command's. */
  readonly #isOpen: boolean;
  readonly #byMethod = new Map<string, Entry>();
  readonly #byCommand = new Map<string, Heard>();

  /** Throws `TypeError` for commands without a name, and for two with the same. */
  constructor({ prefix, methods }: TableOptions) {
    if (prefix === undefined && methods === undefined) {
      throw new TypeError('command() needs a prefix, as in command({ prefix: "tbcapi" }), or a table of methods');
    }
    if (prefix !== undefined && (typeof prefix !== "string" || prefix === "")) {
      throw new TypeError("prefix must be a text: what the names of all commands begin with");
    }
    this.#prefix = prefix;
    this.#isOpen = methods === undefined;
    for (const [method, { kind, ...names }] of Object.entries(methods ?? {})) {
      if (kind !== "request" && kind !== "notification") {
        throw new TypeError(`Cannot add the method "${printable(method)}": give a request() or a notification()`);
      }
      this.#add(this.#entry(method, kind, names));
    }
    this.ping = this.#addPing();
  }

  /** The request of this method. */
  request(method: string): Entry | undefined {
    const entry = this.#byMethod.get(method);
    if (entry !== undefined) return entry.reply === undefined ? undefined : entry;
    return this.#isOpen && method !== "" ? this.#derived(method, "request") : undefined;
  }

  /** The notification of this method. */
  notification(method: string): Entry | undefined {
    const entry = this.#byMethod.get(method);
    if (entry !== undefined) return entry.reply === undefined ? entry : undefined;
    return this.#isOpen && method !== "" ? this.#derived(method, "notification") : undefined;
  }

  /** What a command is that has come; `undefined` for one that nobody knows. */
  heard(command: string): Heard | undefined {
    const known = this.#byCommand.get(command);
    if (known !== undefined || !this.#isOpen) return known;
    const head = `${this.#prefix}-`;
    const [, method = "", kind] = command.startsWith(head) ? (SUFFIXED.exec(command.slice(head.length)) ?? []) : [];
    if (kind === "request") return { request: this.#derived(method, "request") };
    if (kind === "notification") return { notification: this.#derived(method, "notification") };
    return kind === "response" ? { isReply: true } : undefined;
  }

  #derived(method: string, kind: "request" | "notification"): Entry {
    const stem = `${this.#prefix}-${method}`;
    return kind === "request"
      ? { method, command: stem + REQUEST, reply: stem + RESPONSE }
      : { method, command: stem + NOTIFICATION, reply: undefined };
  }

  #entry(
    method: string,
    kind: "request" | "notification",
    { command, reply }: { readonly command?: string | undefined; readonly reply?: string | undefined },
  ): Entry {
    const stem = this.#prefix === undefined || method === "" ? undefined : `${this.#prefix}-${kebab(method)}`;
    const name = (given: string | undefined, suffix: string): string => {
      const made = given ?? (stem === undefined ? "" : stem + suffix);
      if (typeof made === "string" && made !== "") return made;
      throw new TypeError(`Cannot add the method "${printable(method)}": without a prefix its commands need names`);
    };
    if (kind === "notification") return { method, command: name(command, NOTIFICATION), reply: undefined };
    return { method, command: name(command, REQUEST), reply: name(reply, RESPONSE) };
  }

  #add(entry: Entry): void {
    const { method, command, reply } = entry;
    const taken = this.#byCommand.get(command);
    const other = taken?.request ?? taken?.notification;
    if (other !== undefined || (reply !== undefined && taken !== undefined)) {
      const whose = other === undefined ? "the name of a reply" : `that of "${printable(other.method)}"`;
      throw new TypeError(
        `Cannot add the method "${printable(method)}": its command "${printable(command)}" is ${whose}`,
      );
    }
    this.#byMethod.set(method, entry);
    if (reply === undefined) {
      this.#byCommand.set(command, { ...taken, notification: entry });
      return;
    }
    const answers = this.#byCommand.get(reply);
    if (answers?.request !== undefined || reply === command) {
      throw new TypeError(`Cannot add the method "${printable(method)}": its reply "${printable(reply)}" is a request`);
    }
    this.#byCommand.set(command, { request: entry });
    this.#byCommand.set(reply, { ...answers, isReply: true });
  }

  #addPing(): { readonly command: string; readonly reply: string } | undefined {
    const given = this.#byMethod.get(PING);
    if (given !== undefined && given.reply === undefined) {
      throw new TypeError('The method "ping" is answered: make it a request()');
    }
    if (given === undefined && this.#prefix !== undefined) this.#add(this.#derived(PING, "request"));
    const { command, reply } = this.#byMethod.get(PING) ?? {};
    return command === undefined || reply === undefined ? undefined : { command, reply };
  }
}

/** The name under which a request is answered that is not in the table; nothing where its name does not say so. */
export function replyTo(command: string): string | undefined {
  return command.endsWith(REQUEST) ? command.slice(0, -REQUEST.length) + RESPONSE : undefined;
}

/** `balanceByAddress` is `balance-by-address` on the wire; what has no capital letters stays as it is. */
function kebab(method: string): string {
  return method.replace(/[A-Z]/g, (letter, at: number) => `${at === 0 ? "" : "-"}${letter.toLowerCase()}`);
}
