import { afterEach, expect, test } from "vitest";
import { setupToken } from "./setupLink";

afterEach(() => window.history.replaceState(null, "", "/"));

test("the token is taken out of the link and out of the address bar", () => {
  window.history.replaceState({ key: 1 }, "", "/contacts?search=a#setup=abc123");
  expect(setupToken(window)).toBe("abc123");
  expect(window.location.href).toMatch(/\/contacts\?search=a$/);
  expect(window.history.state).toEqual({ key: 1 });
  expect(setupToken(window)).toBe("");
});

test("any other fragment stays", () => {
  window.history.replaceState(null, "", "/#section");
  expect(setupToken(window)).toBe("");
  expect(window.location.hash).toBe("#section");
});
