import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll } from "vitest";
import { hasGo } from "./go.ts";
import { type Line, Program } from "./program.ts";

const run = promisify(execFile);

/** A command of the Go programs: its fields are those of `command` in go/hemi/client and go/hemi/server. */
export interface HemiCommand {
  readonly do: "connect" | "first" | "listen" | "call" | "write" | "close" | "state" | "push" | "send" | "keys";
  /** The whole name, `t-add-request`. */
  readonly command?: string;
  readonly payload?: object;
  readonly wireId?: string;
  readonly timeoutMs?: number;
  readonly times?: number;
  readonly text?: string;
  readonly code?: number;
  readonly reason?: string;
  readonly keys?: readonly string[];
}

/** A Go program that runs: a client with one `protocol.Conn`, or a server. */
export class HemiEnd {
  readonly program: Program;
  #lastId = 0;

  constructor(program: Program) {
    this.program = program;
  }

  /** Has a command done, and gives the whole answer: what failed has `error`, and `code` where a close had one. */
  async ask(command: HemiCommand): Promise<Line> {
    const id = ++this.#lastId;
    this.program.tell({ id, ...command });
    return this.program.next({ id });
  }

  /** Calls a method, `add` of `t-add-request`. */
  call(method: string, payload: object = {}, more: Pick<HemiCommand, "timeoutMs" | "times"> = {}): Promise<Line> {
    return this.ask({ do: "call", command: `t-${method}-request`, payload, ...more });
  }

  /** Waits for something that is told without being asked for. */
  event(event: string, fields: Line = {}): Promise<Line> {
    return this.program.next({ event, ...fields });
  }
}

/** What the Go client is started with. */
interface HemiClientOptions {
  /** The private key in hexadecimal digits; without it there is no authenticator. */
  readonly key?: string;
  /** Whether the handshake is that of v0.2. */
  readonly older?: boolean;
}

/** What the Go server is started with. */
export interface HemiServerOptions {
  /** Where it listens. Default: 127.0.0.1 and a free port. */
  readonly address?: string;
  /** The public keys that are let in; without them there is no authenticator. */
  readonly keys?: readonly string[];
  readonly older?: boolean;
  /** Whether a notification overtakes the first ping. */
  readonly early?: boolean;
}

/** A Go server that runs. */
export class HemiServer extends HemiEnd {
  /** `host:port` */
  readonly address: string;

  constructor(program: Program, address: string) {
    super(program);
    this.address = address;
  }

  get url(): string {
    return `ws://${this.address}/v1/ws`;
  }
}

/** The programs of go/hemi, for one file of tests. What a test starts ends with it. */
export interface HemiPartner {
  /** Whether there is a Go here: `describe.skipIf(!hemi.found)`. */
  readonly found: boolean;
  client(url: string, options?: HemiClientOptions): HemiEnd;
  server(options?: HemiServerOptions): Promise<HemiServer>;
  /** Has something done when the running test ends, before what was said earlier. */
  afterTest(cleanup: () => unknown): void;
}

/** Builds both programs before the first test of the file that calls this at its top. */
export async function hemiPartner(): Promise<HemiPartner> {
  const found = await hasGo();
  const cleanups: (() => unknown)[] = [];
  let folder = "";

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "convoke-hemi-"));
    if (!found) return;
    const cwd = fileURLToPath(new URL("../go/hemi", import.meta.url));
    await run("go", ["build", "-ldflags=-s -w", "-o", folder, "./client", "./server"], { cwd });
  }, 600_000);
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const start = (program: string, flags: readonly (string | false | undefined)[]): Program => {
    const started = new Program(
      join(folder, program),
      flags.filter((flag) => typeof flag === "string"),
    );
    cleanups.push(() => started.close());
    return started;
  };
  return {
    found,
    client(url, { key, older = false } = {}) {
      const flags = [`-url=${url}`, key !== undefined && `-key=${key}`, older && "-older"];
      return new HemiEnd(start("client", flags));
    },
    async server({ address = "127.0.0.1:0", keys = [], older = false, early = false } = {}) {
      const flags = [`-address=${address}`, `-keys=${keys.join(",")}`, older && "-older", early && "-early"];
      const program = start("server", flags);
      return new HemiServer(program, String((await program.next({}))["address"]));
    },
    afterTest(cleanup) {
      cleanups.push(cleanup);
    },
  };
}
