import { t } from "@lingui/core/macro";
import { Box, Card, Table, Text, Title } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useQuery } from "urql";
import { graphql } from "../../gql";
import type { ComparedCampaignFragment } from "../../gql/graphql";
import { count, moment, percentOf } from "../../lib/format";
import { compared, funnelOf, lossesOf, tellsClicks } from "./outcome";

graphql(`
  fragment ComparedCampaign on Campaign {
    id
    name
    startedAt
    countsClicks
    counts {
      tried
      accepted
      delivered
      read
      clicked
      replied
      failed
      undelivered
      optedOut
    }
  }
`);

const ComparedDocument = graphql(`
  query ComparedCampaigns {
    campaigns(filter: { status: [COMPLETED] }, first: 30) {
      nodes {
        ...ComparedCampaign
      }
    }
  }
`);

const shown = ["delivered", "read", "clicked", "replied", "failed", "opted-out"];

/** This campaign beside the last five before it, by the same shares. */
export function Compared({ campaign }: { campaign: ComparedCampaignFragment }) {
  const [{ data }] = useQuery({ query: ComparedDocument });
  const others = compared(campaign, data?.campaigns.nodes ?? []);
  if (others.length === 0) return null;
  return (
    <Card padding={0}>
      <Title order={2} size="h4" px="lg" pt="md">{t`Compared with recent campaigns`}</Title>
      <Box role="region" aria-label={t`Compared with recent campaigns`} tabIndex={0} style={{ overflowX: "auto" }}>
        <Table miw={800}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t`Campaign`}</Table.Th>
              {[t`Launched`, t`Sent to`, t`Delivered`, t`Read`, t`Clicked`, t`Replied`, t`Failed`, t`Opted out`].map(
                (h) => (
                  <Table.Th key={h} ta="right">
                    {h}
                  </Table.Th>
                ),
              )}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {[campaign, ...others].map((c) => (
              <Table.Tr key={c.id} fw={c.id === campaign.id ? 600 : undefined}>
                <Table.Td>
                  {c.id === campaign.id ? (
                    t`This campaign`
                  ) : (
                    <Link to="/campaigns/$id" params={{ id: c.id }} className="plain">
                      {c.name}
                    </Link>
                  )}
                </Table.Td>
                <Table.Td ta="right">{moment(c.startedAt)}</Table.Td>
                <Table.Td ta="right">{count(c.counts.tried)}</Table.Td>
                {[...funnelOf(c.counts, true), ...lossesOf(c.counts)]
                  .filter((f) => shown.includes(f.name))
                  .map((f) => (
                    <Table.Td key={f.name} ta="right">
                      {c.counts.tried > 0 && (f.name !== "clicked" || tellsClicks(c)) ? percentOf(f.share) : "–"}
                    </Table.Td>
                  ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Box>
      <Text
        size="xs"
        c="dimmed"
        px="lg"
        pb="md"
        pt="xs"
      >{t`Percentages are of the contacts that each was sent to.`}</Text>
    </Card>
  );
}
