import { printable } from "../core/text.ts";
import type { MemberInfo } from "../fleet/member.ts";
import type { FleetEvent } from "../fleet/watching.ts";

const TITLES = ["NAME", "WIRE", "ADDRESS", "UP", "SEEN", "RUNNING", "PENDING", "LABELS"];
/** A longer name sticks out of its own line and leaves the others where they are: it is the agent that chooses it. */
const NAME_WIDTH = 40;

/** Agents as lines of a table, its titles first. `now` in milliseconds since 1970. */
export function tableOf(members: readonly MemberInfo[], now: number): string[] {
  const rows = members.map((member) => [
    printable(member.name),
    printable(member.wire),
    printable(member.address ?? "-"),
    ageText(now - member.since),
    ageText(now - member.lastSeen),
    String(member.running),
    String(member.pending),
    labelsText(member.labels),
  ]);
  const widths = TITLES.map((title, at) => {
    const width = rows.reduce((most, row) => Math.max(most, row[at]?.length ?? 0), title.length);
    return at === 0 ? Math.min(NAME_WIDTH, width) : width;
  });
  return [TITLES, ...rows].map((row) => {
    const cells = row.map((cell, at) => cell.padEnd(widths[at] ?? 0));
    return cells.join("  ").trimEnd();
  });
}

/** An agent in a few words. */
export function memberText({ name, wire, address, labels }: MemberInfo): string {
  const text = `${printable(name)} (${printable(wire)}, ${printable(address ?? "-")})`;
  return `${text} ${labelsText(labels)}`.trimEnd();
}

/** What happened, as a line. */
export function eventText({ kind, info, reason }: FleetEvent, at: Date): string {
  const what = kind === "left" ? `${printable(info.name)}: ${printable(reason ?? "")}` : memberText(info);
  return `${at.toTimeString().slice(0, 8)} ${kind} ${what}`;
}

/** A time as its two largest units: `5s`, `3m12s`, `2h5m`, `4d3h`. The other side's clock may be ahead: then it is 0. */
export function ageText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (minutes === 0) return `${seconds}s`;
  if (hours === 0) return `${minutes}m${seconds % 60}s`;
  return hours < 24 ? `${hours}h${minutes % 60}m` : `${Math.floor(hours / 24)}d${hours % 24}h`;
}

function labelsText(labels: MemberInfo["labels"]): string {
  return Object.entries(labels)
    .map(([key, value]) => `${printable(key)}=${printable(value)}`)
    .join(",");
}
