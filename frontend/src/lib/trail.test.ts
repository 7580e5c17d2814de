// @vitest-environment node
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { actionText, actionTexts } from "./actions";
import { moment, spanOfClock, timeOfClock } from "./format";
import {
  about,
  actionChoices,
  fieldTexts,
  type Meanings,
  machines,
  changeLines as parted,
  type Told,
  thingTexts,
} from "./trail";
import { setZone } from "./zone";

const read = (told: Told) => told.map((part) => (typeof part === "string" ? part : `<${part.text}>`)).join("");
/** The lines as somebody reads them, with things that have a page in angle brackets. */
const changeLines = (action: string, changes: unknown, meanings?: Meanings) =>
  parted(action, changes, meanings).map(({ name, before, after }) =>
    before ? { name, before: read(before), after: read(after) } : { name, after: read(after) },
  );

const server = (file: string) => readFileSync(join(import.meta.dirname, "../../../server/audit", file), "utf8");
const actions = [...server("actions.go").matchAll(/= Action\{"([a-z_.]+)"\}/g)].map((m) => m[1] ?? "");
const fields = server("testdata/fields.txt").trim().split("\n");

test("every action of the server has its words, and there are none of others", () => {
  expect(actions.length).toBeGreaterThan(100);
  expect(Object.keys(actionTexts).sort()).toEqual(actions.sort());
});

test("every field that entries tell has a name, or is for machines alone", () => {
  expect(fields.length).toBeGreaterThan(100);
  expect(fields.filter((name) => !Object.hasOwn(fieldTexts, name) && !machines.has(name))).toEqual([]);
});

test("every action can be chosen, under what it is about", () => {
  const offered = actionChoices().flatMap((g) => g.items.map((i) => i.value));
  expect(offered.sort()).toEqual(actions.sort());
  const kinds = new Set(actions.filter((a) => !a.endsWith(".download")).map(about));
  expect([...kinds].sort(), "words for each kind of thing").toEqual(Object.keys(thingTexts).sort());
  expect(
    actionChoices()
      .find((g) => g.group === "Campaigns")
      ?.items.map((i) => i.label),
  ).toContain("Launched the campaign");
  expect(actionChoices().find((g) => g.group === "Downloads")?.items.length).toBeGreaterThan(4);
});

test("an action that a newer server has is readable", () => {
  expect(actionText("campaign.launch")).toBe("Launched the campaign");
  expect(actionText("campaign.teleport_twice")).toBe("Campaign teleport twice");
});

test("changes are told as fields with what they were and are", () => {
  setZone("Europe/Berlin");
  expect(moment("2026-12-01T10:00:00Z")).toContain("11:00");
  expect(
    changeLines("campaign.update", {
      name: { from: "Spring", to: "Summer" },
      rate: { from: null, to: 2000 },
      ends_at: { from: null, to: "2026-12-01T10:00:00Z" },
      budget: { from: "100.00 EUR", to: "1250.50 EUR" },
      error_threshold: { from: 0.1, to: 0.05 },
      holdout_percent: { from: 0, to: 10 },
      track_links: { from: false, to: true },
      template: { from: 3, to: 4 },
      query: { from: null, to: { op: "is" } },
      quiet_hours: { from: null, to: { start: "21:00", end: "08:00", days: ["mon", "sun"] } },
    }),
  ).toEqual([
    { name: "Name", before: "Spring", after: "Summer" },
    { name: "Messages per second", before: "not set", after: "2,000" },
    { name: "Ends at", before: "not set", after: moment("2026-12-01T10:00:00Z") },
    { name: "Budget", before: "€100.00", after: "€1,250.50" },
    { name: "Auto-pause above failure rate", before: "10%", after: "5%" },
    { name: "Holdout", before: "0%", after: "10%" },
    { name: "Track clicks", before: "no", after: "yes" },
    { name: "Template", before: "No. 3", after: "No. 4" },
    { name: "Conditions", after: "set" },
    {
      name: "Quiet hours",
      before: "not set",
      after: `${spanOfClock("21:00", "08:00")}, and messages only on Mon and Sun`,
    },
  ]);
});

test("a schedule and quiet hours are told as people say them", () => {
  setZone("Europe/Berlin");
  const half = timeOfClock("10:30");
  const recurs = (to: object, from: unknown = null) =>
    changeLines("campaign.schedule", { schedule: { from, to: { recurrence: to } } })[0];
  const weekly = { days: ["thu", "mon"], time: "10:30", zone: "Europe/Berlin", frequency: "weekly" };
  expect(recurs({ ...weekly, zone: "America/New_York", runs: 4 }, { recurrence: weekly })).toEqual({
    name: "Schedule",
    before: `Weekly, Mon and Thu, ${half} (Europe/Berlin)`,
    after: `Weekly, Mon and Thu, ${half} (America/New York), 4 times`,
  });
  expect(
    recurs({ time: "10:30", zone: "", local: true, frequency: "daily", until: "2026-12-01T10:00:00Z" })?.after,
  ).toBe(`Daily, ${half} (each recipient's time), until ${moment("2026-12-01T10:00:00Z")}`);
  expect(recurs({ time: "10:30", zone: "UTC", frequency: "monthly", dayOfMonth: 31 })?.after).toBe(
    `Monthly, day 31, ${half} (UTC)`,
  );
  const once = (to: object) => changeLines("campaign.schedule", { schedule: { from: null, to } })[0]?.after;
  expect(once({ at: "2026-12-01T10:00:00Z" })).toBe(moment("2026-12-01T10:00:00Z"));
  expect(once({ local: { date: "2026-12-01", time: "10:30" } })).toBe(`Dec 1, 2026, ${half} (each recipient's time)`);
  const [quiet] = changeLines("settings.update", {
    default_quiet_hours: { from: { end: "08:00", start: "21:00" }, to: { end: "09:00", zone: "UTC", start: "20:00" } },
  });
  expect(quiet?.before).toMatch(/^9:00.PM to 8:00.AM$/);
  expect(quiet?.after).toMatch(/^8:00.PM to 9:00.AM \(UTC\)$/);
});

