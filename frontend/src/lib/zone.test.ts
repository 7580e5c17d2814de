import { afterEach, expect, test } from "vitest";
import { ticks, tickText } from "./axis";
import { ago, dayText, localInput, moment, momentOf, timeOnly } from "./format";
import { ahead, dayKey, daysLater, isToday, midnight, momentNamed, ownZone, setZone, wall, zoneName } from "./zone";

afterEach(() => setZone(ownZone));

test("all times are shown in the zone of the workspace", () => {
  const at = "2026-11-25T02:30:00Z";
  setZone("America/New_York");
  expect(moment(at)).toBe("Nov 24, 2026, 9:30\u00a0PM");
  expect(timeOnly(at)).toBe("9:30\u00a0PM");
  expect(dayKey(new Date(at))).toBe("2026-11-24");
  setZone("Asia/Kolkata");
  expect(moment(at)).toBe("Nov 25, 2026, 8:00\u00a0AM");
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

test("a time that the clocks leave out is the first after the gap, and one that they show twice is the first", () => {
  for (const [zone, text, want] of [
    ["Europe/Berlin", "2026-03-29T01:59", "2026-03-29T00:59:00.000Z"],
    ["Europe/Berlin", "2026-03-29T02:00", "2026-03-29T01:00:00.000Z"],
    ["Europe/Berlin", "2026-03-29T02:30", "2026-03-29T01:00:00.000Z"],
    ["Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30:00.000Z"],
    ["Europe/Berlin", "2026-10-25T03:00", "2026-10-25T02:00:00.000Z"],
    ["America/New_York", "2026-03-08T02:30", "2026-03-08T07:00:00.000Z"],
    ["America/New_York", "2026-11-01T01:30", "2026-11-01T05:30:00.000Z"],
    ["America/Santiago", "2026-09-06T00:00", "2026-09-06T04:00:00.000Z"],
    ["America/Santiago", "2026-04-04T23:30", "2026-04-05T02:30:00.000Z"],
    ["Africa/Cairo", "2026-04-24T00:00", "2026-04-23T22:00:00.000Z"],
    ["Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:30:00.000Z"],
    ["Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45:00.000Z"],
    ["Asia/Kathmandu", "2026-11-01T01:30", "2026-10-31T19:45:00.000Z"],
  ] as const) {
    setZone(zone);
    expect(momentOf(text), `${text} in ${zone}`).toBe(want);
  }
  setZone("America/Santiago");
  const day = new Date("2026-09-06T12:00:00Z");
  expect(dayKey(midnight(day)), "a day begins on that day").toBe("2026-09-06");
  setZone("Europe/Berlin");
  const marks = ticks(Date.parse("2026-03-28T23:30:00Z"), Date.parse("2026-03-29T02:30:00Z"));
  expect(marks.map((at) => tickText(at, "en-GB"))).toEqual([
    "00:30",
    "01:00",
    "01:30",
    "03:00",
    "03:30",
    "04:00",
    "04:30",
  ]);
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

test("an input that nobody changed holds the moment with which it began", () => {
  setZone("Europe/Berlin");
  for (const began of ["2026-10-25T00:30:00.000Z", "2026-10-25T01:30:00.000Z", "2026-11-25T10:00:30.250Z"]) {
    expect(momentOf(localInput(new Date(began)), began)).toBe(began);
    expect(momentOf(localInput(new Date(began), "second"), began, "second")).toBe(began);
  }
  expect(momentOf("2026-11-25T11:00", "2026-11-25T10:00:30Z", "second"), "the seconds were taken away").toBe(
    "2026-11-25T10:00:00.000Z",
  );
  // Once it was changed it holds what it shows; of two equal hours the first.
  expect(momentOf("2026-10-25T02:31", "2026-10-25T01:30:00Z")).toBe("2026-10-25T00:31:00.000Z");
  expect(momentOf("", "2026-10-25T01:30:00Z")).toBeUndefined();
});

test("today ends with the day of the zone", () => {
  setZone("Europe/Berlin");
  const now = Date.parse("2026-11-28T22:59:00Z"); // 23:59
  expect(isToday(new Date("2026-11-27T23:00:00Z"), now)).toBe(true);
  expect(isToday(new Date("2026-11-27T22:59:00Z"), now)).toBe(false);
});
