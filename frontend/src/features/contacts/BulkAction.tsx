import { plural, t } from "@lingui/core/macro";
import { Anchor, Button, Card, Group, Progress, Stack, Table, Text } from "@mantine/core";
import { IconDownload, IconStack2 } from "@tabler/icons-react";
import { useMutation, useSubscription } from "urql";
import { useMay } from "../../app/session";
import { Failed } from "../../components/Failed";
import { More } from "../../components/More";
import { Empty, Live, Page, Rows, Status } from "../../components/ui";
import { graphql } from "../../gql";
import type { BulkActionStateFragment, BulkActionsQuery } from "../../gql/graphql";
import { errorText, settled } from "../../lib/errors";
import { capital, contacts, count, decisionText, duration, midSentence, moment, quoted, words } from "../../lib/format";
import { useLasting } from "../../lib/lasting";
import { usePages } from "../../lib/pages";

export const BulkActionState = graphql(`
  fragment BulkActionState on BulkAction {
    id
    kind
    status
    failure
    total
    done
    changed
    options
    topic {
      id
      name
    }
    downloadUrl
    redaction {
      done
      gone
      waiting
      refused {
        reason
        count
      }
    }
    createdAt
    startedAt
    finishedAt
  }
`);

const ProgressDocument = graphql(`
  subscription BulkActionProgress($id: ID!) {
    bulkActionProgress(id: $id) {
      ...BulkActionState
    }
  }
`);

const CancelDocument = graphql(`
  mutation BulkActionCancel($input: BulkActionCancelInput!) {
    bulkActionCancel(input: $input) {
      action {
        id
        status
        finishedAt
      }
      userErrors {
        message
      }
    }
  }
`);

const BulkActionsDocument = graphql(`
  query BulkActions($after: String) {
    bulkActions(first: 50, after: $after) {
      pageInfo {
        hasNextPage
        endCursor
      }
      nodes {
        ...BulkActionState
        operator {
          id
          name
        }
      }
    }
  }
`);

type Action = BulkActionStateFragment;
type Row = BulkActionsQuery["bulkActions"]["nodes"][number];

const tags = (all: string[]) => all.map(quoted).join(", ");

/** What an action does, in words. */
function sentence(a: Pick<Action, "kind" | "options" | "topic">): string {
  const o = a.options as {
    addTags?: string[];
    removeTags?: string[];
    status?: string;
    purpose?: string;
    reason?: string;
    format?: string;
  };
  switch (a.kind) {
    case "TAG":
      return [
        o.addTags &&
          plural(o.addTags.length, { one: `add the tag ${tags(o.addTags)}`, other: `add the tags ${tags(o.addTags)}` }),
        o.removeTags &&
          plural(o.removeTags.length, {
            one: `remove the tag ${tags(o.removeTags)}`,
            other: `remove the tags ${tags(o.removeTags)}`,
          }),
      ]
        .filter(Boolean)
        .join(", ");
    case "TOPIC":
      if (!a.topic) return o.status === "LEFT" ? t`unsubscribe from a deleted topic` : t`subscribe to a deleted topic`;
      return o.status === "LEFT"
        ? t`unsubscribe from ${quoted(a.topic.name)}`
        : t`subscribe to ${quoted(a.topic.name)}`;
    case "CONSENT":
      return t`record: ${midSentence(decisionText(o.status ?? "", o.purpose))}`;
    case "SUPPRESS":
      return t`suppress (${midSentence(words(o.reason ?? ""))})`;
    case "EXPORT":
      return t`export as ${o.format ?? ""}`;
    default:
      return t`erase`;
  }
}

/** What became of the erased messages at Twilio. */
function Redaction({ of }: { of: NonNullable<Action["redaction"]> }) {
  const parts = [
    of.done > 0 && plural(of.done, { one: "the text of # message removed", other: "the texts of # messages removed" }),
    of.gone > 0 && t`${count(of.gone)} no longer there`,
    of.waiting > 0 && t`${count(of.waiting)} waiting`,
    ...of.refused.map((r) => t`${count(r.count)} refused: ${r.reason}`),
  ].filter(Boolean);
  return <Text size="xs" c={of.refused.length > 0 ? "red" : "dimmed"}>{t`At Twilio: ${parts.join(", ")}`}</Text>;
}

