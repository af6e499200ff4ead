import { readFileSync } from "node:fs";
import { dirname, relative } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const MESSAGES = `${ROOT}src/core/message.ts`;

/** The three messages of streams, as the design sketches them. */
const STREAMS = `
export interface ItemMessage { readonly kind: "item"; readonly id: Id; readonly of: "mine" | "yours"; readonly value: unknown }
export interface EndMessage { readonly kind: "end"; readonly id: Id; readonly of: "mine" | "yours"; readonly error: Fault | undefined }
export interface CreditMessage { readonly kind: "credit"; readonly id: Id; readonly of: "mine" | "yours"; readonly items: number }
`;

/** Where the sources do not compile when streams are added to the union of messages. */
function faults(): string[] {
  const config = ts.getParsedCommandLineOfConfigFile(
    `${ROOT}tsconfig.build.json`,
    { noEmit: true, incremental: false, composite: false },
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: (diagnostic) => expect.fail(String(diagnostic.messageText)),
    },
  );
  if (config === undefined) throw new TypeError("There is no tsconfig.build.json");
  const host = ts.createCompilerHost(config.options);
  const read = host.readFile.bind(host);
  host.readFile = (path) => {
    if (relative(MESSAGES, path) !== "") return read(path);
    const text = readFileSync(path, "utf8");
    const changed = text.replace("  | BatchMessage;", "  | BatchMessage | ItemMessage | EndMessage | CreditMessage;");
    expect(changed).not.toBe(text);
    return changed + STREAMS;
  };
  const program = ts.createProgram(config.fileNames, config.options, host);
  return ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => {
    const where = file === undefined ? "?" : relative(dirname(MESSAGES), file.fileName);
    return `${where}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`;
  });
}

test("with the messages of streams in the union, only the codecs' switches do not compile", () => {
  const found = faults();
  expect([...new Set(found.map((each) => each.split(":")[0]))]).toEqual([
    "../codecs/jsonrpc/encoder.ts",
    "../codecs/native/messages.ts",
  ]);
  for (const each of found) expect(each).toMatch(/never|not assignable to type 'string \| undefined'/);
}, 60_000);
