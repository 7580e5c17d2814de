import { expect, test } from "vitest";
import { capText, planText, quietText, sendersText } from "./schedule";

const weekly = {
  frequency: "WEEKLY",
  time: "09:00",
  zone: "Europe/Berlin",
  local: false,
  dayOfMonth: null,
  until: null,
} as const;

test("a plan reads as a sentence", () => {
  expect(planText({ recurrence: { ...weekly, days: ["THU", "MON"], runs: 4 } })).toMatch(
    /^every Mon and Thu at 9:00\sAM, Europe\/Berlin, 4 times$/,
  );
  expect(planText({ recurrence: { ...weekly, days: ["SUN"], runs: null } })).toMatch(
    /^every Sun at 9:00\sAM, Europe\/Berlin$/,
  );
  expect(planText({ recurrence: { ...weekly, frequency: "DAILY", days: [], runs: null } })).toMatch(
    /^every day at 9:00\sAM, Europe\/Berlin$/,
  );
  expect(planText({ recurrence: { ...weekly, frequency: "MONTHLY", days: [], dayOfMonth: 31, runs: null } })).toMatch(
    /^every month on day 31 at 9:00\sAM, Europe\/Berlin$/,
  );
  expect(planText({ at: "2026-11-24T12:00:00Z" })).toContain("once, Nov 24, 2026");
  expect(planText({ local: { date: "2026-12-01", time: "10:00" } })).toMatch(
    /^once, Dec 1, 2026, 10:00\sAM, each recipient's time$/,
  );
  expect(planText({ recurrence: { ...weekly, local: true, days: ["SUN"], runs: null } })).toMatch(
    /^every Sun at 9:00\sAM, each recipient's time$/,
  );
});

test("senders, quiet hours and a cap read as on every page", () => {
  const sender = (displayName: string) => ({ __typename: "Sender" as const, id: displayName, displayName });
  const of = (name: string, weight: number) => ({
    __typename: "CampaignSender" as const,
    weight,
    sender: sender(name),
  });
  expect(sendersText([])).toBe("");
  expect(sendersText([of("Shop", 1)])).toBe("Shop");
  expect(sendersText([of("Shop", 2), of("Service", 1)])).toBe("Shop (2), Service (1)");
  expect(quietText({ start: "21:00", end: "08:00" })).toMatch(/^9:00\sPM to 8:00\sAM, each recipient's time$/);
  expect(quietText({ start: "21:00", end: "08:00", zone: "Europe/Berlin" })).toMatch(
    /^9:00\sPM to 8:00\sAM, Europe\/Berlin$/,
  );
  expect(capText({ messages: 3, days: 7 })).toBe("At most 3 messages per contact in 7 days");
  expect(capText({ messages: 1, days: 1 })).toBe("At most 1 message per contact in 1 day");
});
