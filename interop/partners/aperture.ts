import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll } from "vitest";
import { hasGo } from "./go.ts";
import { type Line, Program } from "./program.ts";
import { buildPython, hasPython, type PythonPrograms } from "./python.ts";

const run = promisify(execFile);

/** The languages in which there is an agent that is not ours. */
export const LANGUAGES = ["Go", "Python"] as const;
export type Language = (typeof LANGUAGES)[number];

/** What a call of the Go controller came to: a value, or a code as Go's gRPC says it with its message. */
export interface GoOutcome {
  readonly client: string;
  readonly value?: unknown;
  readonly bytes?: string;
  readonly code?: string;
  readonly message?: string;
  readonly details?: readonly unknown[];
}

/** A command of the Go controller: its fields are those of `command` in go/aperture/controller. */
export interface GoCommand {
  readonly do?: "call" | "callAll" | "list" | "send";
  readonly client?: string;
  readonly type?: string;
  readonly value?: unknown;
  readonly bytes?: string;
  readonly result?: string;
  readonly timeoutMs?: number;
  readonly cancelMs?: number;
  readonly message?: unknown;
  readonly times?: number;
}

/** A Go controller that runs. */
export class GoController {
  readonly address: string;
  readonly program: Program;
  #lastId = 0;

  constructor(program: Program, address: string) {
    this.program = program;
    this.address = address;
  }

  /** Has a command done, and gives the whole answer. */
  async ask(command: GoCommand): Promise<Line> {
    const id = ++this.#lastId;
    this.program.tell({ id, ...command });
    const answer = await this.program.next({ id });
    if (answer["error"] !== undefined) throw new Error(`The Go controller says: ${answer["error"]}`);
    return answer;
  }

  /** Calls one client: the type without its package, and the value in the JSON form of protobuf. */
  async call(client: string, type: string, value: unknown, more: GoCommand = {}): Promise<GoOutcome> {
    const { outcomes } = await this.ask({ do: "call", client, ...named(type, more), value });
    return (outcomes as [GoOutcome])[0];
  }

  /** Makes as many calls at once: how often the answer was what, as the JSON form of protobuf or a code. */
  async callMany(times: number, client: string, type: string, value: unknown): Promise<unknown> {
    const { counts } = await this.ask({ do: "call", client, ...named(type, {}), value, times });
    return counts;
  }

  /** Calls them all: the outcomes in order of arrival. */
  async callAll(type: string, value: unknown, more: GoCommand = {}): Promise<readonly GoOutcome[]> {
    const { outcomes } = await this.ask({ do: "callAll", ...named(type, more), value });
    return outcomes as readonly GoOutcome[];
  }

  /** Sends a `ServerToClient`, in the JSON form of protobuf, as it is. */
  async send(client: string, message: unknown): Promise<void> {
    await this.ask({ do: "send", client, message });
  }

  async list(): Promise<unknown> {
    return (await this.ask({ do: "list" }))["names"];
  }

  /** Waits until a client with this name has come. */
  async joined(client: string): Promise<void> {
    await this.program.next({ event: "joined", client });
  }
}

/** The result is a StringValue when nothing is said. */
const named = (type: string, more: GoCommand): GoCommand => ({
  ...more,
  type: `google.protobuf.${type}`,
  result: `google.protobuf.${more.result ?? "StringValue"}`,
});

/** What the agents of both languages are started with. */
export interface AgentOptions {
  readonly name: string;
  /** Pause after the end of a stream. Default 100; the original has 10 000. */
  readonly reconnectMs?: number;
  /** The id that the first request is to have; Go only. */
  readonly firstId?: number;
  /** Has each request told; Go only. */
  readonly requests?: boolean;
}

/** The programs of go/aperture and python/, for one file of tests. What a test starts ends with it. */
export interface AperturePartner {
  /** Whether there are Go and Python here: `describe.skipIf(!partner.found)`. */
  readonly found: boolean;
  controller(address?: string): Promise<GoController>;
  /** Starts an agent, and waits until it has said hello unless `waits` is false. */
  agent(language: Language, address: string, options: AgentOptions, waits?: boolean): Promise<Program>;
  /** Gives what the Go program `probe` finds at a controller. */
  probe(address: string): Promise<unknown>;
  /** Gives what grpcio-health-checking says of the services at an address. */
  health(address: string, services: readonly string[]): Promise<unknown>;
  /** Has something done when the running test ends, before what was said earlier. */
  afterTest(cleanup: () => unknown): void;
}

/** Builds all programs before the first test of the file that calls this at its top. */
export async function aperturePartner(): Promise<AperturePartner> {
  const found = (await hasGo()) && (await hasPython());
  const cleanups: (() => unknown)[] = [];
  let folder = "";
  let python: PythonPrograms | undefined;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "convoke-aperture-"));
    if (!found) return;
    const cwd = fileURLToPath(new URL("../go/aperture", import.meta.url));
    await run("go", ["build", "-ldflags=-s -w", "-o", folder, "./..."], { cwd });
    python = await buildPython();
  }, 600_000);
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const start = (path: string, args: readonly string[]): Program => {
    const program = new Program(path, args);
    cleanups.push(() => program.close());
    return program;
  };
  const startAgent = (language: Language, address: string, options: AgentOptions): Program => {
    const { name, reconnectMs = 100, firstId = 0, requests = false } = options;
    if (language === "Go") {
      const flags = ["-address", address, "-name", name, "-reconnect", `${reconnectMs}ms`, "-next-id", String(firstId)];
      return start(join(folder, "agent"), requests ? [...flags, "-requests"] : flags);
    }
    const flags = ["--address", address, "--name", name, "--reconnect-ms", String(reconnectMs)];
    const { path, args } = pythonOf(python).command("agent", flags);
    return start(path, args);
  };
  return {
    found,
    async controller(address = "127.0.0.1:0") {
      const program = start(join(folder, "controller"), ["-address", address]);
      return new GoController(program, String((await program.next({}))["address"]));
    },
    async agent(language, address, options, waits = true) {
      const agent = startAgent(language, address, options);
      if (waits) await agent.next({ event: "connected" });
      return agent;
    },
    async probe(address) {
      const { stdout } = await run(join(folder, "probe"), ["-address", address]);
      return JSON.parse(stdout) as unknown;
    },
    health: (address, services) => pythonOf(python).run("health", [address, ...services]),
    afterTest(cleanup) {
      cleanups.push(cleanup);
    },
  };
}

function pythonOf(python: PythonPrograms | undefined): PythonPrograms {
  if (python === undefined)
    throw new Error("There are no Python programs here: ask within a test, where Python is found");
  return python;
}
