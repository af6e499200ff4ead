import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type BuildOptions, build } from "esbuild";
import { expect, onTestFinished, test } from "vitest";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const DIST = join(ROOT, "dist");

/** Hooks that make a process look as if the packages were not installed. */
const HOOKS = `
  export async function resolve(name, context, next) {
    if (!/^@(grpc|bufbuild)\\//.test(name)) return next(name, context);
    throw Object.assign(new Error("Cannot find package '" + name.split("/", 2).join("/") + "'"), { code: "ERR_MODULE_NOT_FOUND" });
  }
`;

/** What a program prints in such a process. */
async function printed(program: string): Promise<string> {
  const begin = `import { register } from "node:module"; register("data:text/javascript," + ${JSON.stringify(encodeURIComponent(HOOKS))});`;
  const start = `${begin} const { connect, serve, native } = await import(${JSON.stringify(new URL("../dist/node.js", import.meta.url).href)});`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", `${start} ${program}`]);
  return stdout.trim();
}

test("without grpc-js all other addresses work", async () => {
  const program = `
    const server = await serve("tcp://127.0.0.1:0", { wire: native(), handlers: { add: ({ a, b }) => a + b } });
    const client = await connect(server.addresses[0], { wire: native() });
    console.log(await client.call("add", { a: 1, b: 2 }));
    await client.close();
    await server.close();
  `;
  expect(await printed(program)).toBe("3");
});

test("without grpc-js an address of gRPC says what to install, at both ends", async () => {
  const program = `
    for (const attempt of [() => connect("grpc://127.0.0.1:1"), () => serve("grpcs://127.0.0.1:0")])
      await attempt().catch((error) => console.log(error.name + ": " + error.message));
  `;
  const line =
    "TypeError: The addresses grpc:// and grpcs:// need the package @grpc/grpc-js: npm install @grpc/grpc-js";
  expect(await printed(program)).toBe(`${line}\n${line}`);
});

/** `ws` asks for Node's modules with `require`. */
const REQUIRE = 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);';

test.each<[string, BuildOptions]>([
  ["one file, the package left out", { external: ["@grpc/grpc-js"] }],
  ["one file, the package not found", {}],
  ["several files", { splitting: true }],
  ["CommonJS", { format: "cjs", banner: {} }],
])("without grpc-js a program can be bundled and runs: %s", async (_, options) => {
  const folder = mkdtempSync(join(tmpdir(), "convoke-bundled-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, "node_modules/convoke"), { recursive: true });
  cpSync(DIST, join(folder, "node_modules/convoke/dist"), { recursive: true });
  cpSync(join(ROOT, "package.json"), join(folder, "node_modules/convoke/package.json"));
  symlinkSync(join(ROOT, "node_modules/ws"), join(folder, "node_modules/ws"));
  const contents = `
    import { connect, grpc, native, serve } from "convoke/node";
    const handlers = { add: ({ a, b }) => a + b };
    const run = async () => {
      const server = await serve("tcp://127.0.0.1:0", { wire: native(), handlers });
      const client = await connect(server.addresses[0], { wire: native() });
      console.log(await client.call("add", { a: 1, b: 2 }));
      await client.close();
      await server.close();
      const attempts = [() => connect("grpc://127.0.0.1:1"), () => serve("tcp://127.0.0.1:0", { handlers, wires: [grpc()] })];
      for (const attempt of attempts) await attempt().catch((error) => console.log(error.name, error.message));
    };
    void run();
  `;
  const { warnings } = await build({
    ...{ stdin: { contents, resolveDir: folder }, absWorkingDir: folder, outdir: folder, logLevel: "silent" },
    ...{ bundle: true, platform: "node", format: "esm", banner: { js: REQUIRE } },
    ...options,
  });
  expect(warnings.filter(({ text }) => !text.includes("@grpc/grpc-js"))).toEqual([]);
  rmSync(join(folder, "node_modules"), { recursive: true });
  writeFileSync(join(folder, "package.json"), options.format === "cjs" ? "{}" : '{ "type": "module" }');
  const { stdout } = await promisify(execFile)(process.execPath, [join(folder, "stdin.js")], { timeout: 10_000 });
  const need = "TypeError The addresses grpc:// and grpcs:// need the package @grpc/grpc-js: npm install @grpc/grpc-js";
  expect(stdout.trim().split("\n")).toEqual(["3", need, need]);
});

test("with it a program ends by itself when both ends have closed", async () => {
  const url = JSON.stringify(new URL("../dist/node.js", import.meta.url).href);
  const program = `
    const { connect, serve } = await import(${url});
    const server = await serve("grpc://127.0.0.1:0", { handlers: { add: ({ a, b }) => a + b } });
    const client = await connect(server.addresses[0]);
    console.log(await client.call("add", { a: 1, b: 2 }));
    await client.close();
    await server.close();
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program], {
    timeout: 10_000,
  });
  expect(stdout.trim()).toBe("3");
});

test("the types of convoke/node stand without those of grpc-js", () => {
  const seen = new Set<string>();
  const packages = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const [, name = ""] of readFileSync(file, "utf8").matchAll(/(?:from|import\() ?"([^"]+)"/g)) {
      const next = join(dirname(file), name.replace(/\.js$/, ".d.ts").replace(/(?<!\.d)\.ts$/, ".d.ts"));
      if (!name.startsWith(".")) packages.add(name);
      else if (existsSync(next)) visit(next);
      else throw new Error(`${file} names ${name}, which is not there`);
    }
  };
  visit(join(DIST, "node.d.ts"));
  expect(seen.size).toBeGreaterThan(20);
  expect([...packages].filter((name) => /grpc|bufbuild/.test(name))).toEqual([]);
});
