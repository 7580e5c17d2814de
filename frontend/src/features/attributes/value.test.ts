import { expect, test } from "vitest";
import type { AttributeType } from "../../gql/graphql";
import { flatten, misfits, namedAttributes, samplesText, share, show } from "./value";

test.each<[unknown, AttributeType | undefined, string | string[]]>([
  [1234.5, "NUMBER", "1,234.5"],
  ["1234", "NUMBER", "1,234"],
  ["0049", "TEXT", "0049"],
  [20260101, "TEXT", "20260101"],
  ["n/a", "NUMBER", "n/a"],
  ["2026-12-24", "DATE", "Dec 24, 2026"],
  ["2026-13-99", "DATE", "2026-13-99"],
  [true, "BOOLEAN", "Yes"],
  ["no", "BOOLEAN", "No"],
  [false, undefined, "No"],
  [["newsletter", "vip"], "LIST", ["newsletter", "vip"]],
  ["a, b,,c", "LIST", ["a", "b", "c"]],
  [[1, true, { x: 1 }], undefined, ["1", "Yes", '{"x":1}']],
  [null, "TEXT", "–"],
  ["", "LIST", "–"],
])("a value is shown by its type: %j as %s", (value, type, shown) => expect(show(value, type)).toEqual(shown));

test("objects are told by their parts, with the paths that segments use", () => {
  expect(flatten({ city: "Paris", address: { zip: "75001", geo: { lat: 1 } }, tags: ["a"] })).toEqual([
    { key: "city", value: "Paris" },
    { key: "address.zip", value: "75001" },
    { key: "address.geo.lat", value: 1 },
    { key: "tags", value: ["a"] },
  ]);
});

test("a contact's attributes are told by their names, without what is empty", () => {
  const known = [{ key: "loyalty_points", name: "Points", type: "NUMBER" as const }];
  const rows = namedAttributes({ zip: "1", loyalty_points: 12, tags: ["a"], note: null, text: "", list: [] }, known);
  expect(rows).toEqual([
    { key: "loyalty_points", name: "Points", type: "NUMBER", value: 12 },
    { key: "zip", name: "zip", type: undefined, value: "1" },
  ]);
});

test("shares are whole, and few are not none", () => {
  expect([1, 0.867, 0.004, 0].map(share)).toEqual(["100%", "87%", "<1%", "0%"]);
});

test("values of another type than the declared one are told", () => {
  expect(misfits("NUMBER", ["number", "string", "null"])).toEqual(["text"]);
  expect(misfits("TEXT", ["string", "date"])).toEqual([]); // a date is a text, too
  expect(samplesText(["103", "1070", "131", "9"], "NUMBER")).toBe("103 · 1,070 · 131");
});
