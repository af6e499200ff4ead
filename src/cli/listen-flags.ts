import { type Command, Option } from "commander";
import { basicQuery, type ParseGet, typedQuery } from "../http.ts";
import type { NodeServeOptions } from "../node.ts";
import { isHttp, isPoll, isWebSocket } from "./schemes.ts";
import { addTlsOptions, type TlsEnd, type TlsFlags, tlsFilesOf } from "./tls-flags.ts";
import { collect, UsageError } from "./usage.ts";

/** What belongs to some kinds of addresses, for a command that listens. */
export interface ListenFlags {
  readonly listen?: readonly string[];
  readonly allowHost?: readonly string[];
  readonly allowOrigin?: readonly string[];
  readonly cors?: boolean;
  readonly get?: GetRule;
}

/** How a GET becomes a call. */
type GetRule = "basic" | "typed";
const GET_RULES: Readonly<Record<GetRule, ParseGet>> = { basic: basicQuery, typed: typedQuery };
const GROUP = "Addresses of the web and of TLS:";

/** `--listen`; given once for each address. */
export function listenOption(): Option {
  return new Option("--listen <address>", "where to listen; may be given again").argParser(collect);
}

/** Adds the options of `ListenFlags` beside `--listen`, and those of TLS, in a group of the help. */
export function withListenOptions(command: Command, end: TlsEnd, group: string = GROUP): Command {
  const host = "answer under this name, too (the option hosts of refusals); * for any; may be given again";
  const origin = "let pages of this origin in (the option origins of refusals); * for any; may be given again";
  command
    .addOption(new Option("--allow-host <name>", host).argParser(collect).helpGroup(group))
    .addOption(new Option("--allow-origin <origin>", origin).argParser(collect).helpGroup(group))
    .addOption(new Option("--cors", "let those pages read the answers of http://, by CORS").helpGroup(group))
    .addOption(
      new Option("--get <rule>", "answer GET /method?name=value over http:// with the bare result; see below")
        .choices(Object.keys(GET_RULES))
        .helpGroup(group),
    );
  return addTlsOptions(command, end, group);
}

/** What help texts say about `--get`. */
export const ABOUT_GET = `\
--get basic takes the values of a query as text; --get typed reads numbers, true, false, null and "text" in quotes.`;

/** How the addresses are listened on. Throws `UsageError` for flags that none of them has a use for. */
export function listenOptionsOf(
  flags: ListenFlags,
  tlsFlags: TlsFlags,
  end: TlsEnd,
): { readonly listen: readonly string[] } & Pick<NodeServeOptions, "tls" | "ws" | "http" | "poll"> {
  const { listen = [], allowHost: hosts, allowOrigin: origins, cors, get } = flags;
  if (listen.length === 0) throw new UsageError("Say where to listen, as in --listen tcp://127.0.0.1:7000");
  const hasHttp = listen.some(isHttp);
  const hasWebSocket = listen.some(isWebSocket);
  const hasPoll = listen.some(isPoll);
  const guarding = hosts !== undefined ? "--allow-host" : origins !== undefined ? "--allow-origin" : undefined;
  if (guarding !== undefined && !hasHttp && !hasWebSocket && !hasPoll) {
    throw new UsageError(`${guarding} belongs to an address of the web: ws://, wss://, http:// or https://`);
  }
  const own = get !== undefined ? "--get" : cors !== undefined ? "--cors" : undefined;
  if (own !== undefined && !hasHttp && !(own === "--cors" && hasPoll)) {
    throw new UsageError(`${own} belongs to an address http:// or https://`);
  }
  if (cors !== undefined && origins === undefined) {
    throw new UsageError(
      "--cors is about the pages of other origins: say which, as in --allow-origin https://app.example.org",
    );
  }
  const tls = tlsFilesOf(tlsFlags, listen, end);
  return {
    listen,
    ...(tls && { tls }),
    ...(hasWebSocket && { ws: { hosts, origins } }),
    ...(hasPoll && { poll: { hosts, origins, cors } }),
    ...(hasHttp && { http: { hosts, origins, cors, parseGet: get && GET_RULES[get] } }),
  };
}
