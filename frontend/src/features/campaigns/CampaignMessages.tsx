import { t } from "@lingui/core/macro";
import { Button, Card, Group, Select, Table, Text, Title } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { lazy, memo, Suspense, useMemo, useState } from "react";
import { useClient } from "urql";
import { useMay } from "../../app/session";
import { Failed } from "../../components/Failed";
import { nameOf } from "../../components/Person";
import { Rows } from "../../components/ui";
import { graphql } from "../../gql";
import type { CampaignMessagesQuery, MessageStatus } from "../../gql/graphql";
import { chosen, useAddress } from "../../lib/address";
import { useEndless } from "../../lib/endless";
import { moment, skipText, waits, words } from "../../lib/format";
import { useVirtualRows } from "../../lib/virtual";
import { MessageState } from "../messages/MessageState";
import type { CampaignDetails } from "./CampaignPage";
import { messagesOf, peopleIn, peopleText, searchFor } from "./people";

const Decide = lazy(async () => ({ default: (await import("../messages/Decide")).Decide }));
const KeepUp = lazy(async () => ({ default: (await import("./KeepUp")).KeepUp }));
const PeopleBar = lazy(async () => ({ default: (await import("./PeopleBar")).PeopleBar }));

const CampaignMessagesDocument = graphql(`
  query CampaignMessages($filter: MessageFilter!, $after: String, $counted: Boolean!) {
    messages(filter: $filter, first: 25, after: $after) {
      totalCount @include(if: $counted)
      pageInfo {
        hasNextPage
        endCursor
      }
      nodes {
        id
        status
        body
        skipReason
        errorMessage
        notBefore
        notBeforeReason
        decisionSince
        redeliveries
        acceptedAt
        contact {
          id
          name
          displayAddress
        }
      }
    }
  }
`);

/** Not a status: those that only a person can decide about. */
export const needsDecision = "DECISION";

const messageStatuses: MessageStatus[] = [
  "PENDING",
  "ACCEPTED",
  "SENT",
  "DELIVERED",
  "READ",
  "FAILED",
  "UNDELIVERED",
  "SKIPPED",
  "UNKNOWN",
  "CANCELED",
  "EXPIRED",
];

/** One message. Made again only when it has changed, and not with each step of scrolling. */
const MessageRow = memo(function MessageRow(props: {
  index: number;
  message: CampaignMessagesQuery["messages"]["nodes"][number];
  may: boolean;
  measure: (row: HTMLElement | null) => void;
  again: () => void;
}) {
  const m = props.message;
  return (
    <Table.Tr data-index={props.index} ref={props.measure} aria-rowindex={props.index + 2}>
      <Table.Td data-label={t`Contact`}>
        {m.contact && (
          <Link to="/contacts/$id" params={{ id: m.contact.id }} className="plain">
            {nameOf(m.contact)}
          </Link>
        )}
      </Table.Td>
      <Table.Td data-label={t`Status`}>
        <MessageState of={m} />
      </Table.Td>
      <Table.Td data-label={t`Text`}>
        <Text size="sm" lineClamp={1} maw={460}>
          {m.body ? <bdi>{m.body}</bdi> : m.skipReason ? skipText(m.skipReason) : (waits(m) ?? "–")}
        </Text>
        {m.body && waits(m) && (
          <Text size="xs" c="dimmed">
            {waits(m)}
          </Text>
        )}
        {m.decisionSince && props.may && (
          <Suspense>
            <Decide of={{ ids: [m.id] }} n={1} about={m.contact ? nameOf(m.contact) : m.id} onDone={props.again} />
          </Suspense>
        )}
        {m.errorMessage && (
          <Text size="xs" c="red">
            {m.errorMessage}
          </Text>
        )}
      </Table.Td>
      <Table.Td data-label={t`Why`}>
        <Link to="/messages/$id" params={{ id: m.id }} className="plain">{t`Why?`}</Link>
      </Table.Td>
      <Table.Td data-label={t`Handed over`}>{m.acceptedAt ? moment(m.acceptedAt) : "–"}</Table.Td>
    </Table.Tr>
  );
});

