import { once } from "node:events";
import { type Command, Option } from "commander";
import type { Client } from "../client/client.ts";
import { RpcError } from "../core/errors.ts";
import { lookup } from "../core/handlers.ts";
import { agentTime, callAll, GRACE_MS } from "./call-all.ts";
import { type CallFlags, checkFlags } from "./call-flags.ts";
import { addressesOf, fallbackOption, withDialOptions } from "./dial-flags.ts";
import { fleetError } from "./fleet-replies.ts";
import { whereOption } from "./labels.ts";
import { dial, withLinkOptions } from "./link.ts";
import { printError, printValue, say } from "./print.ts";
import { ABOUT_PARAMS, type Request, requestsOf } from "./requests.ts";
import { isStdio } from "./schemes.ts";
import { countOption, numberOption } from "./usage.ts";

const EXAMPLES = `
Examples:
  convoke call tcp://127.0.0.1:7000 math.add '{"a":1,"b":2}'
  convoke call 127.0.0.1:7000 --batch math.add '{"a":1,"b":2}' greet '{"name":"Ann"}'
  convoke call 127.0.0.1:7000 files.put @report.json
  date +%s | convoke call 127.0.0.1:7000 clock.set -
  convoke call /tmp/app.sock --same-method greet '{"name":"Ann"}' '{"name":"Bob"}'
  convoke call https://api.example.org/rpc --header @token.txt math.add '{"a":1,"b":2}'
  convoke call 'exec:bash-language-server start' --wire lsp initialize '{"processId":null,"rootUri":null,"capabilities":{}}'
  convoke call wss://api.example.org/ws --fallback https://api.example.org/rpc math.add '{"a":1,"b":2}'
  convoke call 127.0.0.1:7000 --agent ann disk.free '{"path":"/"}'
  convoke call 127.0.0.1:7000 --all --where zone=a disk.free '{"path":"/"}'

${ABOUT_PARAMS}
Results go to stdout, one JSON value a line; errors go to stderr as <code> (<wire code>): <message>.
With --all each agent has one line, as soon as it has answered: <agent>, a tab and the result on stdout, or <agent>, a tab
and the error on stderr; with --json one object {"member","ok","value" or "error"} on stdout for either. On a terminal
stderr shows how many of them have answered. Agents that --first gave up have a line with --json only.
A URL is tcp://host:port, tls://, ws://host:port/path, wss://, http://host:port/path, https://, grpc://host:port, grpcs://,
unix:/path or exec:program args. http:// and https:// carry JSON-RPC, and notify this end with --wait only, where the server
has server-sent events; a call of the server's cannot be answered there.
Exit status: 0 all went well, or as many as --first wants; 1 a call failed, or there was no agent to call; 2 the command
line is wrong; 130 Ctrl-C before all was answered, but 1 with --all. After that Ctrl-C is the end of --wait, and no failure.`;

/** Adds `convoke call`. */
export function addCall(program: Command): void {
  const command = withLinkOptions(program.command("call"))
    .summary("call methods at an address")
    .description("Calls one or more methods, one after the other, and stops at the first that fails.")
    .argument("<address>", "where the server is: a URL, host:port, or a path")
    .argument("<method...>", "methods, each followed by its params")
    .addOption(fallbackOption())
    .usage("[options] <address> <method> [params] [<method> <params> …]")
    .option("--notify", "send notifications: no reply is awaited")
    .option("--batch", "send everything as one batch; every failure shows")
    .option("--same-method", "the first word is the method, each further one the params of a call")
    .addOption(
      new Option("--repeat <n>", "do it all so many times (default: 1)").argParser(numberOption("--repeat", 1)),
    )
    .option("--indent", "print results over several lines")
    .option("--timing", "print how long each call took, on stderr")
    .option("--errors", "print errors as JSON objects on stdout")
    .option("--wait", "print what the other side sends by itself, until Ctrl-C")
    .optionsGroup("Calls to agents, at the address of their controller:")
    .option("--agent <name>", "call this agent")
    .option("--all", "call one method of every agent at once")
    .addOption(whereOption())
    .addOption(count("--first <n>", "enough when so many have succeeded; give up the others"))
    .addOption(count("--concurrency <n>", "agents called at once (default: all)"))
    .option("--json", "print every outcome as a JSON object on stdout")
    .addHelpText("after", EXAMPLES)
    .action(async (address: string, words: readonly string[], flags: CallFlags) => {
      const isStdinTaken = addressesOf(address, flags).some(isStdio);
      const requests = await requestsOf(words, { sameMethod: flags.sameMethod, isStdinTaken });
      const [only] = requests;
      checkFlags(address, flags, requests.length);
      const isGood =
        flags.all && only !== undefined ? await callAll(address, only, flags) : await run(address, requests, flags);
      process.exitCode = isGood ? 0 : 1;
    });
  withDialOptions(command);
}

