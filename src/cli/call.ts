import { once } from "node:events";
import { type Command, Option } from "commander";
import type { Client } from "../client/client.ts";
import { RpcError } from "../core/errors.ts";
import { lookup } from "../core/handlers.ts";
import { dial, type LinkFlags, withLinkOptions } from "./link.ts";
import { printError, printValue, say } from "./print.ts";
import { type Request, requestsOf } from "./requests.ts";
import { numberOption } from "./usage.ts";

interface CallFlags extends LinkFlags {
  readonly notify?: boolean;
  readonly batch?: boolean;
  readonly sameMethod?: boolean;
  readonly repeat: number;
  readonly indent?: boolean;
  readonly timing?: boolean;
  readonly errors?: boolean;
  readonly wait?: boolean;
}

const EXAMPLES = `
Examples:
  convoke call tcp://127.0.0.1:7000 math.add '{"a":1,"b":2}'
  convoke call 127.0.0.1:7000 --batch math.add '{"a":1,"b":2}' greet '{"name":"Ann"}'
  convoke call /tmp/app.sock --same-method greet '{"name":"Ann"}' '{"name":"Bob"}'
  convoke call 'exec:bash-language-server start' --wire lsp initialize '{"processId":null,"rootUri":null,"capabilities":{}}'

Results go to stdout, one JSON value a line; errors go to stderr as <code> (<wire code>): <message>.
Exit status: 0 all went well, 1 a call failed, 2 the command line is wrong.`;

/** Adds `convoke call`. */
export function addCall(program: Command): void {
  withLinkOptions(program.command("call"))
    .summary("call methods at an address")
    .description("Calls one or more methods, one after the other, and stops at the first that fails.")
    .argument("<address>", "tcp://host:port, unix:/path, exec:program args, host:port or a path")
    .argument("<method...>", "methods, each followed by its params as JSON; '' stands for no params")
    .usage("[options] <address> <method> [params-json] [<method> <params-json> …]")
    .option("--notify", "send notifications: no reply is awaited")
    .option("--batch", "send everything as one batch; every failure shows")
    .option("--same-method", "the first word is the method, each further one the params of a call")
    .addOption(new Option("--repeat <n>", "do it all so many times").argParser(numberOption("--repeat", 1)).default(1))
    .option("--indent", "print results over several lines")
    .option("--timing", "print how long each call took, on stderr")
    .option("--errors", "print errors as JSON objects on stdout")
    .option("--wait", "print what the other side sends by itself, until Ctrl-C")
    .addHelpText("after", EXAMPLES)
    .action(async (address: string, words: readonly string[], flags: CallFlags) => {
      process.exitCode = (await run(address, requestsOf(words, flags.sameMethod ?? false), flags)) ? 0 : 1;
    });
}

/** Returns whether everything went well. */
async function run(address: string, requests: readonly Request[], flags: CallFlags): Promise<boolean> {
  const { errors = false, indent = false, wait = false } = flags;
  const began = performance.now();
  // From the start: whoever presses Ctrl-C early wants to stop waiting, too.
  const interrupted = wait ? once(process, "SIGINT") : undefined;
  let client: Client;
  try {
    client = await dial(address, flags, wait ? { handlers: printer(indent) } : {});
  } catch (thrown) {
    if (!RpcError.is(thrown)) throw thrown;
    printError(thrown, errors, indent);
    return false;
  }
  const session = new Session(client, flags);
  let ok = true;
  try {
    for (let round = 0; ok && round < flags.repeat; round++) {
      ok = flags.batch ? await session.batch(requests) : await session.sequence(requests);
    }
    if (interrupted !== undefined) await Promise.race([interrupted, client.closed]);
  } finally {
    await client.close();
  }
  session.timing("total", began);
  return ok;
}

/** The calls of one run over one link. */
class Session {
  readonly #client: Client;
  readonly #flags: CallFlags;

  constructor(client: Client, flags: CallFlags) {
    this.#client = client;
    this.#flags = flags;
  }

  /** One after the other; stops at the first failure. */
  async sequence(requests: readonly Request[]): Promise<boolean> {
    const { notify = false, errors = false, indent = false } = this.#flags;
    for (const { method, params } of requests) {
      const began = performance.now();
      try {
        if (notify) await this.#client.notify(method, params);
        else printValue(await this.#client.call(method, params), indent);
      } catch (thrown) {
        printError(RpcError.from(thrown), errors, indent);
        return false;
      } finally {
        this.timing(method, began);
      }
    }
    return true;
  }

  /** All as one; every result and every failure is printed, in the order of the requests. */
  async batch(requests: readonly Request[]): Promise<boolean> {
    const { notify = false, errors = false, indent = false } = this.#flags;
    const began = performance.now();
    const outcomes = await this.#client.batch(
      requests.map(({ method, params }) => [method, params, { notify }] as const),
    );
    for (const outcome of outcomes) {
      if (!outcome.ok) printError(outcome.error, errors, indent);
      else if (!notify) printValue(outcome.value, indent);
    }
    this.timing(`batch of ${requests.length}`, began);
    return outcomes.every((outcome) => outcome.ok);
  }

  timing(what: string, began: number): void {
    if (this.#flags.timing) say(`${what}: ${(performance.now() - began).toFixed(1)} ms`);
  }
}

/** Prints every call and notification of the other side; calls are answered with `unimplemented`. */
function printer(indent: boolean): object {
  return lookup((method) => (params: unknown, { id, isNotification }): void => {
    printValue({ method, params, id }, indent);
    if (!isNotification) throw new RpcError("unimplemented", "This end only prints what it is asked");
  });
}
