import { expect, test } from "vitest";
import { barsOf, chartable, fitting, lengthText, type Step, spanOf, stepAt, stepLength, totalOf } from "./bars";

const start = Date.parse("2026-11-24T09:00:00Z");
const step = (offset: number, seconds: number, accepted = 0, read = 0): Step => ({
  at: new Date(start + offset * 1000).toISOString(),
  seconds,
  accepted,
  delivered: 0,
  read,
  clicked: 0,
  failed: 0,
});

test("bars stand where their time is, the cut ones at the ends included", () => {
  const steps = [step(0, 4), step(4, 10, 5), step(14, 10), step(24, 3, 2)];
  expect(spanOf(steps)).toEqual({ from: start, to: start + 27_000 });
  expect(barsOf(steps, "accepted").map((b) => [b.at - start, b.end - start, b.n])).toEqual([
    [0, 4000, 0],
    [4000, 14_000, 5],
    [14_000, 24_000, 0],
    [24_000, 27_000, 2],
  ]);
  expect(totalOf(steps, "accepted")).toBe(7);
  expect(stepLength(steps)).toBe(10);
  expect([-1, 0, 3999, 4000, 26_999, 27_000].map((ms) => stepAt(steps, start + ms))).toEqual([-1, 0, 0, 1, 3, -1]);
});

test("a campaign of 16 seconds has no chart", () => {
  expect(chartable([step(0, 10, 12), step(10, 6, 8)])).toBe(false);
  expect(chartable([step(0, 10), step(10, 10), step(20, 10)])).toBe(true);
  expect(spanOf([])).toEqual({ from: 0, to: 0 });
});

test("the length of a step is said in the unit that it is a multiple of", () => {
  expect([10, 30, 60, 300, 3600, 7200, 86_400, 7 * 86_400].map(lengthText)).toEqual([
    "10 seconds",
    "30 seconds",
    "1 minute",
    "5 minutes",
    "1 hour",
    "2 hours",
    "1 day",
    "1 week",
  ]);
  expect([lengthText(23 * 3600), lengthText(25 * 3600)], "when the clocks change").toEqual(["1 day", "1 day"]);
});

test("what happened nearly all in the first hour is shown by the first hour", () => {
  const hours = (n: number, ...counts: number[]) =>
    Array.from({ length: n }, (_, i) => step(i * 3600, 3600, counts[i] ?? 0));
  expect(fitting(hours(60, 1000, 0, 0, 0, 20)), "a read trickles in for days").toBe(1);
  expect(fitting(hours(60, 500, 0, 0, 0, 500)), "half of it the same day").toBe(24);
  expect(fitting(Array.from({ length: 60 }, (_, i) => step(i * 3600, 3600, 10)))).toBeNull();
  expect(fitting(hours(1, 1000)), "it took no longer").toBeNull();
  expect(fitting([])).toBeNull();
});
