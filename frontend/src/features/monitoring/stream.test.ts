import { expect, test } from "vitest";
import { merged } from "./stream";

const line = (key: string, at: string) => ({ key, at });

test("what came live and what was there before stand by their time, each once", () => {
  const live = [line("d", "2026-11-28T10:00:04Z"), line("b", "2026-11-28T10:00:02.5Z")];
  const past = [
    line("b", "2026-11-28T10:00:02.5Z"),
    line("a", "2026-11-28T10:00:01Z"),
    line("c", "2026-11-28T10:00:03Z"),
  ];
  expect(merged(live, past).map((l) => l.key)).toEqual(["d", "c", "b", "a"]);
  expect(merged([], past).map((l) => l.key)).toEqual(["c", "b", "a"]);
  const together = [line("newer", "2026-11-28T10:00:04Z"), line("older", "2026-11-28T10:00:04Z")];
  expect(
    merged(together, []).map((l) => l.key),
    "at the same moment they stay as they came",
  ).toEqual(["newer", "older"]);
});
