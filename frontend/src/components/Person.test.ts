import { expect, test } from "vitest";
import { nameOf, numberOf } from "./Person";

test("people have one name on every page, and an erased one has none left", () => {
  const known = { name: "Ada", displayAddress: "+49 1511 2345678" };
  expect([nameOf(known), numberOf(known)]).toEqual(["Ada", "+49 1511 2345678"]);
  const number = { name: "", displayAddress: "+49 1511 2345678" };
  expect([nameOf(number), numberOf(number)]).toEqual(["+49 1511 2345678", ""]);
  const erased = { name: "", displayAddress: "erased:4689" };
  expect([nameOf(erased), numberOf(erased)]).toEqual(["Erased contact", ""]);
});

test("no page names people in a way of its own", () => {
  const sources = import.meta.glob<string>("../**/*.tsx", { query: "?raw", import: "default", eager: true });
  const own = Object.entries(sources).filter(
    ([path, text]) => path !== "./Person.tsx" && /name \|\| [\w.?]*(address|displayAddress)\b/.test(text),
  );
  expect(own.map(([path]) => path)).toEqual([]);
});
