import { act } from "react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Outdated, useAutosave } from "./autosave";
import { hook } from "./hook";
import { notifications } from "./notifications";

beforeEach(() => vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  shown.mockClear();
});

const later = () => act(() => vi.advanceTimersByTimeAsync(600));
const shown = vi.spyOn(notifications, "show").mockReturnValue("");
const toasts = () => shown.mock.calls.map(([notice]) => notice.message);

/** A form with one text, and a server that answers as it is told. */
function form(answer: (value: string) => Promise<string> | string | Outdated = () => "") {
  const sent: string[] = [];
  const h = hook(
    (value: string) =>
      useAutosave(value, async (v) => {
        sent.push(v);
        return answer(v);
      }),
    "first",
  );
  return { ...h, sent, state: () => h.now().state };
}

test("a value is saved some moments after its last change, and once", async () => {
  const f = form();
  await later();
  expect(f.sent, "nothing was changed").toEqual([]);
  f.set("a");
  f.set("ab");
  expect(f.state()).toBe("waiting");
  await later();
  expect(f.sent).toEqual(["ab"]);
  expect(f.state()).toBe("saved");
  f.leave();
  await later();
  expect(f.sent, "all was saved when the page was left").toEqual(["ab"]);
});

test("a save that throws has failed, and keeps no later one back", async () => {
  let broken = true;
  const f = form(() => {
    if (broken) throw new Error("no such moment");
    return "";
  });
  f.set("a");
  await later();
  expect(f.state()).toBe("failed");
  broken = false;
  f.set("b");
  await later();
  expect(f.sent).toEqual(["a", "b"]);
  expect(f.state()).toBe("saved");
});

test("flush saves at once and says whether all is saved", async () => {
  const f = form((v) => (v === "bad" ? "out of range" : ""));
  f.set("bad");
  await act(async () => expect(await f.now().flush()).toBe(false));
  expect(f.state()).toBe("failed");
  f.set("good");
  await act(async () => expect(await f.now().flush()).toBe(true));
  expect(f.sent).toEqual(["bad", "good"]);
});

test("what was changed back while another value was being saved is saved in the end", async () => {
  let answered = () => {};
  const f = form((v) => (v === "a" ? new Promise((done) => (answered = () => done(""))) : ""));
  f.set("a");
  await later();
  f.set("first");
  await later();
  expect(f.sent).toEqual(["a"]);
  await act(async () => answered());
  expect(f.sent).toEqual(["a", "first"]);
  expect(f.state()).toBe("saved");
});

test("a value that was refused and changed back needs no save", async () => {
  const f = form(() => "out of range");
  f.set("bad");
  await later();
  f.set("first");
  await later();
  expect(f.sent).toEqual(["bad"]);
  expect(f.state()).toBe("saved");
});

test("leaving saves what is left, and a toast tells when that is refused", async () => {
  const f = form();
  f.set("a");
  f.leave();
  await later();
  expect(f.sent).toEqual(["a"]);
  expect(toasts()).toEqual([]);
  const g = form(() => "-5 is out of range");
  g.set("b");
  g.leave();
  await later();
  expect(g.sent).toEqual(["b"]);
  expect(toasts()).toEqual(["-5 is out of range."]);
});

test("closing the tab asks while something is not saved", async () => {
  const f = form();
  const asks = () => !window.dispatchEvent(new Event("beforeunload", { cancelable: true }));
  expect(asks()).toBe(false);
  f.set("a");
  expect(asks()).toBe(true);
  await later();
  expect(asks()).toBe(false);
});

test("who goes on editing what somebody else has changed is asked again only when they save", async () => {
  let outdated = true;
  const f = form(() => (outdated ? { wrong: "Ada changed this just now", choice: "edit" } : ""));
  f.set("a");
  await later();
  expect(f.state()).toBe("failed");
  f.set("ab");
  await later();
  expect(f.sent, "no save by time").toEqual(["a"]);
  expect(f.state()).toBe("failed");
  await act(async () => expect(await f.now().flush()).toBe(false));
  expect(f.sent).toEqual(["a", "ab"]);
  outdated = false;
  await act(async () => expect(await f.now().flush()).toBe(true));
  f.set("abc");
  await later();
  expect(f.sent, "saved by time again").toEqual(["a", "ab", "ab", "abc"]);
});

test("what is discarded is not saved, and the tab closes without a question", async () => {
  const f = form(() => ({ wrong: "Ada changed this just now", choice: "discard" }));
  f.set("a");
  await act(async () => expect(await f.now().flush()).toBe(false));
  expect(window.dispatchEvent(new Event("beforeunload", { cancelable: true }))).toBe(true);
  f.leave();
  await later();
  expect(f.sent).toEqual(["a"]);
});
