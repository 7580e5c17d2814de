import { expect, test } from "vitest";
import { inputOf, missingIn, newDraft, wrongIn } from "./draft";
import { newVariant } from "./experiment";

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

test("what a step lacks is an error of its field, and of no other step", () => {
  expect(Object.keys(missingIn("audience", draft))).toEqual(["name", "segmentId"]);
  expect(Object.keys(missingIn("audience", { ...draft, name: "  ", segmentId: "s" }))).toEqual(["name"]);
  expect(missingIn("audience", { ...draft, name: "Spring" }, true)).toEqual({}); // its audience is the API's
  expect(Object.keys(missingIn("message", draft))).toEqual(["templateId"]);
  expect(missingIn("message", { ...draft, templateId: "t" })).toEqual({});
  const [a, b] = [newVariant("t"), newVariant()];
  expect(Object.keys(missingIn("message", { ...draft, variants: [a, b] }))).toEqual(["variants"]);
  expect(missingIn("message", { ...draft, variants: [a, a] })).toEqual({});
  expect(missingIn("schedule", draft)).toEqual({});
  expect(missingIn("review", draft)).toEqual({});
});
