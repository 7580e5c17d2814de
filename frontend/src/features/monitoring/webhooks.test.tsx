import { renderToStaticMarkup } from "react-dom/server";
import { expect, test } from "vitest";
import type { WebhookToldFragment } from "../../gql/graphql";
import { stateOf, Told } from "./webhooks";

test("where a webhook event stands", () => {
  const at = "2026-11-25T10:00:00Z";
  expect(stateOf({}).label).toBe("Waiting");
  expect(stateOf({ appliedAt: at }).label).toBe("Applied");
  expect(stateOf({ appliedAt: at, notice: "none of the senders" }).label, "as the filter calls it").toBe("Flagged");
  expect(stateOf({ appliedAt: at, error: "unknown SID" }).label).toBe("No effect");
  expect(stateOf({ nextAttemptAt: at, error: "a deadlock" }).label, "it is tried again: the error is not its end").toBe(
    "To retry",
  );
});

test("an event tells who wrote, or what became of a message, and says when that was erased", () => {
  const displayAddress = "+49 1511 2345678";
  const told = (event: Omit<WebhookToldFragment, "__typename">) =>
    renderToStaticMarkup(<Told event={{ __typename: "WebhookEvent", ...event }} />);
  expect(told({ kind: "INBOUND", params: { Body: "שלום." }, displayAddress }), "in the direction of its script").toBe(
    "<bdi>+49 1511 2345678</bdi>: <bdi>שלום.</bdi>",
  );
  expect(told({ kind: "STATUS", params: { MessageStatus: "read" }, displayAddress })).toBe(
    "Read · <bdi>+49 1511 2345678</bdi>",
  );
  expect(told({ kind: "STATUS", params: { erased: "true" }, displayAddress: "" })).toBe("Its content was erased.");
});
