import fs from "node:fs";
import net from "node:net";
import { dirname } from "node:path";
import { RpcError } from "../../core/errors.ts";
import type { Accept, Listener, RawConnection } from "../../core/wire.ts";
import { formatAddress } from "./address.ts";
import { dialSocket, listenError, listenerOf, listening, SOCKET_OPTIONS, socketPipe } from "./socket.ts";
import { codeOf } from "./system-error.ts";

/** What `sun_path` holds before its NUL: 108 bytes on Linux, 104 on the BSDs and macOS. Beyond it the system cuts silently. */
const MAX_PATH_BYTES = process.platform === "linux" ? 107 : 103;

/** Where a server on a Unix socket is. */
export interface UnixTarget {
  readonly path: string;
}

/** Where a server on a Unix socket shall be, and who may connect. */
export interface UnixListenTarget extends UnixTarget {
  /** The permissions of the socket file, default `0o600`: only programs of this user may connect (that takes write permission). */
  readonly mode?: number;
}

/** Dials a Unix socket. */
export function unixDialer({ path }: UnixTarget): (signal: AbortSignal) => Promise<RawConnection> {
  checkPath(path);
  const address = formatAddress({ kind: "unix", path });
  return async (signal) => {
    const socket = await dialSocket(address, signal, () => net.connect({ path, ...SOCKET_OPTIONS }));
    return { pipe: socketPipe(socket), remoteAddress: address };
  };
}

/**
 * Listens on a Unix socket. A socket file that a dead server left behind is replaced; where a server answers, or where
 * the file is no socket, it rejects and touches nothing. The file is removed when the listener closes.
 */
export function unixListen(target: UnixListenTarget): (accept: Accept) => Promise<Listener> {
  const listen = unixSockets(target);
  const remoteAddress = formatAddress({ kind: "unix", path: target.path });
  return (accept) => listen((socket) => accept({ pipe: socketPipe(socket), remoteAddress }));
}

/** Listens as `unixListen` does, for a transport that speaks something of its own there, and gives it each socket. */
export function unixSockets({
  path,
  mode = 0o600,
}: UnixListenTarget): (take: (socket: net.Socket) => void) => Promise<Listener> {
  checkPath(path);
  if (!Number.isInteger(mode) || mode < 0 || mode > 0o777) throw new RangeError("mode must be from 0 to 0o777");
  const address = formatAddress({ kind: "unix", path });
  return async (take) => {
    const server = net.createServer(SOCKET_OPTIONS, take);
    try {
      await bind(server, path, mode);
    } catch (error) {
      if (codeOf(error) !== "EADDRINUSE") throw bindError(path, address, error);
      await removeStale(path, address);
      await bind(server, path, mode).catch((again: unknown) => {
        throw listenError(address, again);
      });
    }
    return listenerOf(server, address);
  };
}

/**
 * Binds with the permissions in place from the first moment: a `chmod` after `listen` would leave a gap for others.
 * The umask belongs to the whole process, but Node binds an exclusive path before `listen` returns.
 */
function bind(server: net.Server, path: string, mode: number): Promise<void> {
  return listening(server, () => {
    const restore = setUmask(0o777 & ~mode);
    try {
      server.listen({ path, exclusive: true });
      if (restore === undefined && server.listening) fs.chmodSync(path, mode);
    } finally {
      if (restore !== undefined) process.umask(restore);
    }
  });
}

/** Sets the umask and returns the one before; does nothing in a worker thread, which must not set it. */
function setUmask(mask: number): number | undefined {
  try {
    return process.umask(mask);
  } catch (error) {
    if (codeOf(error) === "ERR_WORKER_UNSUPPORTED_OPERATION") return undefined;
    throw error;
  }
}

/** Removes the socket file of a server that is gone. Rejects when the file is something else. */
async function removeStale(path: string, address: string): Promise<void> {
  const found = fs.lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket())
    throw cannotListen(address, "there is a file that is no socket. Move it away or choose another path");
  const answer = await probe(path);
  if (answer === "") throw cannotListen(address, "a server is listening there already. Stop it or choose another path");
  if (answer === "ENOENT") return;
  if (answer !== "ECONNREFUSED") {
    throw cannotListen(address, `there is a socket, and whether a server is behind it cannot be told (${answer})`);
  }
  // Somebody else may have replaced it while we asked; theirs is alive.
  const now = fs.lstatSync(path, { throwIfNoEntry: false });
  if (now !== undefined && now.ino === found.ino && now.ctimeMs === found.ctimeMs) fs.unlinkSync(path);
}

/** Knocks at a socket file: gives the empty string when somebody answers, otherwise the system's code. */
function probe(path: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect({ path });
    socket.once("connect", () => {
      socket.destroy();
      resolve("");
    });
    socket.once("error", (error) => resolve(codeOf(error)));
  });
}

/** The system's error, but for a directory that does not exist: there libuv says that permission was denied, as Windows does. */
function bindError(path: string, address: string, error: unknown): RpcError {
  try {
    if (codeOf(error) === "EACCES") fs.accessSync(dirname(path));
  } catch (thrown) {
    if (codeOf(thrown) === "ENOENT") return cannotListen(address, "its directory does not exist. Make it first");
  }
  return listenError(address, error);
}

function cannotListen(address: string, why: string): RpcError {
  return new RpcError("unavailable", `Cannot listen on ${address}: ${why}`);
}

function checkPath(path: string): void {
  if (path === "") throw new TypeError("The path of a Unix socket must not be empty");
  if (path.includes("\0")) throw new TypeError("The path of a Unix socket must not contain NUL");
  const length = Buffer.byteLength(path);
  if (length <= MAX_PATH_BYTES) return;
  throw new RangeError(
    `The path of a Unix socket has at most ${MAX_PATH_BYTES} bytes and this one has ${length}: choose a shorter one`,
  );
}
