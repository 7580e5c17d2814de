import { expect, test } from "vitest";
import { hook } from "./hook";
import { useShortcuts } from "./shortcuts";

const done: string[] = [];
const bind = (all: string[]) =>
  hook(
    () =>
      useShortcuts(
        "Test",
        all.map((keys) => ({ keys, label: keys, run: () => done.push(keys) })),
      ),
    undefined,
  );

/** What is run when keys are pressed with the focus on what html holds. */
function pressed(keys: string[], html = "<a href='/'>row</a>", more: KeyboardEventInit = {}): string[] {
  document.body.innerHTML = html;
  done.length = 0;
  const at = document.body.querySelector("[data-at]") ?? document.body.firstElementChild ?? document.body;
  for (const key of keys)
    at.dispatchEvent(new KeyboardEvent("keydown", { key, code: key, bubbles: true, cancelable: true, ...more }));
  return [...done];
}

test("nothing is run while somebody types, in a menu or a dialog, and arrows scroll what has the focus", () => {
  const page = bind(["a", "ArrowDown"]);
  expect(pressed(["a"])).toEqual(["a"]);
  expect(pressed(["ArrowDown"])).toEqual(["ArrowDown"]);
  for (const html of [
    "<input>",
    "<textarea></textarea>",
    "<select></select>",
    "<div contenteditable='true'><b data-at>text</b></div>",
    "<div role='dialog'><button data-at>OK</button></div>",
    "<div role='menu'><button data-at>Close</button></div>",
  ])
    expect(pressed(["a"], html), html).toEqual([]);
  expect(pressed(["a"], undefined, { isComposing: true })).toEqual([]);
  const messages = "<div role='region' tabindex='0'>messages</div>";
  expect(pressed(["ArrowDown"], messages)).toEqual([]);
  expect(pressed(["a"], messages)).toEqual(["a"]);
  page.leave();
  expect(pressed(["a"])).toEqual([]);
});

test("the second key of several is no command of its own", () => {
  const everywhere = bind(["g e"]);
  const page = bind(["e"]);
  expect(pressed(["e"])).toEqual(["e"]);
  expect(pressed(["g", "e"])).toEqual(["g e"]);
  page.leave();
  everywhere.leave();
});