test("a move tells the status, and its reason as it was given", () => {
  expect(
    changeLines("campaign.pause", { from: "sending", to: "paused", reason: "More than 5% of them failed: look first" }),
  ).toEqual([
    { name: "Status", before: "Sending", after: "Paused" },
    { name: "Reason", after: "More than 5% of them failed: look first" },
  ]);
});

test("a batch tells what became of its messages, and keeps hashes for machines", () => {
  expect(
    changeLines("campaign.batch", {
      decisions: { accepted: 1200, "skipped:opted_out": 3 },
      first: 7,
      last: 9,
      root: "x",
    }),
  ).toEqual([
    { name: "What became of them", after: "Accepted: 1,200, Opted out: 3" },
    { name: "First message", after: "No. 7" },
    { name: "Last one", after: "No. 9" },
  ]);
});

test("settings, attributes and names of fields are told by their names", () => {
  expect(
    changeLines("settings.update", { monthly_budget: { from: null, to: { limit: 12_500_000, currency: "EUR" } } }),
  ).toEqual([{ name: "Monthly budget", before: "not set", after: "€12.50" }]);
  expect(changeLines("retention.update", { clicks: { from: null, to: 90 } })).toEqual([
    { name: "Keep clicks", before: "permanently", after: "90 days" },
  ]);
  expect(changeLines("attribute.update", { "city.name": { from: "", to: "City" } })).toEqual([
    { name: "Name of “city”", before: "not set", after: "City" },
  ]);
  expect(changeLines("contact.update", { fields: ["attributes.city", "timeZone"] })).toEqual([
    { name: "Changed", after: "“city” and Time zone" },
  ]);
  expect(changeLines("campaign.create", null)).toEqual([]);
});

test("things are told by what they are called now, and what is gone is said to be", () => {
  const of = (field: string, number: number, name: string | null, gone = false) => ({
    field,
    number,
    entity: field === "SenderID" ? "sender" : field,
    id: `${field}${number}`,
    name,
    gone,
  });
  const meanings = {
    references: [
      of("template", 3, "Spring offer"),
      of("template", 4, "Summer offer"),
      of("segment", 1, null, true),
      of("topic", 2, "News", true),
      of("SenderID", 5, "Shop"),
      of("message", 8, "Ana"),
      { ...of("messages", 9, "Ben"), entity: "message" },
    ],
    sentences: [{ recorded: "2 of 3 failed", text: "2 von 3 schlugen fehl" }],
  };
  expect(
    changeLines(
      "campaign.update",
      {
        template: { from: 3, to: 4 },
        segment: { from: 1, to: null },
        topic: 2,
        senders: { from: [], to: [{ SenderID: 5, Weight: 1 }] },
        message: 8,
        reason: "2 of 3 failed",
      },
      meanings,
    ),
  ).toEqual([
    { name: "Template", before: "<Spring offer>", after: "<Summer offer>" },
    { name: "Segment", before: "<deleted segment No. 1>", after: "not set" },
    { name: "Topic", after: "<News (deleted)>" },
    { name: "Senders", before: "not set", after: "Sender: <Shop>, Weight: 1" },
    { name: "Message", after: "<Ana>" },
    { name: "Reason", after: "2 von 3 schlugen fehl" },
  ]);
  expect(changeLines("message.resolve", { messages: [9, 10] }, meanings)).toEqual([
    { name: "Messages", after: "<Ben> and No. 10" },
  ]);
  expect(changeLines("demo.seed", { messages: 1200 })).toEqual([{ name: "Messages", after: "1,200" }]);
});

test("what is too long to read is cut, and no name in two", () => {
  const messages = Array.from({ length: 20 }, (_, i) => i);
  const references = messages.map((number) => ({
    field: "messages",
    entity: "message",
    number,
    name: "Somebody with a name",
    gone: false,
  }));
  const [line] = parted("message.resolve", { messages }, { references, sentences: [] });
  expect(read(line?.after ?? [])).toMatch(/^(<Somebody with a name>, )+…?<?/);
  expect(read(line?.after ?? []).length).toBeLessThan(240);
});

test("what is new tells what it is, and nothing of before", () => {
  expect(
    changeLines("campaign.create", {
      name: { from: null, to: "Summer" },
      approval: { from: null, to: "" },
      query: { from: null, to: { op: "is" } },
      pilot: { from: null, to: 0 },
    }),
  ).toEqual([
    { name: "Name", after: "Summer" },
    { name: "Conditions", after: "set" },
    { name: "Recipients of the pilot", after: "0" },
  ]);
});
