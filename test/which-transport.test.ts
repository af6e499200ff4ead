/* docs/which-transport.md: its table of wires and transports is what two ends can do that meet there. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { command, request } from "../src/command.ts";
import type { Wire } from "../src/core/wire.ts";
import type { Caller, Client, Connection } from "../src/index.ts";
import { jsonrpc, lsp } from "../src/jsonrpc.ts";
import { connect, native, serve } from "../src/node.ts";
import { parseAddress } from "../src/transports/node/address.ts";
import { coordinatorJson } from "./codecs/coordinator-json.ts";
import { gorpcJson } from "./codecs/gorpc-json.ts";
import { until } from "./suites/support.ts";

const PAGE = new URL("../docs/which-transport.md", import.meta.url);

/** The rows: coordinator and gorpc with their own frames, in which values are JSON. */
const WIRES: readonly Wire[] = [
  native(),
  jsonrpc(),
  lsp(),
  command({ prefix: "page", methods: { echo: request() } }),
  gorpcJson(),
  coordinatorJson(["echo"]),
];
/** They are pipes, and what is said of one is true of all. */
const PIPES: readonly string[] = ["tcp", "tls", "unix", "stdio", "exec"];

/** Every kind of address that there is, from the message that lists them. */
function schemes(): string[] {
  try {
    parseAddress("");
  } catch (thrown) {
    return [...(thrown as Error).message.matchAll(/([a-z+]+):(?=\/|program|,)/g)].map(([, scheme = ""]) => scheme);
  }
  throw new Error("An empty address was taken");
}

/** The columns: a scheme and its sister with TLS stand together. */
function columns(): string[][] {
  const groups = new Map<string, string[]>([["tcp", [...PIPES]]]);
  const all = schemes().filter((scheme) => !PIPES.includes(scheme));
  for (const scheme of all) {
    const plain = scheme.slice(0, -1);
    const group = all.includes(plain) ? plain : scheme;
    groups.set(group, [...(groups.get(group) ?? []), scheme]);
  }
  return [...groups.values()];
}

const handlers = { echo: (params: unknown) => params };

/** What the ends can do: the same handlers at both. */
async function cell(wire: Wire, [scheme = ""]: readonly string[], onePort = false): Promise<string> {
  const address = `${scheme}://127.0.0.1:0${PIPES.includes(scheme) ? "" : "/"}`;
  const links: Connection[] = [];
  const onConnect = (link: Connection): void => void links.push(link);
  const options = { handlers, onConnect, logger: false as const, ...(onePort ? { wires: [wire] } : { wire }) };
  const server = await serve(address, options).catch(refused);
  if (server === undefined) return "no";
  let client: Client | undefined;
  try {
    client = await connect(server.addresses[0] ?? "", {
      wire,
      handlers,
      logger: false,
      redial: false,
      // An agent's wire begins with its name.
      ...(wire.name === "coordinator" && { name: "page" }),
      ...(scheme === "http" && { http: { events: true } }),
    });
    const dials = await isAnswered(client);
    // One port knows what is spoken when it has heard something.
    await until(() => links.length > 0);
    const accepts = await isAnswered(links[0] as Connection);
    if (dials && accepts) return "both ways";
    return dials ? "dialler calls" : accepts ? "accepter calls" : "no";
  } finally {
    await client?.close({ graceMs: 0 });
    await server.close({ graceMs: 0 });
  }
}

function refused(thrown: unknown): undefined {
  expect(thrown).toBeInstanceOf(TypeError);
  return undefined;
}

async function isAnswered(caller: Caller): Promise<boolean> {
  const params = { text: "x" };
  try {
    expect(await caller.call("echo", params, { timeoutMs: 5000 })).toEqual(params);
    return true;
  } catch (thrown) {
    expect(thrown).toMatchObject({ executed: "no" });
    return false;
  }
}

test("the page's table says of each wire and transport what two ends can do there", { timeout: 60_000 }, async () => {
  const groups = columns();
  const lines = [`| | ${groups.map((group) => group.join(", ")).join(" | ")} | one port |`];
  lines.push(lines[0]?.replace(/ ?[^|]+/g, "---") ?? "");
  for (const wire of WIRES) {
    const cells: string[] = [];
    for (const group of groups) cells.push(await cell(wire, group));
    cells.push(await cell(wire, ["tcp"], true));
    lines.push(`| ${wire.name} | ${cells.join(" | ")} |`);
  }
  const page = readFileSync(PAGE, "utf8").split("\n");
  const from = page.findIndex((line) => line.includes("| one port |"));
  const table = page.slice(from, page.indexOf("", from));
  expect(table, `The table is now:\n${lines.join("\n")}\n`).toEqual(lines);
});
