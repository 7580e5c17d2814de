import { expect, test } from "vitest";
import { duration, skipText, waitText, words } from "./format";

test("durations", () => {
  expect([0, 59.4, 60, 101, 3599, 3600, 86_380].map(duration)).toEqual([
    "0 s",
    "59 s",
    "1 min 0 s",
    "1 min 41 s",
    "59 min 59 s",
    "1 h 0 min",
    "24 h 0 min",
  ]);
});

test("reasons are told in words, also those that came later", () => {
  expect(skipText("not_subscribed")).toBe("Not subscribed to the topic");
  expect(skipText("something_new")).toBe("Something new");
  expect(waitText("us_federal_hours")).toBe("Hours by law: Us federal hours");
  expect(words("opted_in")).toBe("Opted in");
});
