import { t } from "@lingui/core/macro";
import { Card, Progress, Table, Text, Title } from "@mantine/core";
import { useInterval } from "@mantine/hooks";
import { Link } from "@tanstack/react-router";
import { useSubscription } from "urql";
import { Status } from "../../components/ui";
import { graphql } from "../../gql";
import type { RunningCampaignFragment } from "../../gql/graphql";
import { count, decimal, percent } from "../../lib/format";
import { useLasting } from "../../lib/lasting";

const RunningDocument = graphql(`
  query RunningCampaigns {
    campaigns(filter: { status: [PREPARING, SENDING, PAUSED] }, first: 20) {
      nodes {
        ...RunningCampaign
      }
    }
  }
`);

graphql(`
  fragment RunningCampaign on Campaign {
    id
    name
    status
    progress
    throughput
    counts {
      audience
      pending
      accepted
      delivered
      failed
      undelivered
    }
    rates {
      delivered
      read
      failed
    }
  }
`);

const LiveDocument = graphql(`
  subscription RunningCampaignLive($id: ID!) {
    campaignProgress(id: $id) {
      ...RunningCampaign
    }
  }
`);

/** How the campaigns do that send now, live. */
export function RunningCampaigns() {
  const [{ data }, load] = useLasting({ query: RunningDocument, requestPolicy: "cache-and-network" });
  useInterval(() => load({ requestPolicy: "network-only" }), 5000, { autoInvoke: true }); // new ones appear, ended ones go
  return (
    <Card padding={0}>
      <Title order={2} size="h4" px="lg" pt="md">{t`Running campaigns`}</Title>
      {!data || data.campaigns.nodes.length === 0 ? (
        <Text c="dimmed" size="sm" px="lg" py="md">{t`No campaign is running.`}</Text>
      ) : (
        <Table className="cards">
          <Table.Thead>
            <Table.Tr>
              {[t`Campaign`, t`Status`, t`Progress`, t`A second`, t`Accepted`, t`Delivered`, t`Read`, t`Failed`].map(
                (h) => (
                  <Table.Th key={h}>{h}</Table.Th>
                ),
              )}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {data.campaigns.nodes.map((c) => (
              <Row key={c.id} campaign={c} />
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Card>
  );
}

function Row({ campaign }: { campaign: RunningCampaignFragment }) {
  const [live] = useSubscription({ query: LiveDocument, variables: { id: campaign.id } });
  const c = live.data?.campaignProgress ?? campaign;
  return (
    <Table.Tr data-testid="running">
      <Table.Td data-label={t`Campaign`}>
        <Link to="/campaigns/$id" params={{ id: c.id }} className="plain">
          {c.name}
        </Link>
      </Table.Td>
      <Table.Td data-label={t`Status`}>
        <Status value={c.status} />
      </Table.Td>
      <Table.Td data-label={t`Progress`} miw={120}>
        <Progress value={c.progress * 100} aria-label={t`Progress of ${c.name}`} mb={2} />
        <Text size="xs" c="dimmed">{t`${percent(c.progress)} of ${count(c.counts.audience)}`}</Text>
      </Table.Td>
      <Table.Td data-label={t`A second`}>{decimal(c.throughput)}</Table.Td>
      <Table.Td data-label={t`Accepted`}>{count(c.counts.accepted)}</Table.Td>
      <Table.Td data-label={t`Delivered`}>{percent(c.rates.delivered)}</Table.Td>
      <Table.Td data-label={t`Read`}>{percent(c.rates.read)}</Table.Td>
      <Table.Td data-label={t`Failed`}>
        {percent(c.rates.failed)} ({count(c.counts.failed + c.counts.undelivered)})
      </Table.Td>
    </Table.Tr>
  );
}
