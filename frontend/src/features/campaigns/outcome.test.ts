import { expect, test } from "vitest";
import { leftText, remaining, statusText, undoableFor } from "./outcome";

const none = { pending: 0, submitting: 0, unknown: 0, undecided: 0, redelivering: 0 };

test("a completed campaign says what still waits beside it", () => {
  expect(statusText("COMPLETED", none)).toBe("Completed");
  expect(statusText("COMPLETED", { undecided: 1, redelivering: 0 })).toBe("Completed, 1 needs a decision");
  expect(statusText("COMPLETED", { undecided: 1200, redelivering: 1 })).toBe(
    "Completed, 1,200 need a decision, 1 retry waiting",
  );
  expect(statusText("COMPLETED", { undecided: 0, redelivering: 3 })).toBe("Completed, 3 retries waiting");
  expect(statusText("SENDING", { undecided: 5, redelivering: 5 })).toBe("Sending");
});

test("what waits beside a campaign is not left to be sent by it", () => {
  const c = { pending: 10, submitting: 2, unknown: 5, undecided: 3, redelivering: 4 };
  expect(remaining(c)).toBe(10);
  expect(leftText(c)).toBe("10 left, 3 need a decision, 4 retries waiting");
  expect(leftText(none)).toBe("0 left");
  expect(remaining({ ...none, undecided: 1 }), "counters of two moments").toBe(0);
});

test("a launch can be undone for as long as the server says, whatever this machine's clock shows", () => {
  const start = "2026-11-24T12:00:00Z";
  const until = "2026-11-24T12:00:10Z";
  const at = (seconds: number) => undoableFor(start, until, Date.parse(start) + seconds * 1000);
  expect(at(0)).toBe(10_000);
  expect(at(4), "a reload meanwhile").toBe(6_000);
  expect(at(-3600), "a clock that is behind").toBe(10_000);
  expect(at(3600), "a clock that is ahead").toBe(10_000);
});
