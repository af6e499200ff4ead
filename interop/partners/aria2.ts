import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const ATTEMPTS = 5;

/** The downloader aria2, serving JSON-RPC on loopback. Whoever starts it closes it. */
export interface Aria2 {
  /** `host:port`; its path is `/jsonrpc`, for HTTP and WebSocket. */
  readonly place: string;
  /** The first param of each call of `aria2.…`. */
  readonly token: string;
  /** Where its downloads are, and nothing else. */
  readonly folder: string;
  close(): Promise<void>;
}

/** Starts an aria2 with a folder of its own, and resolves when it listens. */
export async function startAria2(): Promise<Aria2> {
  const folder = await mkdtemp(join(tmpdir(), "convoke-aria2-"));
  const secret = "the secret";
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const port = await freePort();
    const child = await listening(port, ["--dir", folder, "--rpc-secret", secret]);
    if (child === undefined) continue;
    return {
      place: `127.0.0.1:${port}`,
      token: `token:${secret}`,
      folder,
      async close() {
        // It has nothing to lose, and would take its time.
        child.kill("SIGKILL");
        if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
        await rm(folder, { recursive: true, force: true });
      },
    };
  }
  await rm(folder, { recursive: true, force: true });
  throw new Error(`aria2 found no free port in ${ATTEMPTS} attempts`);
}

/** It cannot choose a port by itself, and somebody may take one that was free a moment ago. */
async function listening(port: number, more: readonly string[]): Promise<ChildProcess | undefined> {
  const flags = {
    conf: ["--no-conf", "--no-netrc", "--no-proxy=127.0.0.1", "--disable-ipv6", "--enable-dht=false"],
    output: ["--enable-color=false", "--show-console-readout=false", "--summary-interval=0"],
    // It goes when these tests go, however they do.
    rpc: ["--enable-rpc", "--rpc-listen-all=false", `--rpc-listen-port=${port}`, `--stop-with-process=${process.pid}`],
  };
  const args = [...flags.conf, ...flags.output, ...flags.rpc, ...more];
  const child = spawn("aria2c", args, { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit").then(() => false);
  const isUp = new Promise<boolean>((resolve) => {
    createInterface(child.stdout).on("line", (line) => {
      if (line.includes("RPC: listening on TCP port")) resolve(true);
    });
  });
  return (await Promise.race([isUp, exited])) ? child : undefined;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
