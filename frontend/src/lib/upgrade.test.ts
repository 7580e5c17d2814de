import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { reloadAfterUpgrade } from "./upgrade";

beforeEach(() => {
  vi.useFakeTimers();
  sessionStorage.clear();
});
afterEach(() => vi.useRealTimers());

test("a part that is gone loads the page anew, and not again and again", () => {
  const reload = vi.fn();
  reloadAfterUpgrade(reload);
  const missing = () => window.dispatchEvent(new Event("vite:preloadError"));
  missing();
  expect(reload).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(59_000);
  missing();
  expect(reload, "it is missing after the reload too").toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(2_000);
  missing();
  expect(reload, "the next upgrade").toHaveBeenCalledTimes(2);
});
