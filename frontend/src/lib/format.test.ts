import { expect, test } from "vitest";
import {
  ago,
  country,
  date,
  decisionText,
  duration,
  flag,
  fromNow,
  holdText,
  hours,
  languageName,
  moneyIn,
  sentence,
  skipText,
  untilText,
  waitText,
  words,
  zoneText,
} from "./format";

test("durations", () => {
  expect([-1, 0, 0.7, 1.4, 59.4, 59.6, 60, 101, 3599, 3600, 5400, 86_380, 259_200].map(duration)).toEqual([
    "less than 1 s",
    "less than 1 s",
    "less than 1 s",
    "1 s",
    "59 s",
    "1 min",
    "1 min",
    "1 min 41 s",
    "59 min 59 s",
    "1 h",
    "1 h 30 min",
    "24 h",
    "3 days",
  ]);
});

test("reasons are put in words, also those that came later", () => {
  expect(skipText("not_subscribed")).toBe("Not subscribed to the topic");
  expect(skipText("something_new")).toBe("Something new");
  expect(waitText("us_federal_hours")).toBe("Hours by law: Us federal hours");
  expect(holdText("redeliver")).toBe("the attempt before failed");
  expect(holdText("us_federal_hours")).toBe("hours by law: Us federal hours");
  expect(words("opted_in")).toBe("Opted in");
  expect(words("OPT_IN_QUESTION")).toBe("Opt-in question");
});

test("amounts of a column have as many digits, and a day is the same in every zone", () => {
  const usd = (amount: string) => ({ amount, currency: "USD" });
  const small = ["0.98", "0.4650", "0.6"].map(usd);
  expect(small.map(moneyIn(small))).toEqual(["$0.980", "$0.465", "$0.600"]);
  const large = ["1.2345", "12"].map(usd);
  expect(large.map(moneyIn(large)), "cents are enough above one").toEqual(["$1.23", "$12.00"]);
  expect([usd("0.123456789")].map(moneyIn([usd("0.123456789")]))).toEqual(["$0.123457"]);
  expect(date("2026-11-26")).toBe("Nov 26, 2026");
});

test("an error is a sentence", () => {
  expect(sentence("the database did not answer")).toBe("The database did not answer.");
  expect(sentence("Try again later. ")).toBe("Try again later.");
});

test("marks say until when, to the minute when they end soon", () => {
  const now = new Date(2026, 10, 25, 12, 0).getTime();
  const later = (hours: number) => new Date(now + hours * 3_600_000).toISOString();
  expect(untilText(later(30 * 24), now)).toBe("until Dec 25, 2026");
  expect(untilText(later(3), now)).toMatch(/^until Nov 25, 2026, 3:00.PM$/);
  expect(untilText(null, now)).toBe("for now");
});

test("hours are days where they are whole ones, and a moment is told from now", () => {
  expect([1, 5, 24, 36, 72].map(hours)).toEqual(["1 hour", "5 hours", "1 day", "36 hours", "3 days"]);
  const now = new Date(2026, 10, 25, 12, 0).getTime();
  const at = (minutes: number) => fromNow(new Date(now + minutes * 60_000).toISOString(), now);
  expect([20, -1, 90, 47 * 60, 72 * 60, -10 * 24 * 60].map(at)).toEqual([
    "in 20 minutes",
    "1 minute ago",
    "in 2 hours",
    "in 47 hours",
    "in 3 days",
    "10 days ago",
  ]);
});

test("a decision names its purpose where it is not marketing", () => {
  expect(decisionText("OPTED_IN", undefined)).toBe("Opted in");
  expect(decisionText("OPTED_IN", "MARKETING")).toBe("Opted in");
  expect(decisionText("OPTED_OUT", "UTILITY")).toBe("Opted out of utility messages");
});

test("how long ago something was, as short as a list needs it", () => {
  const now = new Date(2026, 10, 25, 12, 0).getTime();
  const at = (hours: number) => ago(new Date(now - hours * 3_600_000).toISOString(), now);
  expect([0, 0.1, 1.5, 13, 30, 37, 24 * 400].map(at)).toEqual([
    "just now",
    "6 min ago",
    "1 h ago",
    "13 h ago",
    "yesterday",
    "Nov 23",
    "Oct 21, 2025",
  ]);
  expect(at(-2)).toMatch(/^Nov 25, 2026, 2:00.PM$/);
});

test("countries have a flag and a name, and what is none has neither", () => {
  expect([flag("DE"), country("DE"), flag(""), country(""), flag("ZZ"), flag("001")]).toEqual([
    "🇩🇪",
    "Germany",
    "",
    "",
    "",
    "",
  ]);
});

test("languages have names", () => {
  expect(["pt-BR", "pt_BR", "de", "", "not a tag"].map(languageName)).toEqual([
    "Brazilian Portuguese",
    "Brazilian Portuguese",
    "German",
    "",
    "not a tag",
  ]);
});

test("a time zone has its place's name of today", () => {
  expect(zoneText("America/Sao_Paulo")).toBe("America/Sao Paulo");
  expect(zoneText("Asia/Calcutta")).toBe("Asia/Kolkata");
  expect(zoneText("Asia/Saigon")).toBe("Asia/Ho Chi Minh");
});
