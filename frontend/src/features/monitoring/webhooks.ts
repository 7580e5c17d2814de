import type { WebhookEventSource } from "../../gql/graphql";

/** Which way an event came, where it was not at once. */
export const sourceTexts: Record<WebhookEventSource, string> = {
  LIVE: "",
  SPOOL: "from the spool",
  LOG: "found in Twilio's log",
};

type State = {
  appliedAt?: string | null;
  nextAttemptAt?: string | null;
  error?: string | null;
  notice?: string | null;
};

/** Where an event stands: the status gives the colour, the label the word. */
export function stateOf(e: State): { value: string; label: string } {
  if (e.appliedAt && !e.error && e.notice) return { value: "WARN", label: "Applied, odd" };
  if (e.appliedAt) return e.error ? { value: "FAILED", label: "No effect" } : { value: "COMPLETED", label: "Applied" };
  if (e.nextAttemptAt) return { value: "WARN", label: "Parked" };
  return { value: "PENDING", label: "Waiting" };
}
