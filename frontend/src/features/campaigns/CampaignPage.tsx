import { t } from "@lingui/core/macro";
import { Group } from "@mantine/core";
import { useParams } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { useSubscription } from "urql";
import { useMay } from "../../app/session";
import { Failed } from "../../components/Failed";
import { Missing, Page, Rows } from "../../components/ui";
import { graphql } from "../../gql";
import type { CampaignPageQuery } from "../../gql/graphql";
import { allOf } from "../../lib/format";
import { useLasting } from "../../lib/lasting";
import { real } from "../../lib/node";
import { CampaignActions } from "./CampaignActions";
import { CampaignAlerts } from "./CampaignAlerts";
import { CampaignReport } from "./CampaignReport";
import { CampaignLabels } from "./Labels";
import { audienceText } from "./outcome";
import { ShareReport } from "./ShareReport";
import { sendersText } from "./schedule";

const Runs = lazy(async () => ({ default: (await import("./Runs")).Runs }));
const DraftSummary = lazy(async () => ({ default: (await import("./DraftSummary")).DraftSummary }));

graphql(`
  fragment CampaignState on Campaign {
    id
    revision
    name
    status
    pausedBy
    pausedReason
    failure
    rateLimitPerSecond
    progress
    throughput
    nextRunAt
    localStart {
      date
      time
    }
    startError
    startRetryAt
    runsDone
    waitingUntil
    waitingReason
    variantWinner {
      label
    }
    waitingLimit
    undecidedSince
    startedAt
    countsClicks
    undoableUntil
    finishedAt
    counts {
      audience
      pending
      submitting
      tried
      accepted
      delivered
      read
      failed
      undelivered
      canceled
      expired
      skipped
      unknown
      undecided
      redelivering
      clicked
      replied
      optedOut
    }
    skipReasons {
      reason
      count
    }
    deferrals {
      reason
      count
    }
    throughputAverage
    throughputPeak
    sendingSeconds
    price {
      ...CampaignCost
    }
    budget {
      ...BudgetState
    }
    ...ApprovalState
    archivedAt
    labels
  }
`);

const CampaignDocument = graphql(`
  query CampaignPage($id: ID!) {
    node(id: $id) {
      ... on Campaign {
        ...CampaignState
        ...CampaignSettings
        runs {
          id
          name
          status
          startedAt
          counts {
            audience
            accepted
            delivered
          }
        }
        parent {
          id
          name
        }
      }
    }
  }
`);

const CampaignLiveDocument = graphql(`
  subscription CampaignLive($id: ID!) {
    campaignProgress(id: $id) {
      ...CampaignState
    }
  }
`);

export type CampaignDetails = Extract<NonNullable<CampaignPageQuery["node"]>, { __typename: "Campaign" }>;

/** A draft as its summary, a campaign that was launched as its report. */
export function CampaignPage() {
  const { id } = useParams({ from: "/campaigns/$id" });
  const may = useMay("MARKETER");
  const [{ data, error }, load] = useLasting({ query: CampaignDocument, variables: { id } });
  useSubscription({ query: CampaignLiveDocument, variables: { id } }); // what comes changes the cache, and so the page
  if (error && !data) return <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />;
  if (!data) return <Rows />;
  const c = real(data.node, "Campaign");
  if (!c) return <Missing title={t`Campaign not found`}>{t`It may have been deleted while it was a draft.`}</Missing>;
  const what =
    c.variants.length > 0
      ? t`Test of ${allOf([...new Set(c.variants.map((v) => v.template.name))])}`
      : (c.template?.name ?? t`No template yet`);
  const topic = c.topic ? `, ${t`topic “${c.topic.name}”`}` : "";
  return (
    <Page
      up={{ to: "/campaigns", label: t`Campaigns` }}
      title={c.name}
      description={`${what} → ${audienceText(c)}${topic} · ${sendersText(c.senders) || t`no sender`}`}
      actions={
        <Group gap="sm" className="no-print">
          {c.startedAt && <ShareReport />}
          {may && <CampaignActions campaign={c} />}
        </Group>
      }
    >
      <div className="no-print">
        <CampaignLabels id={c.id} labels={c.labels} />
      </div>
      <div className="no-print">
        <CampaignAlerts campaign={c} />
      </div>
      {c.status === "DRAFT" || c.status === "SCHEDULED" ? (
        <Suspense fallback={<Rows />}>
          <DraftSummary campaign={c} />
          {c.runs.length > 0 && <Runs runs={c.runs} />}
        </Suspense>
      ) : (
        <CampaignReport campaign={c} />
      )}
    </Page>
  );
}
