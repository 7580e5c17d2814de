import { expect, test } from "vitest";
import { sends } from "./keys";

test("Enter sends, and neither Shift+Enter nor the Enter of an input method does", () => {
  const key = (of: Partial<KeyboardEvent>) =>
    sends({ key: "Enter", shiftKey: false, isComposing: false, keyCode: 13, ...of });
  expect(key({})).toBe(true);
  expect(key({ shiftKey: true })).toBe(false);
  expect(key({ isComposing: true })).toBe(false);
  expect(key({ keyCode: 229 })).toBe(false);
  expect(key({ key: "a" })).toBe(false);
});
