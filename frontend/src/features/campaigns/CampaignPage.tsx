import { useParams } from "@tanstack/react-router";
import { useQuery, useSubscription } from "urql";
import { useMay } from "../../app/session";
import { Empty, Failed, Page, Rows } from "../../components/ui";
import { graphql } from "../../gql";
import type { CampaignPageQuery } from "../../gql/graphql";
import { real } from "../../lib/node";
import { CampaignActions } from "./CampaignActions";
import { CampaignAlerts } from "./CampaignAlerts";
import { CampaignReport, Runs } from "./CampaignReport";
import { DraftSummary } from "./DraftSummary";

graphql(`
  fragment CampaignState on Campaign {
    id
    name
    status
    pausedBy
    pausedReason
    failure
    rateLimitPerSecond
    progress
    throughput
    nextRunAt
    startError
    startRetryAt
    runsDone
    waitingUntil
    undecidedSince
    startedAt
    undoableUntil
    preparedAt
    finishedAt
    counts {
      audience
      pending
      submitting
      accepted
      sent
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
      replied
      optedOut
    }
    rates {
      delivered
      read
      failed
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
    series {
      at
      accepted
      delivered
      read
      failed
    }
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
  const [{ data, error }, load] = useQuery({ query: CampaignDocument, variables: { id } });
  const [live] = useSubscription({ query: CampaignLiveDocument, variables: { id } });
  if (error && !data) return <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />;
  if (!data) return <Rows />;
  const details = real(data.node, "Campaign");
  if (!details)
    return (
      <Empty icon="?" title="There is no such campaign">
        It may have been deleted while it was a draft.
      </Empty>
    );
  const update = live.data?.campaignProgress;
  const state = update && update.id === id ? update : details;
  const topic = details.topic ? `, topic “${details.topic.name}”` : "";
  const senders = details.senders
    .map((s) => (details.senders.length > 1 ? `${s.sender.displayName} (${s.weight})` : s.sender.displayName))
    .join(", ");
  return (
    <Page
      title={state.name}
      description={`${details.template?.name ?? "no template"} → ${details.segment?.name ?? "own query"}${topic} · ${senders || "no sender"}`}
      actions={may && <CampaignActions details={details} state={state} />}
    >
      <CampaignAlerts details={details} state={state} />
      {state.status === "DRAFT" || state.status === "SCHEDULED" ? (
        <>
          <DraftSummary details={details} state={state} />
          {details.runs.length > 0 && <Runs runs={details.runs} />}
        </>
      ) : (
        <CampaignReport details={details} state={state} />
      )}
    </Page>
  );
}
