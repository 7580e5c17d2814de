import { locale } from "./language";
import { ahead, shown, wall, zoneName } from "./zone";

const minute = 60_000;
const hour = 60 * minute;
const dayLength = 24 * hour;
const steps = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * minute),
  ...[1, 2, 3, 6, 12].map((n) => n * hour),
  ...[1, 2, 7, 14, 28].map((n) => n * dayLength),
];

/**
 * Moments to mark on a time axis: at round times of the workspace's zone, the same distance apart, at most so many. A day
 * of 23 or 25 hours shifts those of hours by one; days always begin at midnight.
 */
export function ticks(from: number, to: number, atMost = 7): number[] {
  const step = steps.find((s) => (to - from) / s < atMost) ?? Math.ceil((to - from) / atMost / dayLength) * dayLength;
  const marks: number[] = [];
  for (let t = Math.ceil((from + ahead(from)) / step) * step; ; t += step) {
    const at = shown(t).getTime();
    if (at > to) break;
    if (at >= from && at !== marks.at(-1)) marks.push(at); // times that are left out are all the same moment
  }
  return marks;
}

/** What a mark says: the day at midnight, else the time. */
export function tickText(at: number, by = locale): string {
  const d = new Date(at);
  const { hour, minute } = wall(at);
  const timeZone = zoneName();
  if (hour === 0 && minute === 0)
    return d.toLocaleDateString(by, { weekday: "short", day: "numeric", month: "short", timeZone });
  return d.toLocaleTimeString(by, { timeStyle: "short", timeZone });
}
