import { expect, test } from "vitest";
import { toldBy } from "./webhooks";

test("an event tells who wrote, or what became of a message, and says when that was erased", () => {
  const to = "whatsapp:+4915112345678";
  expect(toldBy({ kind: "INBOUND", params: { From: to, Body: "Hello" } })).toBe("+4915112345678: Hello");
  expect(toldBy({ kind: "STATUS", params: { To: to, MessageStatus: "read" } })).toBe("Read · +4915112345678");
  expect(toldBy({ kind: "STATUS", params: { erased: "true" } })).toBe("What it told was erased with the contact.");
});
