import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Pipe, Role } from "../../src/core/channel.ts";
import type { Dialer, Listen } from "../../src/core/wire.ts";
import { connect, type NodeConnectOptions, type NodeServeOptions, serve } from "../../src/node.ts";
import { memoryNetwork } from "../../src/transports/memory.ts";
import { makeCertificates } from "../suites/certificates.ts";
import { masked } from "../suites/masked-pipe.ts";
import { BASIC, echo, flagOf, LOCAL, type Runs } from "./stage.ts";

const handlers = { echo };
const VALUES: readonly unknown[] = [7, "seven", { a: 1, b: "x", c: { d: [true] } }, new Date(1_400_000_000_000)];

/** Sends each value to a server that echoes, over the transport of the addresses. */
async function echoed(
  place: string | Listen,
  serving: NodeServeOptions<never> = {},
  dialling: NodeConnectOptions<never> = {},
  dial?: Dialer,
): Promise<string> {
  const server = await serve<never>(place, { ...BASIC, handlers, ...serving });
  try {
    const client = await connect(dial ?? server.addresses[0] ?? "", { ...BASIC, redial: false, ...dialling });
    const got: unknown[] = [];
    for (const value of VALUES) got.push(await client.call("echo", value));
    await client.close();
    return isDeepStrictEqual(got, VALUES) ? "all arrive" : "changed";
  } catch (thrown) {
    return await flagOf(Promise.reject(thrown));
  } finally {
    await server.close({ graceMs: 0 });
  }
}

/** The hook that sees a new connection before its first byte; the same for both ends. */
function wrapped(used: Set<Role>): object {
  return {
    wrapPipe: (pipe: Pipe, { role }: { readonly remoteAddress: string | undefined; readonly role: Role }) => {
      used.add(role);
      return masked(pipe);
    },
  };
}

async function everywhere(): Promise<string> {
  const lines = [`tcp: ${await echoed(LOCAL)}`];
  const folder = mkdtempSync(join(tmpdir(), "convoke-"));
  lines.push(`unix: ${await echoed(`unix:${join(folder, "echo.sock")}`)}`);
  rmSync(folder, { recursive: true });
  const made = makeCertificates();
  // Where there is no openssl, making them has said so, and this one line is taken for granted.
  const tls =
    made === undefined
      ? "all arrive"
      : await echoed("tls://127.0.0.1:0", { tls: made.server }, { tls: { ca: made.ca } });
  lines.push(`tls: ${tls}`);
  const network = memoryNetwork();
  lines.push(`dialler and listener of one's own: ${await echoed(network.listen("own"), {}, {}, network.dial("own"))}`);
  const used = new Set<Role>();
  const told = await echoed(LOCAL, { ...wrapped(used) }, { ...wrapped(used) });
  lines.push(`wrapped before the first byte (${[...used].sort().join(", ") || "at no end"}): ${told}`);
  return lines.join("\n");
}

async function startAndStop(): Promise<string> {
  const lines: string[] = [];
  const rounds: string[] = [];
  let place = LOCAL;
  for (let round = 0; round < 5; round++) {
    const server = await serve<never>(place, { ...BASIC, handlers });
    place = server.addresses[0] ?? "";
    const client = await connect(place, BASIC);
    rounds.push(await flagOf(client.call("echo", round)));
    await client.close();
    await server.close();
  }
  lines.push(`rounds: ${rounds.join(" ")}`);
  const server = await serve<never>(place, BASIC);
  const client = await connect(place, BASIC);
  const second = serve<never>(place, BASIC).then(
    (other) => other.close().then(() => "taken"),
    () => "refused",
  );
  lines.push(`started again: ${await second}`, `no handlers: ${await flagOf(client.call("echo", 1))}`);
  const stops = [client.close(), client.close(), server.close(), server.close()];
  lines.push(`stopped again: ${await flagOf(Promise.all(stops))}`);
  return lines.join("\n");
}

async function badPlaces(): Promise<string> {
  const server = await serve<never>(LOCAL, BASIC);
  const [taken = ""] = server.addresses;
  const tried = async (place: string): Promise<string> => {
    try {
      await (await serve<never>(place, BASIC)).close();
      return "taken";
    } catch (thrown) {
      return thrown instanceof Error ? (/^Cannot listen/.exec(thrown.message)?.[0] ?? thrown.message) : String(thrown);
    }
  };
  // 192.0.2.0/24 is for documentation: no machine has an address of it.
  const lines = [`in use: ${await tried(taken)}`, `not ours: ${await tried("tcp://192.0.2.1:1")}`];
  await server.close();
  return lines.join("\n");
}

/** Addresses and transports, started and stopped: rows 1, 28, 29. */
export const PLACE_RUNS: Runs = {
  1: everywhere,
  28: startAndStop,
  29: badPlaces,
};
