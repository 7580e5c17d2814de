import { expect, test } from "vitest";
import { attributeRows } from "./attributes";

test("attributes have names and values for people", () => {
  const rows = attributeRows({
    loyalty_points: 12345,
    signedUp: "2026-11-01",
    interests: ["news", "shoes"],
    vip: true,
    address: { city: "Madrid", zip: "" },
    note: null,
    order: "2026-1",
  });
  expect(rows.map((r) => [r.label, ...r.values])).toEqual([
    ["Address: City", "Madrid"],
    ["Interests", "news", "shoes"],
    ["Loyalty points", "12,345"],
    ["Order", "2026-1"],
    ["Signed up", "Nov 1, 2026"],
    ["Vip", "Yes"],
  ]);
});
