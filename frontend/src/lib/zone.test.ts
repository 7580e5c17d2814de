import { afterEach, expect, test } from "vitest";
import { ticks, tickText } from "./axis";
import { ago, dayText, localInput, moment, momentOf, timeOnly } from "./format";
import { ahead, dayKey, daysLater, midnight, momentNamed, ownZone, setZone, wall, zoneName } from "./zone";

afterEach(() => setZone(ownZone));

test("all times are shown in the zone of the workspace", () => {
  const at = "2026-11-25T02:30:00Z";
  setZone("America/New_York");
  expect(moment(at)).toBe("Nov 24, 2026, 9:30 PM");
  expect(timeOnly(at)).toBe("9:30 PM");
  expect(dayKey(new Date(at))).toBe("2026-11-24");
  setZone("Asia/Kolkata");
  expect(moment(at)).toBe("Nov 25, 2026, 8:00 AM");
  setZone("Mars/Olympus");
  expect(zoneName(), "unknown ones leave the browser's").toBe(ownZone);
});

test("what is typed is read in it, and shown again as it was typed", () => {
  setZone("Asia/Kolkata");
  expect(momentOf("2026-11-25T08:00")).toBe("2026-11-25T02:30:00.000Z");
  expect(localInput(new Date("2026-11-25T02:30:00Z"))).toBe("2026-11-25T08:00");
  setZone("Europe/Berlin");
  for (const text of ["2026-03-29T01:59", "2026-03-29T03:00", "2026-10-25T03:00", "2026-07-01T00:00"])
    expect(localInput(momentNamed(text) ?? new Date(0))).toBe(text);
  expect(momentOf("soon")).toBeUndefined();
  expect(momentOf("20266-01-01T00:00")).toBeUndefined();
});

test("days begin and end where the clocks of the zone say, also when they change", () => {
  setZone("Europe/Berlin");
  const change = new Date("2026-03-29T12:00:00Z");
  expect(midnight(change).toISOString()).toBe("2026-03-28T23:00:00.000Z");
  expect(midnight(change, 1).toISOString()).toBe("2026-03-29T22:00:00.000Z");
  expect(daysLater(new Date("2026-03-28T09:00:00Z"), 1).toISOString()).toBe("2026-03-29T08:00:00.000Z");
  expect(ahead(change.getTime())).toBe(2 * 3_600_000);
  expect(wall(change)).toMatchObject({ day: 29, hour: 14, minute: 0 });
});

test("yesterday is the day before in the zone", () => {
  const now = Date.parse("2026-11-25T03:00:00Z");
  setZone("America/New_York"); // it is still the 24th there
  expect(dayText("2026-11-24T20:00:00Z", now)).toBe("Today");
  expect(dayText("2026-11-24T01:00:00Z", now)).toBe("Yesterday");
  expect(ago("2026-11-23T21:00:00Z", now)).toBe("yesterday");
});

test("the marks of an axis stand at the zone's round times", () => {
  setZone("Asia/Kolkata");
  const from = Date.parse("2026-11-25T00:00:00Z");
  expect(ticks(from, from + 12 * 3_600_000).map((t) => tickText(t, "en-GB"))).toEqual([
    "06:00",
    "08:00",
    "10:00",
    "12:00",
    "14:00",
    "16:00",
  ]);
});
