import { expect, test } from "vitest";
import { firstLayout, layoutOf, valueAt, withColumn } from "./columns";

test("a layout that is kept is read, and what is none is as if nothing was kept", () => {
  expect(layoutOf(null)).toBe(firstLayout);
  for (const broken of ["{", "[]", '{"columns":3}']) expect(layoutOf(broken)).toBe(firstLayout);
  const kept = { columns: ["locale", "attributes.city", "gone", 7, "locale"], density: "compact" };
  expect(layoutOf(JSON.stringify(kept))).toEqual({ columns: ["locale", "attributes.city"], density: "compact" });
});

test("columns of all contacts stand in one order, attributes behind them as they were chosen", () => {
  let columns = withColumn([], "attributes.size", true);
  columns = withColumn(columns, "createdAt", true);
  columns = withColumn(columns, "attributes.city", true);
  columns = withColumn(columns, "number", true);
  expect(columns).toEqual(["number", "createdAt", "attributes.size", "attributes.city"]);
  expect(withColumn(columns, "createdAt", false)).toEqual(["number", "attributes.size", "attributes.city"]);
});

test("a value is found by its path, also where a key has a dot", () => {
  const attributes = { city: "Berlin", "a.b": 1, address: { zip: "10115" }, tags: ["vip"] };
  expect(["city", "a.b", "address.zip", "address.zip.x", "none"].map((p) => valueAt(attributes, p))).toEqual([
    "Berlin",
    1,
    "10115",
    undefined,
    undefined,
  ]);
});
