import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const place = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
/** The messages that Python programs speak, under proto/. */
const PROTOS = ["aperture/rpc/v1/rpc.proto", "google/rpc/status.proto"];

/** Whether Python can make environments here. If not, the tests are skipped with a line that says so; in CI they fail. */
export async function hasPython(): Promise<boolean> {
  try {
    await run("python3", ["-c", "import ensurepip, venv"]);
    return true;
  } catch {
    const advice = "Python is missing: install python3 and python3-venv to run the tests with Python programs";
    if (process.env["CI"] === "true") throw new Error(advice);
    console.warn(advice);
    return false;
  }
}

/** The programs in `python/`. */
export interface PythonPrograms {
  /** The command that runs one. */
  command(program: string, args: readonly string[]): { readonly path: string; readonly args: readonly string[] };
  /** Runs one to its end and gives the JSON that it printed. Rejects when it fails. */
  run(program: string, args: readonly string[]): Promise<unknown>;
}

/**
 * Makes the environment of `python/requirements.txt`, with the messages of `proto/`. It stays in a cache for as long as
 * neither changes; it costs 15 seconds without one.
 */
export async function buildPython(): Promise<PythonPrograms> {
  const { stdout: version } = await run("python3", ["-VV"]);
  const digest = createHash("sha256").update(version);
  for (const path of ["interop/python/requirements.txt", ...PROTOS.map((name) => `proto/${name}`)]) {
    digest.update(await readFile(place(path)));
  }
  const cache = place("node_modules/.cache");
  const environment = join(cache, `convoke-python-${digest.digest("hex").slice(0, 16)}`);
  if (!(await exists(environment))) {
    await mkdir(cache, { recursive: true });
    await makeEnvironment(cache, environment);
  }
  const command: PythonPrograms["command"] = (program, args) => ({
    path: join(environment, "bin/python"),
    args: [place(`interop/python/${program}.py`), ...args],
  });
  return {
    command,
    async run(program, args) {
      const { path, args: all } = command(program, args);
      const { stdout } = await run(path, all);
      return JSON.parse(stdout) as unknown;
    },
  };
}

/** It gets its name when it is whole: another file of tests may be making the same one. */
async function makeEnvironment(cache: string, environment: string): Promise<void> {
  const draft = await mkdtemp(join(cache, "python-"));
  try {
    await run("python3", ["-m", "venv", draft]);
    const python = join(draft, "bin/python");
    const requirements = place("interop/python/requirements.txt");
    await run(python, ["-m", "pip", "install", "--quiet", "--only-binary", ":all:", "--requirement", requirements]);
    const { stdout: packages } = await run(python, ["-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]);
    const out = `--python_out=${packages.trim()}`;
    await run(python, ["-m", "grpc_tools.protoc", `--proto_path=${place("proto")}`, out, ...PROTOS]);
    await rename(draft, environment);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    if (!(await exists(environment))) throw error;
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
