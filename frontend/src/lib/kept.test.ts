import { act } from "react";
import { beforeEach, expect, test } from "vitest";
import { hook } from "./hook";
import { discardOf, forgetAll, useDraft, useKept } from "./kept";

beforeEach(() => sessionStorage.clear());

const kept = (key: string, initial = "") => {
  const h = hook(({ of, first }: { of: string; first: string }) => useKept(of, first), { of: key, first: initial });
  return {
    ...h,
    value: () => h.now()[0],
    write: (to: string | ((before: string) => string)) => act(() => h.now()[1](to)),
    forget: (shown: string) => act(() => h.now()[2](shown)),
  };
};

test("what somebody writes is there again when they come back", () => {
  const a = kept("reply:1", "start");
  expect(a.value()).toBe("start");
  a.write("Dear");
  a.write((before) => `${before} Ada`);
  expect(a.value()).toBe("Dear Ada");
  a.leave();
  expect(kept("reply:1", "start").value()).toBe("Dear Ada");
});

test("two changes in one go are both kept", () => {
  const a = kept("reply:1");
  act(() => {
    a.now()[1]((before) => `${before}a`);
    a.now()[1]((before) => `${before}b`);
  });
  expect(a.value()).toBe("ab");
});

test("another key shows what was kept of that one", () => {
  const a = kept("reply:1");
  a.write("for the first");
  a.set({ of: "reply:2", first: "" });
  expect(a.value()).toBe("");
  a.write("for the second");
  a.set({ of: "reply:1", first: "" });
  expect(a.value()).toBe("for the first");
});

test("what is saved or discarded is forgotten, and another value shown", () => {
  const a = kept("reply:1", "start");
  a.write("Dear Ada");
  a.forget("saved");
  expect(a.value()).toBe("saved");
  a.leave();
  expect(kept("reply:1", "start").value()).toBe("start");
});

test("signing out forgets everything of the forms, and nothing else", () => {
  kept("reply:1").write("Dear Ada");
  sessionStorage.setItem("other", "stays");
  forgetAll();
  expect(kept("reply:1").value()).toBe("");
  expect(sessionStorage.getItem("other")).toBe("stays");
});

test("what is kept of one thing is forgotten, and that of others stays", () => {
  kept("segment:1").write("mine");
  kept("segment:11").write("another");
  kept("reply:2").write("Dear Ada");
  discardOf("1");
  expect(kept("segment:1").value()).toBe("");
  expect(kept("segment:11").value()).toBe("another");
  expect(kept("reply:2").value()).toBe("Dear Ada");
});

test("what another version kept, and closed storage, are no obstacle", () => {
  sessionStorage.setItem("kept:reply:1", "{half");
  const a = kept("reply:1", "start");
  expect(a.value()).toBe("start");
});

test("a draft is of the thing as it was when its form was opened", () => {
  const h = hook((thing: { name: string; text: string }) => useDraft("thing:1", thing), { name: "a", text: "one" });
  expect(h.now().dirty).toBe(false);
  act(() => h.now().change({ text: "two" }));
  h.set({ name: "b", text: "one" }); // by somebody else, meanwhile
  expect(h.now().draft).toEqual({ name: "a", text: "two" });
  expect(h.now().dirty).toBe(true);
  act(() => h.now().discard());
  expect(h.now().draft).toEqual({ name: "a", text: "one" });
  expect(sessionStorage.length).toBe(0);
  act(() => h.now().change({ text: "three" }));
  act(() => h.now().forget());
  expect(h.now().draft.text).toBe("three");
  expect(sessionStorage.length).toBe(0);
});
