import { expect, test } from "vitest";
import { messagesOf, nameFor, peopleIn, queryOf, searchFor } from "./people";

test("the people of a row are the same in the address bar, in the list and in a segment", () => {
  const out = { event: "skipped", reason: "opted_out" } as const;
  expect(peopleIn(searchFor(out))).toEqual(out);
  expect(messagesOf(out)).toEqual({ skipReason: "opted_out" });
  expect(queryOf("Q1", out)).toEqual({ event: "skipped", campaign: "Q1", reason: "opted_out" });
  const failed = { event: "failed", reason: "63024" } as const;
  expect(peopleIn(searchFor(failed))).toEqual(failed);
  expect(messagesOf(failed)).toEqual({ errorCode: 63024 });
  for (const other of [undefined, "", "READ", "DECISION", "skipped:", "failed:x", "other:1"])
    expect(peopleIn(other), other).toBeNull();
});

test("a name fits", () => {
  const p = { event: "skipped", reason: "opted_out" } as const;
  expect(nameFor("Spring sale", p, 100)).toBe("Spring sale: opted out");
  const long = nameFor("x".repeat(150), p, 100);
  expect(long).toHaveLength(100);
  expect(long.endsWith("…: opted out")).toBe(true);
});
