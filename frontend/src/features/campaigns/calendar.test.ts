import { expect, test } from "vitest";
import { setZone } from "../../lib/zone";
import { byDay, daysOf, firstDayOf, monthOf, monthsLater } from "./calendar";

test("a month is shown in whole weeks", () => {
  const december = daysOf("2026-12", 1); // which begins on a Tuesday
  expect(december[0]).toBe("2026-11-30");
  expect(december.at(-1)).toBe("2027-01-03");
  expect(december).toHaveLength(35);
  expect(daysOf("2026-12", 7)[0]).toBe("2026-11-29");
  expect(daysOf("2027-02", 1)).toHaveLength(28); // begins on a Monday and has four weeks
  expect(daysOf("2026-03", 1)).toContain("2026-03-29"); // the clocks change
  for (let month = "2024-01"; month < "2029-01"; month = monthsLater(month, 1))
    for (const first of [1, 6, 7]) {
      const days = daysOf(month, first);
      expect(days.length % 7).toBe(0);
      expect(new Set(days).size).toBe(days.length);
      expect(days.filter((d) => d.startsWith(month)).length).toBeGreaterThanOrEqual(28);
    }
});

test("a month is named by the address, else it is this one", () => {
  const now = Date.parse("2026-11-26T12:00:00Z");
  expect(monthOf("2027-02", now)).toBe("2027-02");
  for (const text of [undefined, "", "2027-13", "2027-2", "soon", "0001-01"])
    expect(monthOf(text, now)).toBe("2026-11");
  expect(monthsLater("2026-12", 1)).toBe("2027-01");
  expect(monthsLater("2027-01", -1)).toBe("2026-12");
});

test("weeks begin as they do where the language is spoken", () => {
  expect(firstDayOf("de-DE")).toBe(1);
  expect(firstDayOf("en-US")).toBe(7);
});

test("a start stands on its day, a local one on that of its recipients", () => {
  setZone("Europe/Berlin");
  const late = { at: "2026-12-01T23:30:00Z" }; // 00:30 on the 2nd
  const early = { at: "2026-12-02T05:00:00Z" };
  const local = { at: "2026-11-30T20:00:00Z", local: { date: "2026-12-02", time: "05:30" } };
  const days = byDay([early, local, late]);
  expect([...days.keys()]).toEqual(["2026-12-02"]);
  expect(days.get("2026-12-02")).toEqual([late, local, early]);
});
