import { expect, test } from "vitest";
import { hasOpposite, type Key, opsOf, sentence, startValue, typeOf } from "./query";

const keys = [
  { key: "city", name: "City", type: "TEXT", samples: ["Paris"] },
  { key: "points", name: "Loyalty points", type: "NUMBER", samples: ["3"] },
] satisfies Key[];

test("a query reads as a sentence", () => {
  expect(
    sentence(
      {
        all: [
          { field: "attributes.city", op: "eq", value: "Paris" },
          {
            any: [
              { field: "attributes.plan", op: "in", value: ["pro", "free"] },
              { field: "name", op: "exists" },
            ],
          },
        ],
      },
      keys,
    ),
  ).toBe("City is “Paris” and (plan is one of pro, free or Name is known)");
  expect(sentence({ field: "attributes.points", op: "gte", value: 3 }, keys)).toBe("Loyalty points is at least 3");
  expect(sentence({ field: "attributes.points", op: "gte", value: 1234.75 }, keys)).toBe(
    "Loyalty points is at least 1,234.75",
  );
  expect(sentence({ field: "consent_status", op: "eq", value: "opted_in" }, keys)).toBe("Consent is opted in");
  expect(sentence({ field: "reachable", op: "eq", value: true }, keys)).toBe("Reachable is yes");
  expect(sentence({ field: "region", op: "in", value: ["DE", "fr"] }, keys)).toBe("Country is one of Germany, France");
  expect(sentence({ field: "last_inbound_at", op: "within_last", value: "30d" }, keys)).toBe(
    "Last wrote is within the last 30 days",
  );
  expect(sentence({ event: "read", within_last: "12h" }, keys)).toBe("read a message in the last 12 hours");
  expect(sentence({ field: "name", op: "eq", value: "" }, keys)).toBe("Name is …");
  expect(sentence({ all: [] }, keys)).toBe("everybody");
});

test("what another comparison says needs no not", () => {
  expect(hasOpposite({ field: "name", op: "ne", value: "x" })).toBe(true);
  expect(hasOpposite({ field: "name", op: "contains", value: "x" })).toBe(false);
  expect(hasOpposite({ field: "attributes.points", op: "lt", value: 3 })).toBe(false); // who has no points is in neither
  expect(hasOpposite({ event: "read" })).toBe(false);
});

test("an attribute takes the comparisons of what it holds", () => {
  expect(typeOf("attributes.points", keys)).toBe("number");
  expect(opsOf("attributes.points", keys)).toContain("gte");
  expect(opsOf("attributes.city", keys)).not.toContain("gte");
  expect(startValue("number", "eq")).toBe(0);
  expect(startValue("text", "exists")).toBeUndefined();
});
