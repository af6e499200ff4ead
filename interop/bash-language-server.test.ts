import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { CallContext } from "convoke";
import { lsp } from "convoke/jsonrpc";
import { connect } from "convoke/node";
import { expect, test } from "vitest";

const SERVER = createRequire(import.meta.url).resolve("bash-language-server/out/cli.js");
const COMMAND = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));
const ADDRESS = `exec:${process.execPath} ${SERVER} start`;
const SCRIPT = `#!/bin/bash\n# Says hello to somebody\ngreet() {\n  echo "hello $1"\n}\ngreet world\n`;
const URI = "file:///example.sh";

test("a language server is initialized, asked, answered and shut down", async () => {
  const asked: { method: string; id: string | undefined }[] = [];
  const diagnostics: unknown[] = [];
  let configured: () => void = () => {};
  const configuration = new Promise<void>((resolve) => {
    configured = resolve;
  });
  const client = await connect(ADDRESS, {
    wire: lsp(),
    redial: false,
    handlers: {
      "workspace/configuration": (_: unknown, { method, id }: CallContext) => {
        asked.push({ method, id });
        configured();
        return [{}];
      },
      "client/registerCapability": () => null,
      "window/logMessage": () => {},
      "textDocument/publishDiagnostics": (params: unknown) => void diagnostics.push(params),
    },
  });
  const initialized = (await client.call("initialize", {
    processId: process.pid,
    rootUri: null,
    capabilities: { workspace: { configuration: true }, textDocument: { hover: { contentFormat: ["markdown"] } } },
  })) as { capabilities: { hoverProvider: boolean } };
  expect(initialized.capabilities.hoverProvider).toBe(true);
  await client.notify("initialized", {});
  await configuration;
  // Its first request has the id 0, which many libraries drop.
  expect(asked[0]).toEqual({ method: "workspace/configuration", id: "0" });

  await client.notify("textDocument/didOpen", {
    textDocument: { uri: URI, languageId: "shellscript", version: 1, text: SCRIPT },
  });
  const hover = await client.call("textDocument/hover", {
    textDocument: { uri: URI },
    position: { line: 5, character: 2 },
  });
  expect(JSON.stringify(hover)).toContain("Says hello to somebody");
  const symbols = (await client.call("textDocument/documentSymbol", { textDocument: { uri: URI } })) as unknown[];
  expect(symbols.length).toBeGreaterThan(0);

  expect(await client.call("shutdown")).toBeNull();
  await client.notify("exit");
  expect(await client.closed).toMatchObject({ message: expect.stringMatching(/exited with code 0/) as unknown });
});

test("the command speaks with it too", async () => {
  const params = '{"processId":null,"rootUri":null,"capabilities":{}}';
  const { stdout } = await promisify(execFile)(process.execPath, [
    COMMAND,
    "call",
    ADDRESS,
    "--wire",
    "lsp",
    "initialize",
    params,
  ]);
  expect(JSON.parse(stdout)).toMatchObject({ capabilities: { hoverProvider: true } });
});
