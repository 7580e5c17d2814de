import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { graphql } from "../gql";
import type { OptInRequestStateFragment, OptInRequestStatus } from "../gql/graphql";
import { fromNow, midSentence, moment, skipText, words } from "../lib/format";
import { Status } from "./ui";

graphql(`
  fragment OptInRequestState on OptInRequest {
    id
    status
    askedAt
    expiresAt
    endedAt
    message {
      id
      status
      skipReason
      errorMessage
    }
  }
`);

type Request = OptInRequestStateFragment;

export const optInStatuses: Record<OptInRequestStatus, string> = {
  WAITING: t`Not asked yet`,
  ASKED: t`Waiting for confirmation`,
  CONFIRMED: t`Confirmed`,
  DECLINED: t`Declined`,
  EXPIRED: t`No answer in time`,
  CANCELED: t`Canceled`,
};

export const isOpen = (r: Pick<Request, "status">) => r.status === "WAITING" || r.status === "ASKED";

/** A moment as it is far from now; exact for who points at it. */
export function Moment(props: { at: string }) {
  return (
    <time dateTime={props.at} title={moment(props.at)}>
      {fromNow(props.at)}
    </time>
  );
}

/** Why the question did not reach them, as a sentence; undefined: it did, or is on its way. */
function missed(m: Request["message"]): string | undefined {
  switch (m?.status) {
    case "SKIPPED":
      return t`The question was not sent: ${midSentence(skipText(m.skipReason ?? ""))}.`;
    case "FAILED":
    case "UNDELIVERED":
      return m.errorMessage
        ? t`The question did not arrive: ${m.errorMessage.replace(/\.$/, "")}.`
        : t`The question did not arrive.`;
    case "CANCELED":
    case "EXPIRED":
      return t`The question was not sent: ${midSentence(words(m.status))}.`;
  }
}

/** To the question as a message of its own, with what kept it from arriving. */
export function QuestionLink(props: { of: Pick<Request, "message">; children: string }) {
  const m = props.of.message;
  if (!m) return null;
  const problem = missed(m);
  return (
    <>
      {problem && (
        <Text span inherit c="red">
          {problem}{" "}
        </Text>
      )}
      <Link to="/messages/$id" params={{ id: m.id }} className="plain">
        {props.children}
      </Link>
    </>
  );
}

/** How it ended without a yes, as a sentence; undefined: it did not. */
function ending(r: Request): ReactNode {
  const when = <Moment at={r.endedAt ?? r.expiresAt} />;
  if (r.status !== "DECLINED" && r.status !== "EXPIRED") return undefined;
  if (!r.askedAt) return <Trans>They could not be asked on WhatsApp in time; this ended {when}.</Trans>;
  return r.status === "DECLINED" ? (
    <Trans>They were asked on WhatsApp to confirm, and declined {when}.</Trans>
  ) : (
    <Trans>They were asked on WhatsApp to confirm, and did not say yes in time; this ended {when}.</Trans>
  );
}

/** That a contact has been or will be asked, and has not answered. */
export function WaitingBadge(props: { of: Request | null | undefined }) {
  if (!props.of || !isOpen(props.of)) return null;
  return <Status value={props.of.status} label={t`Waiting for confirmation`} />;
}

/** Where the newest double opt-in of a contact stands. What it led to is in the ledger, and not told again here. */
export function OptInRequestText(props: { of: Request; optedIn: boolean }) {
  const r = props.of;
  const open = isOpen(r);
  const ended = open ? undefined : ending(r);
  if (!open && (props.optedIn || !ended)) return null;
  return (
    <Text size="xs" c="dimmed" mt={4}>
      {r.status === "WAITING" && `${t`They have not been asked yet.`} `}
      {r.status === "ASKED" && !missed(r.message) && `${t`They were asked on WhatsApp.`} `}
      {open ? (
        <Trans>
          Without a yes this ends <Moment at={r.expiresAt} />.
        </Trans>
      ) : (
        ended
      )}{" "}
      <QuestionLink of={r}>{t`See the question`}</QuestionLink>
    </Text>
  );
}
