import { pass } from "../suites/engine.ts";
import { turn } from "../suites/support.ts";
import { ourClient, ourServer, type Run, type Runs, watched } from "./stage.ts";

const counted: Run = async (compat) => {
  const { client, clock, server, servers, close } = await ourClient({ compat });
  const calls = [watched(client.call("add", {})), watched(client.call("add", {}))];
  await turn();
  await server.cut();
  await pass(clock, 1000);
  calls.push(watched(client.call("add", {})));
  await turn();
  const idsOf = (at: number): string[] => servers[at]?.heard.map(({ id }) => id) ?? [];
  const words = `${idsOf(0).join(", ")}, and ${idsOf(1).join(", ")} after a reconnect`;
  await close();
  await Promise.all(calls.map(({ promise }) => promise));
  return words;
};

const echoed: Run = async (compat) => {
  const { dial, close } = await ourServer({ compat });
  const hand = await dial();
  for (const id of ["68656d69", "007", "Hello: 02ab"]) await hand.say("t-add-request", id, { a: 1, b: 2 });
  const ids = hand.heard.map(({ id }) => id).join(", ");
  await close();
  return `is echoed as it is: ${ids}`;
};

const firstPing: Run = async (compat) => {
  const { dial, close } = await ourServer({ compat });
  const hand = await dial();
  const [ping] = hand.frames;
  await close();
  const id = /^\{"header":\{"command":"t-ping-request","id":"(\w+)"\},"payload":\{"timestamp":\d+\}\}$/.exec(
    ping ?? "",
  )?.[1];
  const { client, server, close: closeClient } = await ourClient({ compat });
  const call = watched(client.call("add", {}));
  await turn();
  const isFree = server.heard.every((command) => command.id !== id);
  await closeClient();
  await call.promise;
  return `has the id ${id}, ${isFree ? "which no call has" : "which calls have too"}`;
};

const pushes: Run = async (compat) => {
  const { dial, server, close } = await ourServer({ compat });
  const hand = await dial();
  const [connection] = server.connections;
  await connection?.notify("tx", { tx_id: "00" });
  await connection?.notify("tx", { tx_id: "01" }, { meta: { id: "ntfy-1f" } });
  await turn();
  const sent = hand.heard.map(({ id }) => id || "-").join(", ");
  await close();

  const { client, server: other, handlers, close: closeClient } = await ourClient({ compat });
  await other.say("t-tx-notification", "", {});
  await other.say("t-tx-notification", "ntfy-1f", {});
  const got = handlers.pushes
    .splice(0)
    .map(({ id }) => id ?? "-")
    .join(", ");
  const call = client.call("jobStatus", { job: "00ff" });
  await turn();
  await other.say("t-job-update-notification", "00ff", { state: "running" });
  await other.say("t-job-update-notification", "1", { state: "pending" });
  const isTold = JSON.stringify(await call) === '{"state":"pending"}' && handlers.pushes[0]?.id === "00ff";
  await closeClient();
  return [
    `none, or one of their own: ${sent === got ? sent : `${sent} and ${got}`}`,
    `of a job: ${isTold ? "the push has the job's, the reply the request's" : "mixed up"}`,
  ].join("\n");
};

/** What becomes of a call for which this comes, and then its answer. */
async function disturbed(
  compat: boolean,
  command: string,
): Promise<{ outcome: string; pushes: number; unclaimed: number }> {
  const { client, server, handlers, unclaimed, close } = await ourClient({ compat });
  const call = watched(client.call("add", {}));
  await turn();
  await server.say(command, "1", { other: true });
  await server.say("t-add-response", "1", { sum: 3 });
  const { outcome } = call;
  await close();
  return { outcome, pushes: handlers.pushes.length, unclaimed: unclaimed.length };
}

const otherName: Run = async (compat) => {
  const { outcome } = await disturbed(compat, "t-see-response");
  return outcome === 'OK {"other":true}' ? "is the call's result" : outcome;
};

const pushWithId: Run = async (compat) => {
  const { outcome, pushes } = await disturbed(compat, "t-tx-notification");
  if (outcome === 'OK {"other":true}' && pushes === 0) return "is taken for its answer";
  return outcome === 'OK {"sum":3}' && pushes === 1 ? "is served, and the call gets its own answer" : outcome;
};

const told = (unclaimed: number, isUp: boolean): string =>
  `${isUp ? "is passed over" : "ends the link"}${unclaimed === 1 ? ", and given to onUnclaimed" : ""}`;

const twice: Run = async (compat) => {
  const { client, server, unclaimed, close } = await ourClient({ compat });
  const call = watched(client.call("add", {}));
  await turn();
  await server.say("t-add-response", "1", { sum: 3 });
  await server.say("t-add-response", "1", { sum: 4 });
  const words = call.outcome === 'OK {"sum":3}' ? told(unclaimed.length, client.state === "open") : call.outcome;
  await close();
  return words;
};

const late: Run = async (compat) => {
  const { client, clock, server, servers, unclaimed, close } = await ourClient({ compat });
  const call = watched(client.call("add", {}, { timeoutMs: 100 }));
  await pass(clock, 200);
  await server.say("t-add-response", "1", { sum: 3 });
  await pass(clock, 2000);
  const isUp = servers.length === 1 && client.stats().strays === 1;
  const words = call.outcome === "deadline_exceeded, executed unknown" ? told(unclaimed.length, isUp) : call.outcome;
  await close();
  return words;
};

const givesUp: Run = async (compat) => {
  const { client, server, close } = await ourClient({ compat });
  const abort = new AbortController();
  const call = watched(client.call("add", {}, { signal: abort.signal }));
  await turn();
  abort.abort();
  await call.promise;
  await turn();
  const words = server.heard.length === 1 ? "the server is told nothing" : "the server is told";
  await close();
  return words;
};

const nothing: Run = async (compat) => {
  const { client, server, close } = await ourClient({ compat });
  const call = watched(client.call("add", {}));
  await turn();
  await server.write('{"header":{"command":"t-add-response","id":"1"},"payload":null}');
  const { outcome } = call;
  await close();
  return outcome.replace("OK", "is");
};

/** Ids and whom a command is for: rows 15 to 24. */
export const ID_RUNS: Runs = {
  15: counted,
  16: echoed,
  17: firstPing,
  18: pushes,
  19: otherName,
  20: pushWithId,
  21: twice,
  22: late,
  23: givesUp,
  24: nothing,
};
