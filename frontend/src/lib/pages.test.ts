import { act } from "react";
import { expect, test } from "vitest";
import { hook } from "./hook";
import { usePages } from "./pages";

const row = (id: string) => ({ id });

test("what was read stays while the next page comes, and stands once", () => {
  const h = hook((list: string) => usePages<{ id: string }>(list), "all");
  const first = h.now().with([row("a"), row("b")]);
  act(() => h.now().next("after b", first));
  expect(h.now().after).toBe("after b");
  expect(h.now().with(undefined)).toEqual([row("a"), row("b")]);
  expect(h.now().with([row("b"), row("c")])).toEqual([row("a"), row("b"), row("c")]);
  act(() => h.now().top());
  expect(h.now().after).toBeNull();
  expect(h.now().with([row("c")])).toEqual([row("c")]);
});

test("another list begins with its first page", () => {
  const h = hook((list: string) => usePages<{ id: string }>(list), "all");
  act(() => h.now().next("after a", [row("a")]));
  h.set("failed");
  expect(h.now().after).toBeNull();
  expect(h.now().with([row("b")])).toEqual([row("b")]);
  h.set("all");
  expect(h.now().after).toBeNull();
  expect(h.now().with([row("a")])).toEqual([row("a")]);
});
