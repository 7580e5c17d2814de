import { expect, test } from "vitest";
import {
  compared,
  courseOf,
  funnelOf,
  leftText,
  lossesOf,
  remaining,
  statusText,
  undoableFor,
  waitingText,
} from "./outcome";

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

test("every share of a report is of those whom the campaign was sent to", () => {
  const c = {
    tried: 200,
    accepted: 190,
    delivered: 180,
    read: 90,
    clicked: 40,
    replied: 10,
    failed: 10,
    undelivered: 10,
    optedOut: 4,
  };
  expect(funnelOf(c, true).map((f) => [f.label, f.n, f.share])).toEqual([
    ["Sent to", 200, 1],
    ["Handed to WhatsApp", 190, 0.95],
    ["Delivered", 180, 0.9],
    ["Read", 90, 0.45],
    ["Clicked", 40, 0.2],
    ["Replied", 10, 0.05],
  ]);
  expect(lossesOf(c).map((f) => [f.label, f.n, f.share])).toEqual([
    ["Failed", 20, 0.1],
    ["Opted out", 4, 0.02],
  ]);
  expect(funnelOf(c, false).map((f) => f.name)).toEqual(["tried", "accepted", "delivered", "read", "replied"]);
  expect(funnelOf({ ...c, tried: 0 }, true).every((f) => f.share === 0)).toBe(true);
});

test("a campaign of which all that is left waits says for what, and until when", () => {
  const now = new Date("2026-11-24T21:30:00").getTime(); // without a zone: the browser's own
  const until = (at: string) => new Date(at).toISOString();
  const c = { status: "SENDING", waitingUntil: until("2026-11-25T08:00:00"), waitingReason: "quiet_hours" };
  expect(waitingText(c, now)).toMatch(/^Waiting for quiet hours until 0?8:00/);
  expect(waitingText({ ...c, waitingReason: "best_hour" }, now)).toMatch(
    /^Waiting for each recipient's best hour, next until 0?8:00/,
  );
  expect(waitingText({ ...c, waitingReason: "us-tcpa" }, now)).toMatch(/^Waiting for legal hours until 0?8:00/);
  expect(waitingText({ ...c, waitingReason: "retry" }, now)).toMatch(/Twilio refused the call for now/);
  expect(waitingText({ ...c, waitingUntil: until("2026-11-28T08:00:00") }, now)).toContain("28");
  expect(waitingText({ ...c, waitingReason: "portfolio_limit", waitingLimit: 2000 }, now)).toMatch(
    /^Waiting for WhatsApp's limit of 2,000 people a day until 0?8:00/,
  );
  expect(waitingText({ ...c, waitingUntil: null }, now)).toBeNull();
  expect(waitingText({ ...c, waitingUntil: null, waitingReason: "winner" }, now)).toBe(
    "Waiting for the winner of the test",
  );
  expect(waitingText({ ...c, waitingReason: "winner" }, now)).toMatch(/winner of the test until 0?8:00/);
  expect(waitingText({ ...c, status: "PAUSED" }, now), "its pause holds it").toBeNull();
});

test("the time that it took and the time in which it sent are told apart", () => {
  const c = {
    startedAt: "2026-11-24T20:00:00Z",
    finishedAt: "2026-11-25T02:33:00Z",
    sendingSeconds: 510,
    throughputAverage: 14.8,
    throughputPeak: 20,
    counts: { accepted: 7547 },
  };
  const text = (of: typeof c) => courseOf(of).map((l) => [l.label, l.text, l.hint]);
  expect(text(c).slice(1)).toEqual([
    ["Total time", "6 h 33 min", undefined],
    ["Sending time", "8 min 30 s", "waiting for the other 6 h 25 min"],
    ["Sending speed", "14.8 messages/s", "20 peak"],
  ]);
  const quick = { ...c, finishedAt: "2026-11-24T20:08:40Z" };
  expect(text(quick)[2]).toEqual(["Sending time", "8 min 30 s", undefined]);
  expect(text({ ...c, counts: { accepted: 0 } }).map((l) => l[0])).toEqual(["Launched", "Total time"]);
});

test("a campaign stands beside the last five before it", () => {
  const at = (id: string, day: number) => ({ id, startedAt: `2026-11-${String(day).padStart(2, "0")}T09:00:00Z` });
  const all = [at("h", 8), at("a", 1), at("b", 2), at("c", 3), at("d", 4), at("e", 5), at("f", 6), at("g", 7)];
  expect(compared(at("g", 7), all).map((c) => c.id)).toEqual(["f", "e", "d", "c", "b"]);
  expect(
    compared(at("a", 1), all).map((c) => c.id),
    "the first has none before it",
  ).toEqual(["h", "g", "f", "e", "d"]);
  expect(compared(at("a", 1), [at("a", 1)])).toEqual([]);
});
