import { expect, test } from "vitest";
import {
  experimentInput,
  experimentOf,
  firstTest,
  newVariant,
  noExperiment,
  partsOf,
  testText,
  variantsComplete,
  withSenders,
} from "./experiment";

const two = [
  { templateId: "a", weight: 1, senderId: null },
  { templateId: "b", weight: 3, senderId: "s" },
];

test("a campaign of one wording names its template, and loses the variants that it had", () => {
  expect(experimentInput(noExperiment, "t")).toEqual({ templateId: "t", holdoutPercent: 0, goals: [] });
  expect(experimentInput(noExperiment, null)).toMatchObject({ templateId: null, variants: [] });
});

test("variants are saved when each has its template, and until then what was saved stays", () => {
  const half = { ...noExperiment, variants: [...two, newVariant()] };
  expect(variantsComplete(half)).toBe(false);
  expect(experimentInput(half, "t")).toEqual({ holdoutPercent: 0, goals: [] });
  const whole = experimentInput({ ...noExperiment, variants: two }, "t");
  expect(whole).not.toHaveProperty("templateId");
  expect(whole.variants).toEqual(two);
  expect(whole.variantTest, "nobody waits").toEqual({
    percent: 100,
    metric: "READ",
    afterMinutes: null,
    whenSure: false,
  });
});

test("when the rest gets the best goes with it only where there is a rest", () => {
  const input = (hours: number | string, whenSure = true) =>
    experimentInput({ ...noExperiment, variants: two, test: { ...firstTest, percent: 20, hours, whenSure } }, null)
      .variantTest;
  expect(input(4)).toMatchObject({ percent: 20, afterMinutes: 240, whenSure: true });
  expect(input(0.5, false)).toMatchObject({ afterMinutes: 30, whenSure: false });
  expect(input("")).toMatchObject({ afterMinutes: null, whenSure: true });
});

test("what is saved comes back as it was, goals in their order", () => {
  const value = { __typename: "Money" as const, amount: "12.50", currency: "USD" };
  const c = {
    variants: two.map((v, i) => ({
      label: "AB"[i],
      weight: v.weight,
      template: { id: v.templateId },
      sender: v.senderId && { id: v.senderId },
    })),
    variantTest: { percent: 20, metric: "GOAL", afterMinutes: 90, whenSure: false },
    holdoutPercent: 10,
    goals: [
      { event: "REPLY", withinHours: 48, value: null },
      { event: "CLICK", withinHours: 24, value },
    ],
  };
  const e = experimentOf(c as never);
  expect(e).toEqual({
    variants: two,
    test: { percent: 20, metric: "GOAL", hours: 1.5, whenSure: false },
    holdout: 10,
    goals: [
      { event: "REPLY", hours: 48, value: "" },
      { event: "CLICK", hours: 24, value: "12.50" },
    ],
  });
  expect(experimentInput(e, null)).toEqual({
    variants: two,
    variantTest: c.variantTest,
    holdoutPercent: 10,
    goals: [
      { event: "REPLY", withinHours: 48, value: null },
      { event: "CLICK", withinHours: 24, value: "12.50" },
    ],
  });
});

test("a variant whose sender leaves the campaign has all that are left", () => {
  expect(withSenders(two, ["s", "t"])).toEqual(two);
  expect(withSenders(two, ["t"]).map((v) => v.senderId)).toEqual([null, null]);
});

test("parts follow the weights", () => {
  expect(partsOf(two)).toEqual([0.25, 0.75]);
  expect(partsOf([])).toEqual([]);
});

test("a test is told in one line", () => {
  const of = (changed: object) =>
    testText({ percent: 20, metric: "READ", afterMinutes: null, whenSure: false, ...changed } as never);
  expect(of({ percent: 100 })).toBe("With all of the audience, by “Read”");
  expect(of({})).toBe("With 20% of the audience, by “Read”; you choose what goes to the rest");
  expect(of({ afterMinutes: 240 })).toContain("after 4 hours");
  expect(of({ afterMinutes: 30, whenSure: true })).toContain("as soon as it is certain, or after 30 minutes");
});
