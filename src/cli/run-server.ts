import type { Server } from "../server/server.ts";
import { say } from "./print.ts";
import { reportStats } from "./serve-stats.ts";
import { untilInterrupted } from "./until-interrupted.ts";

/** How a server is run. */
export interface Running {
  /** Says what happens, a line a second. */
  readonly stats: boolean;
  /** Resolves when there is nothing more to run for. Default: when the server has closed. */
  readonly ended?: Promise<unknown>;
  /** What Ctrl-C does. Default: the server closes. */
  readonly close?: () => Promise<void>;
}

/** Says where a server listens, and waits for its end or for Ctrl-C. Gives whether it was a signal that ended it. */
export async function runServer(
  server: Server,
  { stats, ended = server.closed, close = () => server.close() }: Running,
): Promise<boolean> {
  // Before anybody is told that it listens: who was told may press Ctrl-C.
  const over = untilInterrupted(ended, close);
  // stdout may be the link itself.
  for (const address of server.addresses) say(`Listening on ${address}`);
  const summarize = stats ? reportStats(server, say) : undefined;
  const isInterrupted = await over;
  summarize?.();
  return isInterrupted;
}