/** The messages of a campaign, newest contact first. */
export function CampaignMessages(props: { campaign: CampaignDetails; moving: number }) {
  const c = props.campaign;
  const { id } = c;
  const client = useClient();
  const { search, change } = useAddress();
  const may = useMay("MARKETER");
  const undecided = search.status === needsDecision;
  const status = chosen(messageStatuses, search.status);
  const people = peopleIn(search.status);
  const variables = {
    filter: {
      campaignId: id,
      ...(status && { status }),
      ...(undecided && { needsDecision: true }),
      ...(people && messagesOf(people)),
    },
    counted: people !== null,
  };
  const list = JSON.stringify(variables);
  const messages = useEndless(CampaignMessagesDocument, variables, (data) => data.messages, props.moving === 0);
  const { rows } = messages;
  const virtual = useVirtualRows({
    list,
    ids: useMemo(() => rows.map((m) => m.id), [rows]),
    height: 41,
    more: messages.more,
    onMore: messages.next,
  });
  // Where other rows would come or some would go, the list is as it was until somebody asks: nothing moves.
  const inPlace = c.status !== "PREPARING" && Object.keys(variables.filter).length === 1;
  const counts = JSON.stringify(c.counts);
  const [first] = useState(counts);
  const [changed, setChanged] = useState(""); // the list that has something new
  const again = () => {
    setChanged("");
    messages.again();
  };
  const space = (height: number) =>
    height > 0 && (
      <Table.Tr aria-hidden style={{ height, border: 0 }}>
        <Table.Td colSpan={5} p={0} />
      </Table.Tr>
    );
  return (
    <Card padding={0}>
      {counts !== first && (
        <Suspense>
          <KeepUp
            counts={counts}
            pages={messages.pages}
            near={{ from: virtual.items[0]?.index ?? 0, to: virtual.items.at(-1)?.index ?? 0 }}
            inPlace={inPlace}
            read={(after) =>
              void client
                .query(CampaignMessagesDocument, { ...variables, after }, { requestPolicy: "network-only" })
                .toPromise()
            }
            onNew={() => setChanged(list)}
          />
        </Suspense>
      )}
      <Group justify="space-between" px="lg" pt="md">
        <Title order={2} size="h4">{t`Messages`}</Title>
        <Group gap="xs">
          <Select
            aria-label={t`Status of messages`}
            placeholder={t`Any status`}
            clearable
            data={[
              { value: needsDecision, label: t`Needs a decision` },
              ...messageStatuses.map((s) => ({ value: s, label: words(s) })),
              ...(people ? [{ value: searchFor(people), label: peopleText(people) }] : []),
            ]}
            value={undecided ? needsDecision : people ? searchFor(people) : status}
            onChange={(v) => change({ status: v ?? undefined }, { replace: true, resetScroll: false })}
            w={190}
          />
          <Button
            component="a"
            href={`/downloads/campaigns/${id}/messages.csv`}
            download
            variant="default"
          >{t`Export`}</Button>
          <Button
            component="a"
            href={`/downloads/campaigns/${id}/messages.xlsx`}
            download
            variant="default"
          >{t`Excel`}</Button>
          <Button variant={changed === list ? "light" : "default"} onClick={again}>
            {changed === list ? t`Show what is new` : t`Refresh`}
          </Button>
        </Group>
      </Group>
      {people && messages.first && (
        <Suspense>
          <PeopleBar campaign={props.campaign} people={people} n={messages.first.messages.totalCount ?? 0} />
        </Suspense>
      )}
      {messages.error && !messages.known ? (
        <Failed error={messages.error} retry={messages.retry} />
      ) : (
        <Table className="cards" layout="fixed" aria-rowcount={messages.more ? -1 : rows.length + 1}>
          <Table.Thead>
            <Table.Tr aria-rowindex={1}>
              {/* Widths of their own: those that follow from the rows would change with each step of scrolling. */}
              <Table.Th w="22%">{t`Contact`}</Table.Th>
              <Table.Th w="20%">{t`Status`}</Table.Th>
              <Table.Th>{t`Text`}</Table.Th>
              <Table.Th w={80}>{t`Why`}</Table.Th>
              <Table.Th w={160}>{t`Handed over`}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody ref={virtual.body}>
            {space(virtual.before)}
            {virtual.items.map(({ index, key }) => {
              const m = rows[index];
              return (
                m && (
                  <MessageRow key={key} index={index} message={m} may={may} measure={virtual.measure} again={again} />
                )
              );
            })}
            {space(virtual.behind)}
          </Table.Tbody>
        </Table>
      )}
      {messages.fetching && rows.length > 0 && <Rows n={2} />}
      {messages.error && messages.known && <Failed error={messages.error} retry={messages.retry} />}
    </Card>
  );
}
