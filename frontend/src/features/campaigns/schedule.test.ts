import { expect, test } from "vitest";
import { planText } from "./schedule";

const weekly = { frequency: "WEEKLY", time: "09:00", zone: "Europe/Berlin", dayOfMonth: null, until: null } as const;

test("a plan reads as a sentence", () => {
  expect(planText({ recurrence: { ...weekly, days: ["THU", "MON"], runs: 4 } })).toBe(
    "every Mon and Thu at 09:00, Europe/Berlin, 4 times",
  );
  expect(planText({ recurrence: { ...weekly, days: ["SUN"], runs: null } })).toBe("every Sun at 09:00, Europe/Berlin");
  expect(planText({ recurrence: { ...weekly, frequency: "DAILY", days: [], runs: null } })).toBe(
    "every day at 09:00, Europe/Berlin",
  );
  expect(planText({ recurrence: { ...weekly, frequency: "MONTHLY", days: [], dayOfMonth: 31, runs: null } })).toBe(
    "every month on the 31. at 09:00, Europe/Berlin",
  );
  expect(planText({ at: "2026-11-24T12:00:00Z" })).toContain("once, Nov 24, 2026");
});