function count(flags: string, description: string): Option {
  const [name = flags] = flags.split(" ");
  return new Option(flags, description).argParser(countOption(name));
}

/** Returns whether everything went well. */
async function run(address: string, requests: readonly Request[], flags: CallFlags): Promise<boolean> {
  const { errors = false, indent = false, wait = false, repeat = 1, agent } = flags;
  const began = performance.now();
  let client: Client;
  try {
    const options = {
      ...(wait && { handlers: printer(indent) }),
      ...(agent !== undefined && { timeoutMs: agentTime(flags.timeoutMs) + GRACE_MS }),
    };
    client = await dial(address, flags, options, { events: wait });
  } catch (thrown) {
    if (!RpcError.is(thrown)) throw thrown;
    printError(thrown, errors, indent);
    return false;
  }
  const session = new Session(client, flags);
  let ok = true;
  try {
    for (let round = 0; ok && round < repeat; round++) {
      ok = flags.batch ? await session.batch(requests) : await session.sequence(requests);
    }
    // Not before: while something is unanswered Ctrl-C ends the command at once.
    if (wait) await Promise.race([once(process, "SIGINT"), client.closed]);
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
    const { notify = false, indent = false } = this.#flags;
    for (const request of requests) {
      const { method, params } = this.#sent(request);
      const began = performance.now();
      try {
        if (notify) await this.#client.notify(method, params);
        else printValue(await this.#client.call(method, params), indent);
      } catch (thrown) {
        this.#failed(RpcError.from(thrown));
        return false;
      } finally {
        this.timing(request.method, began);
      }
    }
    return true;
  }

  /** All as one; every result and every failure is printed, in the order of the requests. */
  async batch(requests: readonly Request[]): Promise<boolean> {
    const { notify = false, indent = false } = this.#flags;
    const began = performance.now();
    const members = requests.map((request) => {
      const { method, params } = this.#sent(request);
      return [method, params, { notify }] as const;
    });
    const outcomes = await this.#client.batch(members);
    for (const outcome of outcomes) {
      if (!outcome.ok) this.#failed(outcome.error);
      else if (!notify) printValue(outcome.value, indent);
    }
    this.timing(`batch of ${requests.length}`, began);
    return outcomes.every((outcome) => outcome.ok);
  }

  timing(what: string, began: number): void {
    if (this.#flags.timing) say(`${what}: ${(performance.now() - began).toFixed(1)} ms`);
  }

  /** An agent is called by its controller, on behalf of this end. */
  #sent({ method, params }: Request): Request {
    const { agent, timeoutMs } = this.#flags;
    if (agent === undefined) return { method, params };
    const asked = { member: agent, method, timeoutMs: agentTime(timeoutMs), ...(params !== undefined && { params }) };
    return { method: "fleet.call", params: asked };
  }

  #failed(error: RpcError): void {
    const { errors = false, indent = false, agent } = this.#flags;
    printError(agent === undefined ? error : fleetError(error), errors, indent);
  }
}

/** Prints every call and notification of the other side; calls are answered with `unimplemented`. */
function printer(indent: boolean): object {
  return lookup((method) => (params: unknown, { id, isNotification }): void => {
    printValue({ method, params, id }, indent);
    if (!isNotification) throw new RpcError("unimplemented", "This end only prints what it is asked");
  });
}
