import { expect, test } from "vitest";
import { type Command, commandOf, sends } from "./keys";

/** What a key asks for when it is pressed with the focus on what html holds. */
function pressed(key: string, html = "<a href='/'>row</a>", more: KeyboardEventInit = {}): Command | undefined {
  document.body.innerHTML = html;
  const at = document.body.querySelector("[data-at]") ?? document.body.firstElementChild ?? document.body;
  let command: Command | undefined;
  const listen = (e: KeyboardEvent) => {
    command = commandOf(e);
  };
  document.addEventListener("keydown", listen);
  at.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }));
  document.removeEventListener("keydown", listen);
  return command;
}

test("each key has its command", () => {
  const keys = ["j", "ArrowDown", "k", "ArrowUp", "e", "a", "r", "/", "?"];
  expect(keys.map((k) => pressed(k))).toEqual([
    "next",
    "next",
    "previous",
    "previous",
    "close",
    "assign",
    "reply",
    "search",
    "shortcuts",
  ]);
  expect(pressed("x")).toBeUndefined();
});

test("nothing is commanded while somebody types, in a dialog or a menu, or with a modifier", () => {
  for (const html of [
    "<input>",
    "<textarea></textarea>",
    "<select></select>",
    "<div contenteditable='true'><b data-at>text</b></div>",
    "<div role='dialog'><button data-at>OK</button></div>",
    "<div role='menu'><button data-at>Close</button></div>",
  ])
    expect(pressed("e", html), html).toBeUndefined();
  for (const more of [{ ctrlKey: true }, { metaKey: true }, { altKey: true }, { isComposing: true }])
    expect(pressed("k", undefined, more)).toBeUndefined();
});

test("arrows scroll what has the focus, and the letters go on", () => {
  const messages = "<div role='region' tabindex='0'>messages</div>";
  expect(pressed("ArrowDown", messages)).toBeUndefined();
  expect(pressed("j", messages)).toBe("next");
});

test("Enter sends, and neither Shift+Enter nor the Enter of an input method does", () => {
  const key = (of: Partial<KeyboardEvent>) =>
    sends({ key: "Enter", shiftKey: false, isComposing: false, keyCode: 13, ...of });
  expect(key({})).toBe(true);
  expect(key({ shiftKey: true })).toBe(false);
  expect(key({ isComposing: true })).toBe(false);
  expect(key({ keyCode: 229 })).toBe(false);
  expect(key({ key: "a" })).toBe(false);
});