/** An action under way, live; gone when the reader closes it. */
export function BulkProgress(props: { id: string; onClose: () => void }) {
  const [{ data, error }] = useSubscription({ query: ProgressDocument, variables: { id: props.id } });
  const [, cancel] = useMutation(CancelDocument);
  const a = data?.bulkActionProgress as Action | undefined;
  if (error) return <Text c="red">{errorText(error)}</Text>;
  if (!a) return <Progress value={0} animated aria-label={t`Progress of the action`} />;
  const waiting = a.kind === "EXPORT" && a.status === "PENDING";
  const seconds = a.startedAt ? (Date.now() - new Date(a.startedAt).getTime()) / 1000 : 0;
  const left =
    !a.finishedAt && seconds > 1 && a.done > 0 ? t`${duration(((a.total - a.done) * seconds) / a.done)} left` : "";
  return (
    <Card padding="sm">
      <Stack gap="xs">
        <Group justify="space-between">
          <Text size="sm" fw={550}>{t`${contacts(a.total)}: ${sentence(a)}`}</Text>
          <Group gap="xs">
            <Status value={a.status} />
            {waiting && a.downloadUrl && (
              <Button component="a" href={a.downloadUrl} download size="xs">{t`Download`}</Button>
            )}
            {!a.finishedAt && (
              <Button
                size="xs"
                variant="default"
                onClick={async () => settled(await cancel({ input: { id: a.id } }))}
              >{t`Stop`}</Button>
            )}
            {(a.finishedAt || waiting) && (
              <Button size="xs" variant="default" onClick={props.onClose}>{t`Close`}</Button>
            )}
          </Group>
        </Group>
        <Progress
          value={a.total ? (a.done / a.total) * 100 : 100}
          animated={a.status === "RUNNING"}
          color={a.status === "FAILED" ? "red" : undefined}
          aria-label={t`Progress of the action`}
        />
        <Text size="xs" c="dimmed">
          {a.failure ||
            (waiting
              ? t`Ready. It is generated while you download it, and is available for a day.`
              : [
                  t`${count(a.done)} of ${count(a.total)}`,
                  ...(a.kind === "EXPORT" ? [] : [t`${count(a.changed)} changed`]),
                  ...(left ? [left] : []),
                ].join(", "))}
        </Text>
        {a.redaction && <Redaction of={a.redaction} />}
        <Live>{a.finishedAt ? t`${words(a.status)}: ${contacts(a.done)}` : ""}</Live>
      </Stack>
    </Card>
  );
}

/** History of bulk actions. */
export function BulkActionsPage() {
  const may = useMay("MARKETER");
  const pages = usePages<Row>();
  const [{ data, error, fetching }, load] = useLasting({
    query: BulkActionsDocument,
    variables: { after: pages.after },
  });
  const rows = pages.with(data?.bulkActions.nodes);
  if (error && rows.length === 0) return <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />;
  if (!data && rows.length === 0) return <Rows />;
  return (
    <Page
      up={{ to: "/contacts", label: t`Contacts` }}
      title={t`Bulk action history`}
      description={t`Changes made to several contacts at once`}
    >
      {rows.length === 0 ? (
        <Empty
          icon={<IconStack2 />}
          title={t`No bulk actions yet`}
        >{t`Select contacts in their list to tag, suppress, export or erase them together.`}</Empty>
      ) : (
        <Card padding={0}>
          <Table className="cards">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t`What`}</Table.Th>
                <Table.Th>{t`Status`}</Table.Th>
                <Table.Th ta="right">{t`Contacts`}</Table.Th>
                <Table.Th ta="right">{t`Changed`}</Table.Th>
                <Table.Th>{t`By`}</Table.Th>
                <Table.Th>{t`Started`}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {rows.map((a) => (
                <Table.Tr key={a.id}>
                  <Table.Td data-label={t`What`}>
                    {may && a.downloadUrl && a.status !== "CANCELED" ? (
                      <Anchor href={a.downloadUrl} download size="sm">
                        <IconDownload size={14} style={{ verticalAlign: "-2px", marginInlineEnd: 6 }} aria-hidden />
                        {capital(sentence(a))}
                      </Anchor>
                    ) : (
                      <Text size="sm">{capital(sentence(a))}</Text>
                    )}
                    {a.redaction && <Redaction of={a.redaction} />}
                  </Table.Td>
                  <Table.Td data-label={t`Status`}>
                    <Status value={a.status} />
                  </Table.Td>
                  <Table.Td data-label={t`Contacts`} ta="right">{t`${count(a.done)} of ${count(a.total)}`}</Table.Td>
                  <Table.Td data-label={t`Changed`} ta="right">
                    {a.kind === "EXPORT" ? "–" : count(a.changed)}
                  </Table.Td>
                  <Table.Td data-label={t`By`}>{a.operator?.name ?? "API"}</Table.Td>
                  <Table.Td data-label={t`Started`}>{moment(a.createdAt)}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Card>
      )}
      <More
        error={rows.length > 0 ? error : undefined}
        retry={() => load({ requestPolicy: "network-only" })}
        more={data?.bulkActions.pageInfo.hasNextPage}
        loading={fetching}
        onMore={() => pages.next(data?.bulkActions.pageInfo.endCursor, rows)}
      />
    </Page>
  );
}
