import { expect, test } from "vitest";
import { ticks, tickText } from "./axis";

const at = (s: string) => new Date(s).getTime(); // without a zone: the browser's own
const shown = (from: string, to: string) => ticks(at(from), at(to)).map((t) => tickText(t, "en-GB"));

test("marks stand at round times, the same distance apart", () => {
  expect(shown("2026-11-24T09:07:13", "2026-11-24T09:31:00")).toEqual(["09:10", "09:15", "09:20", "09:25", "09:30"]);
  expect(shown("2026-11-24T09:07:13", "2026-11-24T12:40:00")).toEqual(["10:00", "11:00", "12:00"]);
});

test("days begin at midnight and are named", () => {
  expect(shown("2026-11-23T18:30:00", "2026-11-24T18:00:00")).toEqual(["Tue 24 Nov", "06:00", "12:00", "18:00"]);
  expect(shown("2026-11-20T18:30:00", "2026-11-24T18:00:00")).toEqual([
    "Sat 21 Nov",
    "Sun 22 Nov",
    "Mon 23 Nov",
    "Tue 24 Nov",
  ]);
});

test("there are never more marks than asked for, whatever the span", () => {
  for (let span = 1000; span < 4e11; span *= 1.7) {
    const n = ticks(at("2026-03-27T21:13:07"), at("2026-03-27T21:13:07") + span).length;
    expect(n, `${span} ms`).toBeLessThanOrEqual(7);
  }
});
