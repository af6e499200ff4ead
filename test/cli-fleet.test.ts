import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect as connectSocket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lsp } from "../src/jsonrpc.ts";
import { connect, native, serve } from "../src/node.ts";
import { convoke, HANDLERS, Program } from "./suites/command.ts";

const ADD = ["math.add", '{"a":1,"b":2}'] as const;

let folder: string;
let controller: Program;
let tcp: string;
let unix: string;
let agents: Program[];

/** Two agents that are commands, at a controller that serves a module, too. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "convoke-cli-fleet-"));
  unix = `unix:${join(folder, "fleet.sock")}`;
  controller = new Program(["serve", HANDLERS, "--fleet", "--listen", "tcp://127.0.0.1:0", "--listen", unix]);
  tcp = await controller.listens("tcp");
  agents = [
    new Program(["agent", tcp, HANDLERS, "--name", "ann", "--label", "zone=a", "--label", "os=x=y"]),
    new Program(["agent", unix, HANDLERS, "--name", "bob", "--label", "zone=b"]),
  ];
  await Promise.all(agents.map((agent) => agent.prints("stderr", /^Joined/m)));
});

afterAll(async () => {
  for (const agent of agents) expect((await agent.interrupt()).status).toBe(0);
  expect((await controller.interrupt()).status).toBe(0);
  await rm(folder, { recursive: true });
});

function linesOf(text: string): string[] {
  return text.trimEnd().split("\n");
}

describe("convoke agents", () => {
  test("prints a table", async () => {
    const { status, stdout, stderr } = await convoke("agents", tcp);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const [titles = "", ...rows] = linesOf(stdout);
    expect(titles).toMatch(/^NAME +WIRE +ADDRESS +UP +SEEN +RUNNING +PENDING +LABELS$/);
    expect(rows.sort()).toEqual([
      expect.stringMatching(/^ann {3}jsonrpc {2}127\.0\.0\.1:\d+ +\d+s +\d+s +0 +0 +zone=a,os=x=y$/),
      expect.stringMatching(/^bob {3}jsonrpc {2}unix:\S+ +\d+s +\d+s +0 +0 +zone=b$/),
    ]);
    for (const row of rows) expect(row.indexOf("zone=")).toBe(titles.indexOf("LABELS"));
  });

  test("prints one JSON object a line, of those with a label", async () => {
    const { status, stdout } = await convoke("agents", unix, "--json", "--where", "zone=b");
    expect(status).toBe(0);
    expect(linesOf(stdout).map((line) => JSON.parse(line) as unknown)).toEqual([
      expect.objectContaining({ name: "bob", labels: { zone: "b" }, wire: "jsonrpc", address: unix, running: 0 }),
    ]);
  });

  test("says that nobody is there", async () => {
    const run = await convoke("agents", tcp, "--where", "zone=b", "--where", "os=z");
    expect(run).toEqual({ status: 0, stdout: expect.stringMatching(/^NAME.*\n$/) as string, stderr: "No agents\n" });
  });

  test("watches who comes and goes until Ctrl-C", async () => {
    await using watching = new Program(["agents", tcp, "--watch", "--where", "zone=c"]);
    await using json = new Program(["agents", tcp, "--watch", "--json", "--where", "zone=c"]);
    await Promise.all([watching.prints("stdout", /^NAME/), json.prints("stderr", /No agents/)]);
    const start = { name: "cid\u001b", labels: { zone: "c" }, logger: false as const };
    const client = await connect(tcp, { ...start, startedAt: 1 });
    await watching.prints("stdout", /joined cid/);
    const newer = await connect(tcp, { ...start, startedAt: 2 });
    await watching.prints("stdout", /replaced cid/);
    await Promise.all([client.close(), newer.close()]);
    await watching.prints("stdout", /left cid.*\n/);
    await json.prints("stdout", /"left".*\n/);
    const { status, stdout } = await watching.interrupt();
    expect(status).toBe(0);
    expect(linesOf(stdout).slice(1)).toEqual([
      expect.stringMatching(/^\d\d:\d\d:\d\d joined cid\\u001b \(jsonrpc, 127\.0\.0\.1:\d+\) zone=c$/),
      expect.stringMatching(/^\d\d:\d\d:\d\d replaced cid\\u001b \(jsonrpc, 127\.0\.0\.1:\d+\) zone=c$/),
      expect.stringMatching(/^\d\d:\d\d:\d\d left cid\\u001b: \w+/),
    ]);
    const events = linesOf((await json.interrupt()).stdout).map((line) => JSON.parse(line) as { kind: string });
    expect(events).toMatchObject([
      { kind: "joined", member: "cid\u001b", info: { name: "cid\u001b", labels: { zone: "c" } } },
      { kind: "replaced", member: "cid\u001b" },
      { kind: "left", member: "cid\u001b", reason: expect.any(String) as string },
    ]);
  });

  test("fails when the controller it watches goes", async () => {
    await using other = new Program(["serve", "--fleet", "--listen", "tcp://127.0.0.1:0"]);
    await using watching = new Program(["agents", await other.listens(), "--watch"]);
    await watching.prints("stdout", /^NAME/);
    expect((await other.interrupt()).status).toBe(0);
    expect(await watching.ended).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^No agents\nunavailable: The link has ended: .+\n$/) as string,
    });
  });

  test("says that a server has no fleet", async () => {
    await using server = await serve("tcp://127.0.0.1:0", { handlers: {} });
    const address = server.addresses[0] ?? "";
    for (const args of [
      ["agents", address],
      ["agents", address, "--watch"],
      ["call", address, "--all", "x"],
    ]) {
      expect(await convoke(...args), args.join(" ")).toEqual({
        status: 1,
        stdout: "",
        stderr: "unimplemented: There is no fleet for operators at this address: serve it with --fleet\n",
      });
    }
  });
});

describe("convoke call --agent", () => {
  test("calls one agent, again and again, in a batch too; the module of the controller is called without it", async () => {
    expect(await convoke("call", tcp, ...ADD)).toEqual({ status: 0, stdout: "3\n", stderr: "" });
    const again = await convoke("call", tcp, "--agent", "ann", ...ADD, "math.add", '{"a":3,"b":4}');
    expect(again).toEqual({ status: 0, stdout: "3\n7\n", stderr: "" });
    const batch = await convoke("call", tcp, "--agent", "bob", "--batch", "--timing", ...ADD, "nope", "", ...ADD);
    expect(batch).toMatchObject({ status: 1, stdout: "3\n3\n" });
    expect(batch.stderr).toMatch(/^unimplemented \(-32601\): .+\[nope\]\nbatch of 3: .+\ntotal: .+\n$/);
  });

  test("fails as the agent does, and for an agent that there is not", async () => {
    const failed = await convoke("call", tcp, "--agent", "ann", "fail");
    expect(failed).toMatchObject({
      status: 1,
      stdout: "",
      stderr: expect.stringMatching(/^internal \(-32603\): /) as string,
    });
    const nobody = await convoke("call", tcp, "--agent", "zoe", "math.add");
    expect(nobody).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^not_found .*no member "zoe"\n$/) as string,
    });
    const late = await convoke("call", tcp, "--agent", "ann", "--timeout-ms", "100", "wait");
    expect(late).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^deadline_exceeded.* within 100 ms\n$/) as string,
    });
  });
});

describe("convoke call --all", () => {
  test("prints one line for each agent", async () => {
    const { status, stdout, stderr } = await convoke("call", tcp, "--all", ...ADD);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(linesOf(stdout).sort()).toEqual(["ann\t3", "bob\t3"]);
  });

  test("calls those with a label, a few at once", async () => {
    const run = await convoke("call", tcp, "--all", "--where", "os=x=y", "--concurrency", "1", "--timing", ...ADD);
    expect(run).toMatchObject({
      status: 0,
      stdout: "ann\t3\n",
      stderr: expect.stringMatching(/^total: .+ ms\n$/) as string,
    });
  });

  test("prints errors on stderr, and exits with 1", async () => {
    const { status, stdout, stderr } = await convoke("call", tcp, "--all", "--timeout-ms", "100", "wait");
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(linesOf(stderr).sort()).toEqual([
      'ann\tdeadline_exceeded: Cannot call "wait": no reply within 100 ms',
      'bob\tdeadline_exceeded: Cannot call "wait": no reply within 100 ms',
    ]);
  });

  test("prints everything as JSON when asked", async () => {
    const good = await convoke("call", tcp, "--all", "--json", "--where", "zone=a", ...ADD);
    expect(good).toEqual({ status: 0, stdout: '{"member":"ann","ok":true,"value":3}\n', stderr: "" });
    const bad = await convoke("call", tcp, "--all", "--json", "--where", "zone=a", "nope");
    expect({ ...bad, stdout: JSON.parse(bad.stdout) as unknown }).toEqual({
      status: 1,
      stdout: {
        member: "ann",
        ok: false,
        error: expect.objectContaining({ code: "unimplemented", data: "nope" }) as object,
      },
      stderr: "",
    });
  });

  test("ends with the first that succeeds, and exits with 0", async () => {
    const handlers = { math: { add: () => new Promise(() => {}) } };
    const slow = await connect(tcp, { name: "slow", labels: { zone: "a" }, handlers });
    const args = ["call", tcp, "--all", "--where", "zone=a", "--first", "1"];
    const plain = await convoke(...args, ...ADD);
    expect(plain).toEqual({ status: 0, stdout: "ann\t3\n", stderr: "Enough have answered: gave up 1\n" });
    const json = await convoke(...args, "--json", ...ADD);
    expect(json).toMatchObject({ status: 0, stderr: "" });
    expect(linesOf(json.stdout).map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { member: "ann", ok: true, value: 3 },
      { member: "slow", ok: false, error: { code: "cancelled" } },
    ]);
    await slow.close({ graceMs: 0 });
  });

  test("prints outcomes as they come, and gives up on Ctrl-C", async () => {
    let isTold = (): void => {};
    const told = new Promise<void>((resolve) => {
      isTold = resolve;
    });
    const wait = (_: unknown, { signal }: { signal: AbortSignal }): Promise<never> => {
      signal.addEventListener("abort", isTold);
      return new Promise(() => {});
    };
    const slow = await connect(tcp, { name: "slow", labels: { zone: "a" }, handlers: { math: { add: wait } } });
    await using program = new Program(["call", tcp, "--all", "--where", "zone=a", ...ADD]);
    await program.prints("stdout", /ann\t3\n/);
    expect(await program.interrupt()).toMatchObject({
      status: 1,
      stdout: "ann\t3\n",
      stderr: expect.stringMatching(/^cancelled: .*Interrupted/) as string,
    });
    // The agents are told, too.
    await told;
    await slow.close({ graceMs: 0 });
  });

  test("calls nobody, says so and exits with 1", async () => {
    const run = await convoke("call", tcp, "--all", "--where", "zone=z", ...ADD);
    expect(run).toEqual({ status: 1, stdout: "", stderr: "Nobody was called: no agent has these labels\n" });
  });
});

describe("convoke agent", () => {
  test("waits for its controller, comes back to it, is called no more when it drains, and ends at once on a second Ctrl-C", async () => {
    const address = `unix:${join(folder, "late.sock")}`;
    await using agent = new Program(["agent", address, HANDLERS, "--name", "late"]);
    await agent.prints("stderr", /Cannot connect.*dialling again in \d+ ms\n/);
    const serving = ["serve", "--fleet", "--listen", address, "--verbose"];
    await using first = new Program(serving);
    await agent.prints("stderr", new RegExp(`Joined ${address} as "late"\n`));
    await first.prints("stderr", /^Joined: late \(jsonrpc, unix:.*\)\n/m);
    await first.interrupt();
    await agent.prints("stderr", /: draining; dialling again in \d+ ms\n/);
    await using second = new Program(serving);
    await second.prints("stderr", /^Joined: late/m);
    const call = convoke("call", address, "--agent", "late", "wait");
    const busy = async (): Promise<boolean> =>
      (await convoke("agents", address, "--json")).stdout.includes('"pending":1');
    while (!(await busy()));
    const ended = agent.interrupt();
    await agent.prints("stderr", /Draining/);
    await second.prints("stderr", /^Left: late: draining/m);
    const refused = await convoke("call", address, "--agent", "late", ...ADD);
    expect(refused.stderr).toMatch(/^not_found/);
    agent.child.kill("SIGINT");
    expect((await ended).status).toBe(1);
    expect((await call).stderr).toMatch(/^unavailable/);
  });

  test("lets a running call end when it is told to end", async () => {
    const module = join(folder, "brief.js");
    await writeFile(
      module,
      `export default { work: (_, { peer }) => new Promise((resolve) => {
         process.once("SIGTERM", () => setTimeout(resolve, 50, "worked"));
         void peer.notify("begun");
       }) };\n`,
    );
    await using agent = new Program(["agent", tcp, module, "--name", "brief"]);
    await agent.prints("stderr", /^Joined/m);
    const call = convoke("call", tcp, "--agent", "brief", "work");
    while (!(await convoke("agents", tcp, "--json")).stdout.includes('"pending":1'));
    agent.child.kill("SIGTERM");
    expect((await agent.ended).status).toBe(0);
    expect(await call).toEqual({ status: 0, stdout: '"worked"\n', stderr: "" });
  });

  test("says that it is not taken in", async () => {
    await using server = await serve("tcp://127.0.0.1:0");
    const address = server.addresses[0] ?? "";
    await using agent = new Program(["agent", address, HANDLERS, "--name", "ann"]);
    await agent.prints("stderr", /^Connected to .+, which takes in no agents: is it served with --fleet\?\n/);
    expect((await agent.interrupt()).status).toBe(0);
  });

  test("keeps its name where duplicates are rejected, and the other one is told", async () => {
    await using keeping = new Program(["serve", "--fleet", "--duplicates", "reject", "--listen", "tcp://127.0.0.1:0"]);
    const address = await keeping.listens();
    const first = await connect(address, { name: "one", startedAt: 1, handlers: { who: () => "first" } });
    await using second = new Program(["agent", address, HANDLERS, "--name", "one"]);
    await second.prints("stderr", /Cannot join as "one": the name is taken; dialling again in [34]\d{4} ms\n/);
    expect((await convoke("call", address, "--agent", "one", "who")).stdout).toBe('"first"\n');
    expect((await second.interrupt()).status).toBe(0);
    await first.close();
  });

  test.each([
    ["native", native()],
    ["lsp", lsp()],
  ])("may speak %s, as everybody at this address does", async (name, wire) => {
    await using serving = new Program(["serve", "--fleet", "--listen", "tcp://127.0.0.1:0", "--wire", name]);
    const address = await serving.listens();
    await using agent = new Program(["agent", address, HANDLERS, "--name", "ann", "--wire", name]);
    const other = await connect(address, { wire, name: "bob", handlers: { math: { add: () => "much" } } });
    await agent.prints("stderr", /^Joined/m);
    const run = await convoke("call", address, "--wire", name, "--all", ...ADD);
    expect(run).toMatchObject({ status: 0, stderr: "" });
    expect(linesOf(run.stdout).sort()).toEqual(["ann\t3", 'bob\t"much"']);
    expect(linesOf((await convoke("agents", address, "--wire", name)).stdout)).toHaveLength(3);
    await other.close();
  });
});

describe("who may operate the agents", () => {
  test("an agent may not, over its own link", async () => {
    const agent = await connect(tcp, { name: "spy" });
    for (const [method, params] of [
      ["fleet.list", {}],
      ["fleet.watch", {}],
      ["fleet.call", { member: "ann", method: "math.add" }],
      ["fleet.callAll", { method: "math.add" }],
    ] as const) {
      await expect(agent.call(method, params)).rejects.toMatchObject({ code: "permission_denied" });
    }
    await agent.close();
  });

  test("nobody may where there are no operators", async () => {
    await using serving = new Program(["serve", "--fleet", "--operators", "none", "--listen", "tcp://127.0.0.1:0"]);
    const address = await serving.listens();
    for (const args of [["agents"], ["call", "--all", "x"], ["call", "--agent", "ann", "x"]]) {
      const [command = "", ...rest] = args;
      expect(await convoke(command, address, ...rest)).toMatchObject({
        status: 1,
        stdout: "",
        stderr: expect.stringMatching(/^permission_denied .*This caller may not use fleet\.\w+\n$/) as string,
      });
    }
  });

  test("a web page may not, through a browser on this machine", async () => {
    const { hostname, port } = new URL(tcp);
    const socket = connectSocket(Number(port), hostname);
    const body = '\n{"jsonrpc":"2.0","id":1,"method":"fleet.callAll","params":{"method":"math.add"}}\n';
    socket.write(`POST / HTTP/1.1\r\nHost: ${hostname}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    let answered = "";
    socket.on("data", (bytes: Buffer) => {
      answered += bytes.toString();
    });
    // JSON-RPC knows HTTP when it sees it, and ends the link before anything runs.
    await once(socket, "close");
    expect(answered).not.toContain('"id":1');
  });
});

describe("bad usage exits with 2 and says what to do", () => {
  const nowhere = "tcp://127.0.0.1:1";
  test.each([
    [["serve", "--listen", nowhere], /add --fleet/],
    [["serve", "--fleet"], /--listen/],
    [["serve", "--fleet", "--listen", nowhere, "--operators", "me"], /local, anyone, none/],
    [["serve", HANDLERS, "--listen", nowhere, "--operators", "local"], /--operators belongs to a fleet: add --fleet/],
    [["serve", HANDLERS, "--listen", nowhere, "--duplicates", "reject"], /--duplicates belongs to a fleet/],
    [["serve", "--fleet", "--listen", nowhere, "--wire", "gorpc"], /no agents on gorpc/],
    [["agent", nowhere, HANDLERS], /--name/],
    [["agent", nowhere, HANDLERS, "--name", ""], /--name must not be empty/],
    [["agent", nowhere, "./nothing-here.js", "--name", "ann"], /Cannot load/],
    [
      ["agent", nowhere, HANDLERS, "--name", "ann", "--label", "zone"],
      /--label must be a key and a value, as in --label zone=a/,
    ],
    [["agent", nowhere, HANDLERS, "--name", "ann", "--label", "a=1", "--label", "a=2"], /--label has "a" twice/],
    [["agent", nowhere, HANDLERS, "--name", "ann", "--wire", "gorpc"], /no agents on gorpc/],
    [["agents", nowhere, "--where", "=a"], /--where must be/],
    [["call", nowhere, "--where", "zone=a", "m"], /--where belongs to a call to all agents: add --all/],
    [["call", nowhere, "--agent", "ann", "--first", "1", "m"], /--first belongs/],
    [["call", nowhere, "--agent", "ann", "--notify", "m"], /leave out --notify/],
    [["call", nowhere, "--agent", "ann", "--all", "m"], /--agent to call one agent, or --all/],
    [["call", nowhere, "--all", "--batch", "m"], /leave out --batch/],
    [["call", nowhere, "--all", "--same-method", "m", "1"], /leave out --same-method/],
    [["call", nowhere, "--all", "--errors", "m"], /--json/],
    [["call", nowhere, "--all", "m", "1", "n", "2"], /--all calls one method/],
    [["call", nowhere, "--all", "--first", "0", "m"], /--first must be a number of at least 1/],
    [["call", nowhere, "--all", "--concurrency", "1.5", "m"], /--concurrency must be a whole number/],
  ])("%j", async (args, wanted) => {
    const run = await convoke(...args);
    expect(run).toMatchObject({ status: 2, stdout: "" });
    expect(run.stderr).toMatch(wanted);
  });

  test("a module whose names are those for operators", async () => {
    const module = join(folder, "taken.js");
    await writeFile(module, "export default { fleet: { list: () => [] } };\n");
    const run = await convoke("serve", module, "--fleet", "--listen", "tcp://127.0.0.1:0");
    expect(run).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/"fleet\.list": the name is taken/) as string,
    });
  });
});
