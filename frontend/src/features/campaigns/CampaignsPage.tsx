import { t } from "@lingui/core/macro";
import { Card, Group, Progress, Select, Table, Text, TextInput } from "@mantine/core";
import { useInterval } from "@mantine/hooks";
import { IconCalendar, IconPlus, IconSearch, IconSend } from "@tabler/icons-react";
import { Link, useNavigate } from "@tanstack/react-router";
import { useEffect } from "react";
import { useQuery } from "urql";
import { useMay } from "../../app/session";
import { Failed } from "../../components/Failed";
import { Awaited, Further } from "../../components/Further";
import { Empty, LinkButton, Page, Rows, Status } from "../../components/ui";
import { When } from "../../components/When";
import { graphql } from "../../gql";
import type { CampaignStatus, CampaignsQueryVariables } from "../../gql/graphql";
import { chosen, useAddress, useAddressText } from "../../lib/address";
import { count, percentOf, words } from "../../lib/format";
import { useLasting } from "../../lib/lasting";
import { useShortcuts } from "../../lib/shortcuts";
import { CampaignLabelsDocument, LabelBadges } from "./Labels";
import { audienceText, besideText, hasEnded, share, waitingText, waitsForApproval } from "./outcome";

const CampaignsDocument = graphql(`
  query Campaigns($search: String, $filter: CampaignFilter, $after: String) {
    campaigns(search: $search, filter: $filter, first: 50, after: $after) {
      pageInfo {
        hasNextPage
        endCursor
      }
      nodes {
        id
        name
        status
        progress
        createdAt
        startedAt
        nextRunAt
        counts {
          audience
          tried
          delivered
          read
          replied
          undecided
          redelivering
        }
        archivedAt
        labels
        startError
        approval {
          state
        }
        waitingUntil
        waitingReason
        waitingLimit
        query
        segment {
          id
          name
        }
        template {
          id
          name
        }
      }
    }
  }
`);

/** Where a campaign stands; the last are drafts and scheduled ones, by their approval. */
const statuses: CampaignStatus[] = [
  "DRAFT",
  "SCHEDULED",
  "PREPARING",
  "SENDING",
  "PAUSED",
  "COMPLETED",
  "CANCELED",
  "FAILED",
];
const toApprove = "WAITING_FOR_APPROVAL";
const putAway = "ARCHIVED";

export function CampaignsPage() {
  const { search, change } = useAddress();
  const [text, setText] = useAddressText("q");
  const navigate = useNavigate();
  const may = useMay("MARKETER");
  const status = chosen(statuses, search.status);
  const approval = search.status === toApprove;
  const archived = search.status === putAway;
  const label = search.label || null;
  const variables: CampaignsQueryVariables = {
    search: search.q ?? null,
    filter: {
      ...(approval
        ? { approval: ["WAITING" as const] }
        : archived
          ? { archived: true }
          : status && { status: [status] }),
      ...(label && { labels: [label] }),
    },
  };
  const [known] = useQuery({ query: CampaignLabelsDocument });
  const labels = known.data?.campaignLabels.map((l) => l.name) ?? [];
  const [{ data, error }, load] = useLasting({ query: CampaignsDocument, variables: { ...variables, after: null } });
  const filtered = Boolean(search.q || status || approval || archived || label);
  useShortcuts(
    t`Campaigns`,
    may ? [{ keys: "n", label: t`New campaign`, run: () => void navigate({ to: "/campaigns/new" }) }] : [],
  );
  return (
    <Page
      title={t`Campaigns`}
      description={t`Send a template to a segment now, at a set time or on a schedule`}
      actions={
        <Group gap="xs">
          <LinkButton
            to="/campaigns/calendar"
            variant="default"
            leftSection={<IconCalendar size={16} />}
          >{t`Calendar`}</LinkButton>
          {may && <LinkButton to="/campaigns/new" leftSection={<IconPlus size={16} />}>{t`New campaign`}</LinkButton>}
        </Group>
      }
    >
      {error ? (
        <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />
      ) : !data ? (
        <Rows />
      ) : data.campaigns.nodes.length === 0 && !filtered ? (
        <Empty
          icon={<IconSend />}
          title={t`No campaigns yet`}
          action={may && <LinkButton to="/campaigns/new">{t`Plan one`}</LinkButton>}
        >{t`Choose a segment and an approved template; the engine sends at your pace, only to those who agreed.`}</Empty>
      ) : (
        <>
          <Group>
            <TextInput
              aria-label={t`Search campaigns`}
              placeholder={t`Search by name`}
              data-page-search
              leftSection={<IconSearch size={16} />}
              value={text}
              onChange={(e) => setText(e.currentTarget.value)}
              w={{ base: "100%", xs: 320 }}
            />
            <Select
              aria-label={t`Status`}
              placeholder={t`Any status`}
              w={{ base: "100%", xs: 258 }}
              clearable
              data={[...statuses, toApprove, putAway].map((s) => ({ value: s, label: words(s) }))}
              value={approval ? toApprove : archived ? putAway : status}
              onChange={(v) => change({ status: v ?? undefined })}
            />
            {(labels.length > 0 || label) && (
              <Select
                aria-label={t`Label`}
                placeholder={t`Any label`}
                w={{ base: "100%", xs: 258 }}
                clearable
                searchable
                data={label && !labels.includes(label) ? [...labels, label] : labels}
                value={label}
                onChange={(v) => change({ label: v ?? undefined })}
              />
            )}
          </Group>
          <Card padding={0}>
            <Table className="cards">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t`Name`}</Table.Th>
                  <Table.Th>{t`Status`}</Table.Th>
                  <Table.Th ta="right">{t`Sent to`}</Table.Th>
                  <Table.Th ta="right">{t`Delivered`}</Table.Th>
                  <Table.Th ta="right">{t`Read`}</Table.Th>
                  <Table.Th ta="right">{t`Replied`}</Table.Th>
                  <Table.Th>{t`Start`}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <CampaignRows key={JSON.stringify(variables)} variables={variables} after={null} />
            </Table>
          </Card>
          <Text size="xs" c="dimmed">{t`Percentages are of the contacts that a campaign was sent to.`}</Text>
          {data.campaigns.nodes.length === 0 && <Text c="dimmed" ta="center">{t`No campaign matches.`}</Text>}
        </>
      )}
    </Page>
  );
}

