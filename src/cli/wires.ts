import { Option } from "commander";
import type { Wire } from "../core/wire.ts";
import { header, strictHeader } from "../framings/header.ts";
import { rawJson } from "../framings/raw-json.ts";
import { split } from "../framings/split.ts";
import { gorpc } from "../gorpc.ts";
import { command } from "../wires/command.ts";
import { jsonrpc } from "../wires/jsonrpc.ts";
import { lsp } from "../wires/lsp.ts";
import { type NativeWireOptions, native } from "../wires/native.ts";
import { collect, UsageError } from "./usage.ts";

const NAMES =
  "jsonrpc, lsp, native, native:json, native:msgpack, gorpc, gorpc:deflate, command:<prefix>, raw, split:<byte>, header:<type>, strict:<type>";

/** The wires on which nobody can be an agent, and why. */
const NO_FLEET: ReadonlyMap<string, string> = new Map([
  ["gorpc", "where only the end that dialled makes calls"],
  ["command", "where nobody says a name"],
]);

/** The `--wire` option of every command that opens a link; the environment variable `CONVOKE_WIRE` sets its default. */
export function wireOption(): Option {
  return new Option("--wire <name>", `wire to speak: ${NAMES}`).env("CONVOKE_WIRE").default("jsonrpc");
}

/** `--wire` of a command that listens, once for each wire. */
export function wiresOption(): Option {
  const about = `wire to speak: ${NAMES}; given again, one port speaks all of them (default: "jsonrpc")`;
  return new Option("--wire <name>", about).env("CONVOKE_WIRE").argParser(collect);
}

/** The option of `serve` for what `wiresOption` gave: one wire, or several that the port tells apart. */
export function spokenOf(
  names: readonly string[] = [],
  wireNamed: (name: string) => Wire = wireOf,
): { readonly wire: Wire } | { readonly wires: readonly Wire[] } {
  const wires = names.map((name) => wireNamed(name));
  const [wire = jsonrpc()] = wires;
  return wires.length > 1 ? { wires } : { wire };
}

/** The wire of a name. Throws `UsageError` for a name that there is not. */
export function wireOf(name: string): Wire {
  const colon = name.indexOf(":");
  const kind = colon < 0 ? name : name.slice(0, colon);
  const detail = colon < 0 ? "" : name.slice(colon + 1);
  switch (kind) {
    case "jsonrpc":
      return jsonrpc();
    case "lsp":
      return lsp();
    case "native":
      return native(bodyOf(detail));
    case "gorpc":
      return gorpc({ compress: compressOf(detail) });
    case "command":
      return command({ prefix: prefixOf(detail) });
    case "raw":
      return jsonrpc({ framing: rawJson() });
    case "split":
      return jsonrpc({ framing: split(byteOf(detail)) });
    case "header":
      return jsonrpc({ framing: header(detail) });
    case "strict":
      return jsonrpc({ framing: strictHeader(detail) });
    default:
      throw new UsageError(`There is no wire ${JSON.stringify(name)}: choose one of ${NAMES}`);
  }
}

/** The wire of a name for a fleet, whose agents are called by the end that they dialled. Throws `UsageError` for one on which that cannot be. */
export function fleetWireOf(name: string): Wire {
  const wire = wireOf(name);
  const why = NO_FLEET.get(wire.name);
  if (why === undefined) return wire;
  throw new UsageError(`There are no agents on ${wire.name}, ${why}: choose another --wire`);
}

function bodyOf(text: string): NativeWireOptions {
  if (text === "") return {};
  if (text === "json" || text === "msgpack") return { body: text };
  throw new UsageError(`native has the bodies json and msgpack, as in native:json, not ${JSON.stringify(text)}`);
}

function compressOf(text: string): boolean {
  if (text === "" || text === "deflate") return text === "deflate";
  throw new UsageError(`gorpc can be compressed, as in gorpc:deflate, not ${JSON.stringify(text)}`);
}

function prefixOf(text: string): string {
  if (text !== "") return text;
  throw new UsageError("command needs what the names of all commands begin with, as in command:tbcapi");
}

/** A byte as a number (`10`, `0x1e`) or as the character itself. */
function byteOf(text: string): number {
  const byte = text.length === 1 && !/\d/.test(text) ? text.charCodeAt(0) : Number(text === "" ? Number.NaN : text);
  if (Number.isInteger(byte) && byte >= 0 && byte <= 255) return byte;
  throw new UsageError(`split needs a byte, as in split:0 or split:0x1e, not ${JSON.stringify(text)}`);
}
