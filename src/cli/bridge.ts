import { type Command, Option } from "commander";
import type { Client } from "../client/client.ts";
import { forwarding } from "../client/forward.ts";
import type { Caller } from "../core/context.ts";
import { RpcError } from "../core/errors.ts";
import { lookup } from "../core/handlers.ts";
import { printable } from "../core/text.ts";
import { connect, type NodeConnectOptions, serve } from "../node.ts";
import { withDialOptions } from "./dial-flags.ts";
import { translating } from "./json-callers.ts";
import { type LinkFlags, linkOptionsOf, withLinkOptions } from "./link.ts";
import { ABOUT_GET, type ListenFlags, listenOption, listenOptionsOf, withListenOptions } from "./listen-flags.ts";
import { commandLogger, errorText, say } from "./print.ts";
import { programsEnded } from "./programs-ended.ts";
import { runServer } from "./run-server.ts";
import { isOnce, isStdio, shownAddress } from "./schemes.ts";
import type { TlsEnd } from "./tls-flags.ts";
import { UsageError } from "./usage.ts";
import { wireOf } from "./wires.ts";

interface BridgeFlags extends LinkFlags, ListenFlags {
  readonly to: string;
  readonly listenWire: string;
  readonly listenCa?: string;
  readonly listenCert?: string;
  readonly listenKey?: string;
  readonly stats?: boolean;
}

const END: TlsEnd = { role: "server", prefix: "--listen-" };

const EXAMPLES = `
Examples:
  convoke bridge --listen http://127.0.0.1:8000/rpc --to unix:/run/app.sock
  convoke bridge --listen http://127.0.0.1:8000/ --to 'exec:node tool.js' --get typed
  convoke bridge --listen http://127.0.0.1:8000/ --to 'exec:bash-language-server start' --wire lsp
  convoke bridge --listen http://127.0.0.1:8000/ --to tcp://127.0.0.1:7020 --wire gorpc
  convoke bridge --listen ws://127.0.0.1:8000/ --listen http://127.0.0.1:8000/rpc --to tls://10.0.0.5:7000 --ca ours.crt

Every call and notification that comes in goes to the other end of one link, whatever its method, and what that says comes
back: result, error number, message and data. A caller that goes away cancels its calls there. What the other end notifies
goes to everybody who listens: over http:// to a GET that accepts text/event-stream. Its calls are answered with
"unimplemented". While its link is down, calls get "unavailable" at once, and the bridge dials again.
To the other end everybody is the bridge: whoever can reach the bridge can do there what the bridge can. Over http:// and
ws:// it answers only under names of this machine, and lets in only pages of their own origin, unless --allow-host and
--allow-origin say more.
${ABOUT_GET}
--wire and --timeout-ms are about the link of --to, as those of convoke call.
Ctrl-C lets running calls end, then exits; a second one exits at once. A program of exec: may then clean up at the end of its
stdin: it gets SIGTERM after 2 s.
Exit status: 0 after Ctrl-C, 1 the other end has gone for good or nobody can listen there, 2 the command line is wrong.`;

/** Adds `convoke bridge`. */
export function addBridge(program: Command): void {
  const command = program
    .command("bridge")
    .summary("serve at one address what is served at another")
    .description("Serves at one address, or at several, what is served at another, over any transport and wire.")
    .addOption(listenOption())
    .addOption(new Option("--to <address>", "where calls go: a URL, host:port, or a path").makeOptionMandatory());
  withLinkOptions(command)
    .addOption(new Option("--listen-wire <name>", "wire to speak where it listens").default("jsonrpc"))
    .option("--stats", "print on stderr what happens, a line a second, and a summary at the end")
    .addHelpText("after", EXAMPLES)
    .action(async (flags: BridgeFlags) => {
      const { listen, ...places } = placesOf(flags);
      const { to, listenWire, verbose = false, stats = false } = flags;
      const wire = wireOf(listenWire);
      const everybody = new Everybody();
      const link = linkOptionsOf(to, flags);
      const middleware = translating(wire, wireOf(flags.wire));
      const client = await dialled(to, { ...link, middleware, handlers: everybody.handlers });
      const isOver = listen.every(isStdio);
      const server = await serve(listen, {
        ...places,
        wire,
        handlers: forwarding(client),
        // The other end describes itself.
        builtins: false,
        logger: commandLogger(verbose),
        onDisconnect: () => {
          if (isOver) void server.close();
        },
      }).catch(async (thrown: unknown) => {
        // Its link would keep the process alive.
        await client.close({ graceMs: 0 });
        throw thrown;
      });
      everybody.are(() => server.connections);
      const lost = client.closed.then(({ message }) => {
        if (client.state === "stopped")
          say(`The link to ${printable(shownAddress(to))} has ended: ${printable(message)}`);
      });
      const close = async (): Promise<void> => {
        await server.close();
        await client.close();
      };
      await runServer(server, { stats, ended: Promise.race([server.closed, lost]), close });
      const isLost = client.state === "stopped";
      await close();
      await programsEnded();
      process.exit(isLost ? 1 : 0);
    });
  withListenOptions(command, END, "Where it listens, at addresses of the web and of TLS:");
  withDialOptions(command, "The link of --to, at an address of the web, of gRPC or of TLS:");
}

function placesOf(flags: BridgeFlags): ReturnType<typeof listenOptionsOf> {
  const { listenCa: ca, listenCert: cert, listenKey: key, listen = [], to } = flags;
  if (isStdio(to) && listen.some(isStdio))
    throw new UsageError("There is one stdio: listen there, or dial it, not both");
  const tls = {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
  return listenOptionsOf(flags, tls, END);
}

/** What the other end notifies goes to all links that are up, and none of them waits for another. */
class Everybody {
  #links: () => readonly Caller[] = () => [];
  readonly handlers: object = lookup((method) => (params: unknown, { isNotification, meta }): void => {
    if (!isNotification) throw new RpcError("unimplemented", "A bridge passes no calls on to those who call it");
    for (const link of this.#links()) void link.notify(method, params, { meta });
  });

  are(links: () => readonly Caller[]): void {
    this.#links = links;
  }
}

/** The one link to the other end, or a client that dials until there is one. Rejects where there can be no second attempt. */
async function dialled(to: string, options: NodeConnectOptions): Promise<Client> {
  if (isOnce(to)) return connect(to, { ...options, redial: false });
  try {
    return await connect(to, options);
  } catch (thrown) {
    if (!RpcError.is(thrown)) throw thrown;
    say(`${errorText(thrown)}; dialling again until there is a link`);
    const client = await connect(to, { ...options, lazy: true });
    client.ready().catch(() => {});
    return client;
  }
}
