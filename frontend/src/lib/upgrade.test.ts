import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { reloadAfterUpgrade } from "./upgrade";

beforeEach(() => {
  vi.useFakeTimers();
  sessionStorage.clear();
});
afterEach(() => vi.useRealTimers());

test("a part that is gone loads the page anew, and not again and again", async () => {
  const reload = vi.fn();
  let answers = false;
  reloadAfterUpgrade(reload, async () => answers);
  const missing = async () => {
    window.dispatchEvent(new Event("vite:preloadError"));
    await vi.advanceTimersByTimeAsync(0);
  };
  await missing();
  expect(reload, "without a connection the page stays").not.toHaveBeenCalled();
  answers = true;
  await missing();
  expect(reload).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(59_000);
  await missing();
  expect(reload, "it is missing after the reload too").toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(2_000);
  await missing();
  expect(reload, "the next upgrade").toHaveBeenCalledTimes(2);
});
