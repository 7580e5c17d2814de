import { plural, t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { Button, Card, Code, Group, SegmentedControl, Select, Stack, Table, Text, TextInput } from "@mantine/core";
import { IconSearch, IconWebhook } from "@tabler/icons-react";
import { useState } from "react";
import { useMutation } from "urql";
import { Dialog } from "../../components/Dialog";
import { Failed } from "../../components/Failed";
import { More } from "../../components/More";
import { Empty, Page, Rows, Status } from "../../components/ui";
import { graphql } from "../../gql";
import type { WebhookEventFilter, WebhooksQuery } from "../../gql/graphql";
import { chosen, useAddress, useAddressText } from "../../lib/address";
import { settled } from "../../lib/errors";
import { momentToTheSecond, words } from "../../lib/format";
import { useLasting } from "../../lib/lasting";
import { notifications } from "../../lib/notifications";
import { usePages } from "../../lib/pages";
import { sourceTexts, stateOf, Told } from "./webhooks";

const WebhooksDocument = graphql(`
  query Webhooks($filter: WebhookEventFilter, $after: String) {
    webhookEvents(filter: $filter, first: 50, after: $after) {
      pageInfo {
        hasNextPage
        endCursor
      }
      nodes {
        id
        ...WebhookTold
        sid
        source
        happenedAt
        arrivedAt
        recordedAt
        appliedAt
        attempts
        nextAttemptAt
        error
        notice
      }
    }
  }
`);
const ReplayDocument = graphql(`
  mutation WebhookReplay($input: WebhookEventReplayInput!) {
    webhookEventReplay(input: $input) {
      webhookEvent {
        id
        appliedAt
        attempts
        nextAttemptAt
        error
        notice
      }
      userErrors {
        field
        message
      }
    }
  }
`);

type Row = WebhooksQuery["webhookEvents"]["nodes"][number];

const shelves: Record<string, WebhookEventFilter> = {
  all: {},
  inbound: { kind: "INBOUND" },
  status: { kind: "STATUS" },
  waiting: { waiting: true },
  parked: { parked: true },
  failed: { failed: true },
  flagged: { flagged: true },
};

const shelfNames = [
  { value: "all", label: t`All` },
  { value: "inbound", label: t`Inbound` },
  { value: "status", label: t`Status` },
  { value: "waiting", label: t`Waiting` },
  { value: "parked", label: t`To retry` },
  { value: "failed", label: t`No effect` },
  { value: "flagged", label: t`Flagged` },
];

/** Whether a text is the SID of a message. */
const isSid = (text: string) => /^(SM|MM)[0-9a-f]{32}$/i.test(text);

/** What Twilio sent, as it came; replaying one is harmless. */
export function WebhooksPage() {
  const { search, change } = useAddress();
  const shelf = chosen(Object.keys(shelves), search.status) ?? "all";
  const [text, setText] = useAddressText("q", 350);
  const [open, setOpen] = useState<Row | null>(null);
  const filter: WebhookEventFilter = {
    ...shelves[shelf],
    ...(search.q ? (isSid(search.q) ? { sid: search.q } : { address: search.q }) : {}),
  };
  const pages = usePages<Row>(JSON.stringify(filter));
  const [{ data, error, fetching }, load] = useLasting({
    query: WebhooksDocument,
    variables: { filter, after: pages.after },
    requestPolicy: "cache-and-network",
  });
  const [replaying, replay] = useMutation(ReplayDocument);
  const choose = (v: string) => change({ status: v === "all" ? undefined : v });
  const rows = pages.with(data?.webhookEvents.nodes);
  const again = async (row: Row) => {
    const result = await replay({ input: { id: row.id } });
    if (!settled(result)) return;
    const e = result.data?.webhookEventReplay.webhookEvent;
    notifications.show({
      color: "green",
      message: e?.appliedAt ? t`Applied again` : t`It is being applied again`,
    });
    load({ requestPolicy: "network-only" });
  };
  return (
    <Page
      title={t`Webhook events`}
      description={t`Requests from Twilio as they were received; the content of erased contacts is removed`}
      up={{ to: "/monitoring", label: t`Monitoring` }}
    >
      <Group>
        <SegmentedControl visibleFrom="xs" value={shelf} onChange={choose} data={shelfNames} />
        <Select
          aria-label={t`Events shown`}
          hiddenFrom="xs"
          w="100%"
          allowDeselect={false}
          value={shelf}
          onChange={(v) => choose(v ?? "all")}
          data={shelfNames}
        />
        <TextInput
          aria-label={t`Search webhook events`}
          placeholder={t`Number, or SM… of a message`}
          leftSection={<IconSearch size={16} />}
          value={text}
          onChange={(e) => setText(e.currentTarget.value)}
          w={{ base: "100%", xs: 300 }}
        />
      </Group>
      <Dialog
        opened={open !== null}
        onClose={() => setOpen(null)}
        title={open ? `${words(open.kind)} · ${open.sid}` : ""}
        size="lg"
      >
        {open && (
          <Stack>
            <Group gap="xs">
              <Status {...stateOf(open)} />
              {sourceTexts[open.source] && <Text size="sm">{sourceTexts[open.source]}</Text>}
            </Group>
            {open.error && (
              <Text dir="auto" c="red">
                {open.error}
              </Text>
            )}
            {open.notice && <Text>{open.notice}</Text>}
            {!open.appliedAt && open.nextAttemptAt && (
              <Text size="sm">
                {plural(open.attempts, {
                  one: "# attempt to apply it failed.",
                  other: "# attempts to apply it failed.",
                })}{" "}
                {t`It is tried again ${momentToTheSecond(open.nextAttemptAt)}; later messages of the same contact wait behind it, but for an opt-out. Replay tries it at once.`}
              </Text>
            )}
            <Table withRowBorders={false} verticalSpacing={2}>
              <Table.Tbody>
                {[
                  [t`Happened`, open.happenedAt ? momentToTheSecond(open.happenedAt) : t`Twilio did not say`],
                  [t`Arrived`, momentToTheSecond(open.arrivedAt)],
                  [t`Recorded`, momentToTheSecond(open.recordedAt)],
                  [t`Applied`, open.appliedAt ? momentToTheSecond(open.appliedAt) : t`not yet`],
                ].map(([k, v]) => (
                  <Table.Tr key={k}>
                    <Table.Td c="dimmed" w={110}>
                      {k}
                    </Table.Td>
                    <Table.Td>{v}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
            <Code block style={{ overflowWrap: "anywhere", whiteSpace: "pre-wrap" }}>
              {JSON.stringify(open.params, null, 2)}
            </Code>
            <Group justify="flex-end">
              <Text size="sm" c="dimmed">{t`What it has changed already stays as it is.`}</Text>
              <Button variant="default" onClick={() => again(open)} loading={replaying.fetching}>{t`Replay`}</Button>
            </Group>
          </Stack>
        )}
      </Dialog>
      {error && rows.length === 0 ? (
        <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />
      ) : !data && rows.length === 0 ? (
        <Rows />
      ) : rows.length === 0 ? (
        <Empty icon={<IconWebhook />} title={search.q ? t`No events found` : t`No events yet`}>
          {search.q
            ? t`Search by a whole number with its country code, or by a message's SID.`
            : t`What Twilio reports about messages, and what contacts write, shows here as it came.`}
        </Empty>
      ) : (
        <Card padding={0}>
          <Table className="cards">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t`Received`}</Table.Th>
                <Table.Th>{t`Type`}</Table.Th>
                <Table.Th>{t`What`}</Table.Th>
                <Table.Th>{t`State`}</Table.Th>
                <Table.Th aria-label={t`Actions`} />
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {rows.map((r) => {
                const error = <bdi>{r.error}</bdi>;
                return (
                  <Table.Tr key={r.id}>
                    <Table.Td data-label={t`Received`}>
                      {momentToTheSecond(r.arrivedAt)}
                      {sourceTexts[r.source] && (
                        <Text size="xs" c="dimmed">
                          {sourceTexts[r.source]}
                        </Text>
                      )}
                    </Table.Td>
                    <Table.Td data-label={t`Type`}>{words(r.kind)}</Table.Td>
                    <Table.Td data-label={t`What`}>
                      <Text size="sm" lineClamp={1} maw={560} style={{ overflowWrap: "anywhere" }}>
                        <Told event={r} />
                      </Text>
                      <Text size="xs" c="dimmed">
                        {r.sid}
                      </Text>
                    </Table.Td>
                    <Table.Td data-label={t`State`}>
                      <Status {...stateOf(r)} />
                      {!r.appliedAt && r.nextAttemptAt && (
                        <Text size="xs" c="dimmed" maw={260} style={{ overflowWrap: "anywhere" }}>
                          <Trans>
                            {error}; again {momentToTheSecond(r.nextAttemptAt)}
                          </Trans>
                        </Text>
                      )}
                    </Table.Td>
                    <Table.Td ta="right">
                      <Button size="xs" variant="default" onClick={() => setOpen(r)}>{t`Details`}</Button>
                    </Table.Td>
                  </Table.Tr>
                );
              })}
            </Table.Tbody>
          </Table>
        </Card>
      )}
      <More
        error={rows.length > 0 ? error : undefined}
        retry={() => load({ requestPolicy: "network-only" })}
        more={data?.webhookEvents.pageInfo.hasNextPage}
        loading={fetching}
        onMore={() => pages.next(data?.webhookEvents.pageInfo.endCursor, rows)}
      />
    </Page>
  );
}
