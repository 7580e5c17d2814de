import { expect, test } from "vitest";
import { inputOf, newDraft, wrongIn } from "./draft";

const draft = newDraft({ senders: [], settings: { defaultQuietHours: null, defaultFrequencyCap: null } } as never);

test("an end that is no moment is an error of its field", () => {
  expect(wrongIn(draft)).toEqual({});
  expect(inputOf(draft).endsAt).toBeNull();
  const good = { ...draft, ends: "2026-11-24T09:00" };
  expect(wrongIn(good)).toEqual({});
  expect(inputOf(good).endsAt).toBe(new Date("2026-11-24T09:00").toISOString());
  const bad = { ...draft, ends: "20266-11-24T09:00" }; // as browsers let it be typed
  expect(wrongIn(bad)).toEqual({ endsAt: expect.stringContaining("20266-11-24T09:00") });
  expect(() => inputOf(bad)).not.toThrow();
});
