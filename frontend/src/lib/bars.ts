import { plural } from "@lingui/core/macro";

/** What happened in one step of time: it begins at `at` and is so many seconds long. */
export type Step = {
  at: string;
  seconds: number;
  accepted: number;
  delivered: number;
  read: number;
  clicked: number;
  failed: number;
};
export type Milestone = "accepted" | "delivered" | "read" | "clicked" | "failed";

export type Bar = { at: number; end: number; n: number };

export const barsOf = (steps: readonly Step[], of: Milestone): Bar[] =>
  steps.map((s) => {
    const at = Date.parse(s.at);
    return { at, end: at + s.seconds * 1000, n: s[of] };
  });

export const totalOf = (steps: readonly Step[], of: Milestone) => steps.reduce((sum, s) => sum + s[of], 0);

/** Fewer steps make no chart: one or two bars say less than a sentence. */
export const chartable = (steps: readonly Step[]) => steps.length >= 3;

/** The stretch of time that the steps cover. */
export function spanOf(steps: readonly Step[]): { from: number; to: number } {
  const last = steps.at(-1);
  return {
    from: steps[0] ? Date.parse(steps[0].at) : 0,
    to: last ? Date.parse(last.at) + last.seconds * 1000 : 0,
  };
}

/** Which step a moment falls into; -1: none. */
export function stepAt(steps: readonly Step[], at: number): number {
  return steps.findIndex((s) => {
    const from = Date.parse(s.at);
    return at >= from && at < from + s.seconds * 1000;
  });
}

/** The whole steps' length in seconds; the first and the last may be cut. */
export const stepLength = (steps: readonly Step[]) => Math.max(0, ...steps.map((s) => s.seconds));

/** "10 seconds", "30 minutes", "1 day" */
export function lengthText(seconds: number): string {
  const units: [number, (n: number) => string][] = [
    [7 * 86_400, (n) => plural(n, { one: "# week", other: "# weeks" })],
    [86_400, (n) => plural(n, { one: "# day", other: "# days" })],
    [3600, (n) => plural(n, { one: "# hour", other: "# hours" })],
    [60, (n) => plural(n, { one: "# minute", other: "# minutes" })],
  ];
  // A day of 23 or 25 hours is a day all the same.
  const near = (n: number) => Math.abs(n - Math.round(n)) < 0.05 && Math.round(n) >= 1;
  const [length, text] = units.find(([l]) => near(seconds / l)) ?? [
    1,
    (n: number) => plural(n, { one: "# second", other: "# seconds" }),
  ];
  return text(Math.round(seconds / length));
}

const happened = (s: Step) => s.accepted + s.delivered + s.read + s.failed;

/** How much of a campaign's time is shown first: its first hour or day, where nearly all of it happened then. */
export function fitting(steps: readonly Step[]): number | null {
  const { from, to } = spanOf(steps);
  const all = steps.reduce((sum, s) => sum + happened(s), 0);
  const within = (hours: number) =>
    steps.reduce((sum, s) => {
      // A step that ends later, as steps begin at round times, counts by the part of it that is inside.
      const part = (from + hours * 3_600_000 - Date.parse(s.at)) / (s.seconds * 1000);
      return sum + happened(s) * Math.min(1, Math.max(0, part));
    }, 0);
  for (const hours of [1, 24]) {
    if (to - from <= hours * 3_600_000 * 1.5) return null;
    if (all > 0 && within(hours) / all >= 0.9) return hours;
  }
  return null;
}
