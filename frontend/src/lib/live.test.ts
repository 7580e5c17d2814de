import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { paced } from "./live";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("however many ask, it runs at once and then at most once in its time, and never misses the last", () => {
  let runs = 0;
  const calls = paced(() => runs++, 1000);
  for (let i = 0; i < 500; i++) calls.ask();
  expect(runs).toBe(1);
  for (let i = 0; i < 30; i++) {
    vi.advanceTimersByTime(100); // events that never pause do not put it off for ever
    calls.ask();
  }
  expect(runs).toBe(4);
  vi.advanceTimersByTime(10_000);
  expect(runs).toBe(5);
  calls.ask();
  expect(runs).toBe(6);
  calls.ask();
  calls.stop();
  vi.advanceTimersByTime(10_000);
  expect(runs).toBe(6);
});
