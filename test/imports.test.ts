import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, test } from "vitest";

const SRC = fileURLToPath(new URL("../src", import.meta.url));

/** Which rooms a room may import from, beside itself. Files that stand at the top of src join the rooms they like. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  auth: ["core"],
  framings: ["core", "gob"],
  codecs: ["core", "gob"],
  transports: ["core"],
  gob: ["core"],
  http: ["core", "codecs", "transports"],
  node: ["core", "http", "transports"],
  wires: ["core", "codecs", "framings"],
  client: ["core"],
  server: ["core"],
  fleet: ["core"],
  otel: ["core"],
  cli: ["core", "http.ts", "framings", "wires", "client", "server", "fleet", "gorpc.ts", "node.ts"],
};

/** Rooms and files that may say `node:`. */
const SAYS_NODE = ["transports/node/", "http/node/", "node/", "node.ts", "cli/"];

/** Where protobuf is spoken. */
const PROTOBUF = /^(codecs\/coordinator|wires\/coordinator|transports\/node\/)/;

/** What comes from other packages, and who may import it. */
const PACKAGES: Readonly<Record<string, RegExp>> = {
  "@bufbuild/protobuf": PROTOBUF,
  "@bufbuild/protobuf/codegenv2": PROTOBUF,
  "@bufbuild/protobuf/wkt": PROTOBUF,
  "@grpc/grpc-js": /^(transports\/node\/grpc|node\/grpc-transport)/,
  "@noble/curves/secp256k1.js": /^auth\//,
  "@opentelemetry/api": /^otel\//,
  "@standard-schema/spec": /^(core|wires)\//,
  commander: /^cli\//,
  ws: /^transports\/node\/ws-/,
};

interface Import {
  readonly from: string;
  readonly to: string;
}

function sources(): string[] {
  return readdirSync(SRC, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
    .map((name) => name.replaceAll("\\", "/"))
    .sort();
}

/** What a file names in `import … from`, `export … from`, `import("…")` as a call and as a type. */
function importsOf(file: string): Import[] {
  const text = readFileSync(join(SRC, file), "utf8");
  const found: Import[] = [];
  const visit = (node: ts.Node): void => {
    const name = specifierOf(node);
    if (name !== undefined) {
      const to = name.startsWith(".") ? relative(SRC, join(SRC, dirname(file), name)).replaceAll("\\", "/") : name;
      found.push({ from: file, to });
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.ESNext));
  return found;
}

function specifierOf(node: ts.Node): string | undefined {
  let specifier: ts.Node | undefined;
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) specifier = node.moduleSpecifier;
  else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) specifier = node.argument.literal;
  else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
    specifier = node.arguments[0];
  return specifier !== undefined && ts.isStringLiteralLike(specifier) ? specifier.text : undefined;
}

const files = sources();
const all = files.flatMap(importsOf);
const inner = all.filter(({ to }) => files.includes(to));

/** The first folder of a path, or the file itself at the top. */
function roomOf(path: string): string {
  return path.split("/", 1)[0] ?? path;
}

/** Codecs and node transports are rooms of rooms: siblings in one folder know one another, and what was generated for them. */
function isSibling(from: string, to: string): boolean {
  const [home = ""] = dirname(from).split("/generated", 1);
  return (
    home === dirname(to) ||
    ["node", "web"].some((room) => home === join(dirname(to), room)) ||
    to.startsWith(`${home}/generated/`)
  );
}

describe("who may import whom", () => {
  test("each room imports only what the rule allows", () => {
    const broken = inner.filter(({ from, to }) => {
      const room = roomOf(from);
      const allowed = MAY_IMPORT[room];
      if (allowed === undefined) return false;
      if (room === roomOf(to)) return room === "codecs" || room === "transports" ? !isSibling(from, to) : false;
      return !allowed.includes(roomOf(to));
    });
    expect(broken.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  test("every room has a rule", () => {
    const rooms = new Set(files.filter((file) => file.includes("/")).map(roomOf));
    expect([...rooms].filter((room) => !(room in MAY_IMPORT))).toEqual([]);
  });

  test("only the node transports, node.ts and the command say node:", () => {
    const broken = all.filter(
      ({ from, to }) => to.startsWith("node:") && !SAYS_NODE.some((place) => from.startsWith(place)),
    );
    expect(broken.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  test("other packages are imported where the table says", () => {
    const others = all.filter(({ to }) => !files.includes(to) && !to.startsWith("node:"));
    const broken = others.filter(({ from, to }) => PACKAGES[to]?.test(from) !== true);
    expect(broken.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  test("only its own entry brings in OpenTelemetry, which is an optional peer", () => {
    const importers = inner.filter(({ from, to }) => roomOf(to) === "otel" && roomOf(from) !== "otel");
    expect([...new Set(importers.map(({ from }) => from))]).toEqual(["opentelemetry.ts"]);
  });

  test("only its own entry brings in the coordinator's wire, which needs an optional peer", () => {
    const importers = inner.filter(
      ({ from, to }) =>
        /^(codecs|wires)\/coordinator\b/.test(to) && !/^(codecs\/coordinator\/|wires\/coordinator\.ts)/.test(from),
    );
    expect([...new Set(importers.map(({ from }) => from))]).toEqual(["coordinator.ts"]);
  });

  test("there is no cycle, among types neither", () => {
    expect(cycles(inner)).toEqual([]);
  });
});

/** Every way back to where it began, once each. */
function cycles(imports: readonly Import[]): string[] {
  const next = new Map<string, string[]>();
  for (const { from, to } of imports) next.set(from, [...(next.get(from) ?? []), to]);
  const found = new Set<string>();
  const done = new Set<string>();
  const walk = (file: string, path: readonly string[]): void => {
    const at = path.indexOf(file);
    if (at >= 0) found.add([...path.slice(at), file].join(" -> "));
    if (at >= 0 || done.has(file)) return;
    for (const to of next.get(file) ?? []) walk(to, [...path, file]);
    done.add(file);
  };
  for (const file of next.keys()) walk(file, []);
  return [...found];
}
