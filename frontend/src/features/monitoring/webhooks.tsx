import { t } from "@lingui/core/macro";
import type { ReactNode } from "react";
import { graphql } from "../../gql";
import type { WebhookEventSource, WebhookToldFragment } from "../../gql/graphql";
import { words } from "../../lib/format";

/** Which way an event came, where it was not at once. */
export const sourceTexts: Record<WebhookEventSource, string> = {
  LIVE: "",
  SPOOL: t`kept on disk at first`,
  LOG: t`found in Twilio's log`,
};

graphql(`
  fragment WebhookTold on WebhookEvent {
    kind
    params
    displayAddress
  }
`);

/** What an event tells: who wrote what, or what became of the message to whom. */
export function Told({ event: e }: { event: WebhookToldFragment }): ReactNode {
  const p = e.params as Record<string, string>;
  if (p.erased) return t`Its content was erased.`;
  if (e.kind === "INBOUND")
    return (
      <>
        <bdi>{e.displayAddress}</bdi>: <bdi>{p.Body}</bdi>
      </>
    );
  const error = p.ErrorCode ? `, ${t`error ${p.ErrorCode}`}` : "";
  return (
    <>
      {words(p.MessageStatus ?? p.SmsStatus ?? "")}
      {error} · <bdi>{e.displayAddress}</bdi>
    </>
  );
}

type State = {
  appliedAt?: string | null;
  nextAttemptAt?: string | null;
  error?: string | null;
  notice?: string | null;
};

/** Where an event stands: the status gives the colour, the label the word. */
export function stateOf(e: State): { value: string; label: string } {
  if (e.appliedAt && !e.error && e.notice) return { value: "WARN", label: t`Flagged` };
  if (e.appliedAt)
    return e.error ? { value: "FAILED", label: t`No effect` } : { value: "COMPLETED", label: t`Applied` };
  if (e.nextAttemptAt) return { value: "WARN", label: t`To retry` };
  return { value: "PENDING", label: t`Waiting` };
}
