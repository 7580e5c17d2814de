// @vitest-environment node
import { expect, test } from "vitest";
import { pagesWith } from "./KeepUp";

test("the pages of the rows on the screen are found, and no others", () => {
  const pages = ["", "a", "b", "c"].map((cursor) => ({ cursor, rows: 25 }));
  expect(pagesWith(pages, 0, 0)).toEqual([""]);
  expect(pagesWith(pages, 24, 25)).toEqual(["", "a"]);
  expect(pagesWith(pages, 30, 49)).toEqual(["a"]);
  expect(pagesWith(pages, 40, 80)).toEqual(["a", "b", "c"]);
  expect(pagesWith(pages, 100, 120)).toEqual([]);
  expect(pagesWith([], 0, 10)).toEqual([]);
});
