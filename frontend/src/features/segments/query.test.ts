import { expect, test } from "vitest";
import { opsOf, sentence, startValue, typeOf } from "./query";

const keys = [
  { key: "city", types: ["string"], samples: ["Paris"] },
  { key: "points", types: ["number"], samples: ["3"] },
];

test("a query reads as a sentence", () => {
  expect(
    sentence({
      all: [
        { field: "attributes.city", op: "eq", value: "Paris" },
        {
          any: [
            { field: "attributes.plan", op: "in", value: ["pro", "free"] },
            { field: "name", op: "exists" },
          ],
        },
      ],
    }),
  ).toBe('city is "Paris" and (plan is one of pro, free or Name is known)');
  expect(sentence({ all: [] })).toBe("everybody");
});

test("an attribute takes the comparisons of what it holds", () => {
  expect(typeOf("attributes.points", keys)).toBe("number");
  expect(opsOf("attributes.points", keys)).toContain("gte");
  expect(opsOf("attributes.city", keys)).not.toContain("gte");
  expect(startValue("number", "eq")).toBe(0);
  expect(startValue("text", "exists")).toBeUndefined();
});
