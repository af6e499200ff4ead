import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { pipeSuite } from "../../../test/suites/pipe-suite.ts";
import { deferred, Recorder } from "../../../test/suites/support.ts";
import type { Listener, RawConnection } from "../../core/wire.ts";
import { SOCKET_OPTIONS, socketPipe } from "./socket.ts";
import { unixDialer, unixListen } from "./unix.ts";

const never = new AbortController().signal;
let directory = "";
const listeners: Listener[] = [];

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), "convoke-"));
});

afterEach(async () => {
  for (const listener of listeners.splice(0)) await listener.close();
  fs.rmSync(directory, { recursive: true });
});

async function listen(name = "s", mode?: number): Promise<string> {
  const target = path.join(directory, name);
  listeners.push(await unixListen({ path: target, ...(mode !== undefined && { mode }) })(() => {}));
  return target;
}

/** Leaves a socket file behind that nobody listens on, as a process does that was killed. */
async function leaveStale(target: string): Promise<void> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(`${target}.bound`, resolve));
  // Renamed, so that closing the server does not remove it.
  fs.renameSync(`${target}.bound`, target);
  await new Promise((resolve) => server.close(resolve));
  expect(fs.lstatSync(target).isSocket()).toBe(true);
}

pipeSuite(
  "unix",
  async () => {
    const target = path.join(directory, "suite");
    const { promise, resolve } = deferred<RawConnection>();
    const listener = await unixListen({ path: target })(resolve);
    const socket = net.connect({ path: target, ...SOCKET_OPTIONS });
    const near = socketPipe(socket);
    const far = (await promise).pipe;
    if (far === undefined) throw new Error("no pipe");
    return { near, far, endNear: () => void socket.end(), cleanup: () => listener.close() };
  },
  { halfClose: true, tellsFull: true, oneByteWrites: 20_000 },
);

describe("dialling and listening on a Unix socket", () => {
  test("both ends talk, and know the path", async () => {
    const target = path.join(directory, "s");
    const { promise, resolve } = deferred<RawConnection>();
    const listener = await unixListen({ path: target })(resolve);
    listeners.push(listener);
    expect(listener.address).toBe(`unix:${target}`);
    const near = await unixDialer({ path: target })(never);
    const far = await promise;
    expect([near.remoteAddress, far.remoteAddress]).toEqual([`unix:${target}`, `unix:${target}`]);
    if (near.pipe === undefined || far.pipe === undefined) throw new Error("no pipe");
    const recorder = new Recorder().open(far.pipe);
    new Recorder().open(near.pipe);
    void near.pipe.write("hello");
    await recorder.until(() => recorder.text === "hello");
    near.pipe.close();
    await recorder.untilClosed();
  });

  test("only the owner may connect, unless told otherwise, and the umask is as before", async () => {
    const umask = process.umask(0);
    try {
      expect(fs.statSync(await listen("private")).mode & 0o777).toBe(0o600);
      expect(fs.statSync(await listen("group", 0o660)).mode & 0o777).toBe(0o660);
    } finally {
      expect(process.umask(umask)).toBe(0);
    }
  });

  test("the file is removed when the listener closes", async () => {
    const target = await listen();
    expect(fs.existsSync(target)).toBe(true);
    await listeners[0]?.close();
    await listeners[0]?.close();
    expect(fs.existsSync(target)).toBe(false);
  });

  test("a socket file that a dead server left behind is replaced", async () => {
    const target = path.join(directory, "stale");
    await leaveStale(target);
    await expect(unixDialer({ path: target })(never)).rejects.toMatchObject({
      code: "unavailable",
      executed: "no",
      message: `Cannot connect to unix:${target}: connection refused. Is the server running?`,
    });
    await listen("stale");
    const near = await unixDialer({ path: target })(never);
    near.pipe?.close();
  });

  test("where a live server listens, a second one is refused and the first one lives on", async () => {
    const target = await listen();
    await expect(unixListen({ path: target })(() => {})).rejects.toMatchObject({
      code: "unavailable",
      message: `Cannot listen on unix:${target}: a server is listening there already. Stop it or choose another path`,
    });
    const near = await unixDialer({ path: target })(never);
    near.pipe?.close();
  });

  test("a directory that does not exist is not called a missing permission", async () => {
    await expect(unixListen({ path: "/no/such/directory/x.sock" })(() => {})).rejects.toThrow(
      "Cannot listen on unix:/no/such/directory/x.sock: its directory does not exist. Make it first",
    );
  });

  test("a file that is no socket is not touched", async () => {
    const target = path.join(directory, "file");
    fs.writeFileSync(target, "precious");
    await expect(unixListen({ path: target })(() => {})).rejects.toThrow(
      `Cannot listen on unix:${target}: there is a file that is no socket. Move it away or choose another path`,
    );
    expect(fs.readFileSync(target, "utf8")).toBe("precious");
  });

  test("a link to nowhere is not touched", async () => {
    const target = path.join(directory, "link");
    fs.symlinkSync("nowhere", target);
    await expect(unixListen({ path: target })(() => {})).rejects.toThrow("there is a file that is no socket");
    expect(fs.readlinkSync(target)).toBe("nowhere");
  });

  test("two servers that find the same dead file: one gets the path, the other is told", async () => {
    const target = path.join(directory, "race");
    await leaveStale(target);
    const settled = await Promise.allSettled([
      unixListen({ path: target })(() => {}),
      unixListen({ path: target })(() => {}),
    ]);
    for (const each of settled) if (each.status === "fulfilled") listeners.push(each.value);
    expect(settled.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const near = await unixDialer({ path: target })(never);
    near.pipe?.close();
  });

  test("dialling a path that does not exist says so", async () => {
    const target = path.join(directory, "nothing");
    await expect(unixDialer({ path: target })(never)).rejects.toMatchObject({
      code: "unavailable",
      message: `Cannot connect to unix:${target}: no such file. Is the server running?`,
    });
  });

  test("listening in a directory that does not exist says so", async () => {
    const target = path.join(directory, "missing", "s");
    await expect(unixListen({ path: target })(() => {})).rejects.toThrow(`Cannot listen on unix:${target}: `);
  });

  test("a path that no socket can have is refused at once", () => {
    expect(() => unixDialer({ path: "" })).toThrow("must not be empty");
    expect(() => unixDialer({ path: "a\0b" })).toThrow("NUL");
    expect(() => unixListen({ path: `/${"x".repeat(200)}` })).toThrow("choose a shorter one");
    expect(() => unixListen({ path: "s", mode: 0o1000 })).toThrow(RangeError);
  });
});
