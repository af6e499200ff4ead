import { turn, until } from "../suites/support.ts";
import { grpcController, hello } from "./grpc.ts";
import { codeOf, ourAgent, ourController, type Run, type Runs } from "./stage.ts";

/** Two agents of one name, and a call to the first. */
async function sameName(duplicates: "replace" | undefined): Promise<string[]> {
  const { fleet, stream, close } = await grpcController({ duplicates });
  const [first, second] = [stream(), stream()];
  let isOver = false;
  void first.ended.then(() => {
    isOver = true;
  });
  first.say(hello("a"));
  await until(() => fleet.size === 1);
  const old = fleet.get("a");
  const call = codeOf(fleet.call("a", "upper", {}, { timeoutMs: 60_000 }));
  second.say(hello("a"));
  const lines: string[] = [];
  if (duplicates === "replace") {
    await until(() => fleet.get("a") !== old);
    lines.push("the new one: gets the name", `the old one: its stream ends with ${await first.ended}`);
  } else {
    lines.push(`the new one: its stream ends with ${await second.ended}`);
    lines.push(`the old one: ${fleet.get("a") === old && !isOver ? "stays" : "goes"}`);
    first.say(answerTo0);
  }
  lines.push(`a call to the old one: ${await call}`);
  await close();
  return lines;
}

const answerTo0 = Uint8Array.of(0x12, 2, 0x12, 0);

const taken: Run = async () => {
  const replaced = await sameName("replace");
  return [...(await sameName(undefined)), ...replaced.map((line) => `replace, ${line}`)].join("\n");
};

const flapping: Run = async () => {
  const { clock, fleet, hand, close } = await ourController();
  const first = await hand("a");
  for (let times = 0; times < 5; times++) {
    await hand("a");
    clock.advance(10_000);
    await turn();
  }
  const kept = fleet.size === 1 && first.reason === undefined ? "the first keeps the name" : "it changes hands";
  await close();

  const waits = new Set<boolean>();
  for (let times = 0; times < 20; times++) {
    const stage = await ourAgent({}, { redial: { baseMs: 1, maxMs: 10 } });
    await stage.controller.end();
    const began = stage.clock.now;
    while (stage.dials.length < 2 && stage.clock.now < 100_000) {
      stage.clock.advance(500);
      await turn(1);
    }
    const waitMs = (stage.dials[1] ?? 0) - began;
    waits.add(waitMs >= 30_000 && waitMs <= 40_500);
    await stage.close();
  }
  const away = waits.size === 1 && waits.has(true) ? "after 30 to 40 s" : "at some other time";
  return `on our controller: ${kept}\nour agent, replaced by another controller: comes back ${away}`;
};

const anyName: Run = async () => {
  const open = await grpcController();
  open.stream().say(hello("anybody"));
  await until(() => open.fleet.size === 1);
  const lines = ["whoever reaches the port: joins"];
  await open.close();

  const bound = await grpcController({}, { grpc: { identify: () => "ann" } });
  const [own, other] = [bound.stream(), bound.stream()];
  own.say(hello("ann"));
  await until(() => bound.fleet.get("ann") !== undefined);
  lines.push("who has an identity, under its own name: joins");
  other.say(hello("bob"));
  lines.push(`who has an identity, under another name: the stream ends with ${await other.ended}`);
  await bound.close();
  return lines.join("\n");
};

/** Names, and who may have them: rows 8, 9, 11. */
export const NAME_RUNS: Runs = { 8: taken, 9: flapping, 11: anyName };
