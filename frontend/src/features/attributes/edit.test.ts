import { expect, test } from "vitest";
import { changesOf, type Edited, editedOf, keyFor } from "./edit";

const known = [
  { key: "points", name: "Loyalty points", type: "NUMBER" as const },
  { key: "birthday", name: "Birthday", type: "DATE" as const },
  { key: "address.zip", name: "Postcode", type: "TEXT" as const },
];
const before = {
  points: 1200,
  birthday: "1990-05-01",
  address: { zip: "10115", street: "Invalidenstr." },
  tags: ["vip"],
  orders: [{ id: 1 }],
  news: true,
  note: "",
};

test("values are edited by the names of their attributes, as what they hold", () => {
  expect(editedOf(before, known).map((a) => [a.name, a.type, a.fixed ?? false])).toEqual([
    ["address.street", "TEXT", false],
    ["Birthday", "DATE", false],
    ["Loyalty points", "NUMBER", false],
    ["news", "BOOLEAN", false],
    ["orders", "LIST", true],
    ["Postcode", "TEXT", false],
    ["tags", "LIST", false],
  ]);
  expect(editedOf({ birthday: "in May" }, known)[0]?.type, "what does not fit is edited as text").toBe("TEXT");
});

test("only what differs is sent, and what was taken away or emptied as null", () => {
  const first = editedOf(before, known);
  expect(changesOf(before, first, first)).toEqual({});
  const set = (key: string, value: unknown) => first.map((a): Edited => (a.key === key ? { ...a, value } : a));
  expect(changesOf(before, first, set("points", 5))).toEqual({ points: 5 });
  expect(changesOf(before, first, set("address.zip", "10117"))).toEqual({
    address: { zip: "10117", street: "Invalidenstr." },
  });
  expect(changesOf(before, first, set("tags", []))).toEqual({ tags: null });
  const without = first.filter((a) => !a.key.startsWith("address.") && a.key !== "orders");
  expect(changesOf(before, first, without)).toEqual({ address: null, orders: null });
  const added = [...first, { key: "city", name: "City", type: "TEXT" as const, value: "Berlin" }];
  expect(changesOf(before, first, added)).toEqual({ city: "Berlin" });
});

test("a new attribute has a key that segments and templates can name", () => {
  expect(["Loyalty points", "  Größe (EU) ", "città", "!?"].map(keyFor)).toEqual([
    "loyalty_points",
    "große_eu",
    "citta",
    "",
  ]);
});