/** "10 of 1,170": how many of its audience a campaign was sent to. */
const sentTo = (c: { tried: number; audience: number }) =>
  c.tried === c.audience ? count(c.tried) : t`${count(c.tried)} of ${count(c.audience)}`;

/** A page of the list, which looks again while something on it runs. */
function CampaignRows(props: { variables: CampaignsQueryVariables; after: string | null }) {
  const { variables, after } = props;
  const [{ data, error }, load] = useLasting({ query: CampaignsDocument, variables: { ...variables, after } });
  const running = data?.campaigns.nodes.some((c) => c.status === "SENDING" || c.status === "PREPARING") ?? false;
  const { start, stop } = useInterval(() => load({ requestPolicy: "network-only" }), 2000);
  useEffect(() => {
    if (running) start();
    else stop();
    return stop;
  }, [running, start, stop]);
  if (!data) return <Awaited columns={7} error={error} retry={() => load({ requestPolicy: "network-only" })} />;
  return (
    <>
      <Table.Tbody>
        {data.campaigns.nodes.map((c) => (
          <Table.Tr key={c.id}>
            <Table.Td data-label={t`Name`}>
              <Link to="/campaigns/$id" params={{ id: c.id }} className="plain">
                {c.name}
              </Link>
              <Text size="xs" c="dimmed">
                {c.template?.name ?? t`No template yet`} → {audienceText(c)}
              </Text>
              {c.labels.length > 0 && (
                <Group gap={4} mt={4}>
                  <LabelBadges labels={c.labels} />
                </Group>
              )}
            </Table.Td>
            <Table.Td data-label={t`Status`}>
              <Status value={waitsForApproval(c) ? toApprove : waitingText(c) ? "WAITING" : c.status} />
              {c.archivedAt && <Text size="xs" c="dimmed">{t`archived`}</Text>}
              {c.approval?.state === "SENT_BACK" && c.status === "DRAFT" && (
                <Text size="xs" c="dimmed">{t`sent back`}</Text>
              )}
              {waitingText(c) && (
                <Text size="xs" c="dimmed">
                  {waitingText(c)}
                </Text>
              )}
              {besideText(c.status, c.counts) && (
                <Text size="xs" c="dimmed">
                  {besideText(c.status, c.counts)}
                </Text>
              )}
              {c.startedAt && !hasEnded(c.status) && (
                <Progress value={c.progress * 100} w={110} mt={6} aria-label={t`Progress of ${c.name}`} />
              )}
              {c.startError && <Text size="xs" c="red">{t`could not start yet`}</Text>}
            </Table.Td>
            <Table.Td data-label={t`Sent to`} ta="right" data-none={!c.startedAt || undefined}>
              {c.startedAt ? sentTo(c.counts) : "–"}
            </Table.Td>
            <Table.Td data-label={t`Delivered`} ta="right" data-none={!c.counts.tried || undefined}>
              {c.counts.tried ? percentOf(share(c.counts.delivered, c.counts)) : "–"}
            </Table.Td>
            <Table.Td data-label={t`Read`} ta="right" data-none={!c.counts.tried || undefined}>
              {c.counts.tried ? percentOf(share(c.counts.read, c.counts)) : "–"}
            </Table.Td>
            <Table.Td data-label={t`Replied`} ta="right" data-none={!c.counts.tried || undefined}>
              {c.counts.tried ? percentOf(share(c.counts.replied, c.counts)) : "–"}
            </Table.Td>
            <Table.Td data-label={t`Start`} data-none={!(c.startedAt ?? c.nextRunAt) || undefined}>
              <When at={c.startedAt ?? c.nextRunAt} />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
      <Further
        page={data.campaigns.pageInfo}
        columns={7}
        next={(cursor) => <CampaignRows variables={variables} after={cursor} />}
      />
    </>
  );
}
