import { expect, test } from "vitest";
import { stateOf } from "./webhooks";

test("where a webhook event stands", () => {
  const at = "2026-11-25T10:00:00Z";
  expect(stateOf({}).label).toBe("Waiting");
  expect(stateOf({ appliedAt: at }).label).toBe("Applied");
  expect(stateOf({ appliedAt: at, error: "unknown SID" }).label).toBe("No effect");
  expect(stateOf({ nextAttemptAt: at, error: "a deadlock" }).label, "it is tried again: the error is not its end").toBe(
    "Parked",
  );
});
