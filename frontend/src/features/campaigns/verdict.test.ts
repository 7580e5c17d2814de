import { expect, test } from "vitest";
import { type Comparison, liftText, nextText, roughly, verdictText } from "./verdict";

const c: Comparison = {
  metric: "READ",
  leader: "B",
  runnerUp: "A",
  difference: 0.031,
  low: 0.012,
  high: 0.05,
  shown: true,
  moreNeeded: null,
  beyondTest: false,
  left: 12,
  decidesAt: null,
  waitingForWinner: 8200,
};
const open = { ...c, difference: 0.01, low: -0.012, high: 0.032, shown: false, moreNeeded: 2249 };

test("a shown difference is a sentence with its interval", () => {
  expect(verdictText(c, 2)).toBe("B is read more often than A: 3.1 points, 95% sure between 1.2 and 5.0.");
  expect(verdictText({ ...c, metric: "GOAL" }, 3)).toBe(
    "B reaches the goal more often than every other variant. Compared with A, the second best: 3.1 points, 95% sure between 1.2 and 5.0.",
  );
});

test("what is not shown yet says how much is missing", () => {
  expect(verdictText(open, 2)).toBe(
    "No difference shown yet: B is ahead of A by 1.0 points, which may be chance (95% sure between −1.2 and 3.2). About 2,300 more recipients would be needed.",
  );
  expect(verdictText({ ...open, beyondTest: true }, 2)).toContain("more than the test has");
  expect(verdictText({ ...open, moreNeeded: null, beyondTest: true }, 2)).toContain("too few recipients");
  expect(verdictText({ ...open, difference: 0, moreNeeded: null }, 2)).toBe("No difference between B and A yet.");
  expect(verdictText({ ...open, low: 0.001 }, 3)).toContain("not certainly more often than every other");
  expect(verdictText({ ...c, leader: null, runnerUp: null, shown: false }, 2)).toContain("Nothing can be compared");
});

test("an estimate has two digits", () => {
  expect([1, 9, 12, 123, 2249, 99_999].map(roughly)).toEqual([1, 9, 12, 130, 2300, 100_000]);
});

test("what happens next follows from the test, and from who chose", () => {
  const byHand = { percent: 20, afterMinutes: null, whenSure: false };
  const timed = { ...byHand, afterMinutes: 240 };
  const winner = { label: "B", at: "2026-11-26T09:00:00Z", byOperator: true };
  expect(nextText(byHand, c, null, false)).toBe("The other 8,200 wait until you choose a variant.");
  expect(nextText({ ...byHand, whenSure: true }, c, null, false)).toContain("as soon as it is certain.");
  expect(nextText(timed, c, null, false)).toContain("4 hours after the last message of the test, of which 12 are left");
  expect(nextText(timed, { ...c, decidesAt: winner.at }, null, false)).toMatch(/^The best .* 8,200 on Nov 26, 2026/);
  expect(nextText(timed, c, winner, false)).toMatch(/^An operator chose B/);
  expect(nextText(timed, c, { ...winner, byOperator: false }, true)).toMatch(/^The test chose B/);
  expect(nextText({ ...timed, percent: 100 }, c, null, false)).toContain("nobody waits");
  expect(nextText(timed, c, null, true)).toContain("ended before a winner");
});

test("a lift is told by who wrote", () => {
  const l = { treated: 900, treatedWrote: 90, heldOut: 100, heldOutWrote: 2, withinHours: 168 };
  const sure = { difference: 0.08, low: 0.01, high: 0.15 };
  expect(liftText({ ...l, ...sure, shown: true })).toBe(
    "The campaign makes people write: 10% of those who were to get it wrote to you within 7 days, and 2% of those held out, 8.0 points more, 95% sure between 1.0 and 15.0.",
  );
  expect(liftText({ ...l, ...sure, low: -0.01, shown: false })).toContain("No effect shown yet");
  expect(liftText({ ...l, difference: -0.1, low: -0.2, high: -0.05, shown: true })).toContain("keeps people from");
  expect(liftText({ ...l, treated: 0, heldOut: 0, ...sure, shown: false })).toContain("0%");
});
