import { plural, t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { Alert, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { useMay } from "../../app/session";
import { moment } from "../../lib/format";
import type { CampaignDetails } from "./CampaignPage";
import { retriesText, waitsForApproval } from "./outcome";
import { localText } from "./schedule";

const UndoLaunch = lazy(async () => ({ default: (await import("./launch")).UndoLaunch }));
const StartTrouble = lazy(async () => ({ default: (await import("./StartTrouble")).StartTrouble }));
const Undecided = lazy(async () => ({ default: (await import("./Undecided")).Undecided }));
const ApprovalAlert = lazy(async () => ({ default: (await import("./Approval")).ApprovalAlert }));

/** What somebody should know before anything else. */
export function CampaignAlerts({ campaign: c }: { campaign: CampaignDetails }) {
  const may = useMay("MARKETER");
  const unsettled = c.counts.unknown - c.counts.undecided;
  const parent = c.parent && (
    <Link to="/campaigns/$id" params={{ id: c.parent.id }} className="plain">
      <bdi>{c.parent.name}</bdi>
    </Link>
  );
  return (
    <>
      {c.startedAt && c.undoableUntil && c.counts.audience === 0 && (
        <Suspense>
          <UndoLaunch key={c.undoableUntil} id={c.id} startedAt={c.startedAt} until={c.undoableUntil} />
        </Suspense>
      )}
      {c.archivedAt && (
        <Alert color="gray" title={t`Archived ${moment(c.archivedAt)}`}>
          {t`Lists leave it out; a search finds it. It changes and starts again only when it is brought back.`}
        </Alert>
      )}
      {c.approval && (
        <Suspense>
          <ApprovalAlert campaign={c} />
        </Suspense>
      )}
      {c.pausedReason && (
        <Alert color="yellow" title={c.pausedBy === "ENGINE" ? t`Paused by the engine` : t`Paused`}>
          {c.pausedReason}
        </Alert>
      )}
      {c.failure && (
        <Alert color="red" title={t`Failed`}>
          {c.failure}
        </Alert>
      )}
      {c.status === "SCHEDULED" && c.startError && (
        <Suspense>
          <StartTrouble campaign={c} may={may} />
        </Suspense>
      )}
      {c.status === "SCHEDULED" && c.schedule && (
        <Alert color="blue" title={startText(c)}>
          {c.schedule.local && `${t`Everybody gets it ${localText(c.schedule.local)}.`} `}
          {c.runsDone > 0 && `${plural(c.runsDone, { one: "# run done.", other: "# runs done." })} `}
          {t`It can be edited until it starts; its segment is taken as it stands when it starts.`}
        </Alert>
      )}
      {c.parent && (
        <Text size="sm">
          <Trans>A run of {parent}</Trans>
        </Text>
      )}
      {c.counts.undecided > 0 && (
        <Suspense>
          <Undecided id={c.id} n={c.counts.undecided} since={c.undecidedSince} may={may} />
        </Suspense>
      )}
      {unsettled > 0 && (
        <Alert
          color="blue"
          title={plural(unsettled, {
            one: "# call to Twilio got no answer yet",
            other: "# calls to Twilio got no answer yet",
          })}
        >
          {plural(unsettled, {
            one: "Twilio may have it. The engine finds out by receipts and in Twilio's log, and sends again only what Twilio never took. There is nothing to do.",
            other:
              "Twilio may have them. The engine finds out by receipts and in Twilio's log, and sends again only what Twilio never took. There is nothing to do.",
          })}
        </Alert>
      )}
      {c.counts.redelivering > 0 && (
        <Alert color="blue" title={retriesText(c.counts.redelivering)}>
          {plural(c.counts.redelivering, {
            one: "Twilio accepted it, and WhatsApp declined to deliver for now. The engine sends again by itself with growing delays, at most three times; a late delivery ends the wait.",
            other:
              "Twilio accepted them, and WhatsApp declined to deliver for now. The engine sends again by itself with growing delays, at most three times; a late delivery ends the wait.",
          })}{" "}
          {c.status === "COMPLETED" && t`The campaign is completed without them.`}
        </Alert>
      )}
    </>
  );
}

/** When a scheduled campaign starts, or would. */
function startText(c: CampaignDetails): string {
  const at = moment(c.nextRunAt);
  if (c.startError) return t`Was to start ${at}`;
  return waitsForApproval(c) ? t`Planned for ${at}` : t`Starts ${at}`;
}
