import { Button, Card, Group, Select, Table, Text, Title } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useQuery } from "urql";
import { useMay } from "../../app/session";
import { Failed } from "../../components/Failed";
import { nameOf } from "../../components/Person";
import { LoadMore } from "../../components/ui";
import { graphql } from "../../gql";
import type { CampaignMessagesQuery, MessageStatus } from "../../gql/graphql";
import { useAddress } from "../../lib/address";
import { moment, skipText, waits, words } from "../../lib/format";
import { usePages } from "../../lib/pages";
import { Decide, MessageState } from "../messages/Decide";
import type { CampaignDetails } from "./CampaignPage";
import { PeopleBar } from "./PeopleBar";
import { messagesOf, peopleIn, peopleText, searchFor } from "./people";

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

type Row = CampaignMessagesQuery["messages"]["nodes"][number];

/** The messages of a campaign, newest contact first. */
export function CampaignMessages(props: { campaign: CampaignDetails; moving: number }) {
  const { id } = props.campaign;
  const { search, change } = useAddress();
  const may = useMay("MARKETER");
  const undecided = search.status === needsDecision;
  const status = messageStatuses.find((s) => s === search.status) ?? null;
  const people = peopleIn(search.status);
  const pages = usePages<Row>(`${id} ${search.status}`);
  const [{ data, fetching, error }, load] = useQuery({
    query: CampaignMessagesDocument,
    variables: {
      filter: {
        campaignId: id,
        ...(status && { status }),
        ...(undecided && { needsDecision: true }),
        ...(people && messagesOf(people)),
      },
      after: pages.after,
      counted: people !== null,
    },
    pause: props.moving === 0,
  });
  const again = () => {
    pages.top();
    load({ requestPolicy: "network-only" });
  };
  const rows = pages.with(data?.messages.nodes);
  return (
    <Card padding={0} id="messages">
      <Group justify="space-between" p="md" pb={0}>
        <Title order={2} size="h4">
          Messages
        </Title>
        <Group gap="xs">
          <Select
            aria-label="Status of messages"
            placeholder="Any status"
            clearable
            data={[
              { value: needsDecision, label: "Needs a decision" },
              ...messageStatuses.map((s) => ({ value: s, label: words(s) })),
              ...(people ? [{ value: searchFor(people), label: peopleText(people) }] : []),
            ]}
            value={undecided ? needsDecision : people ? searchFor(people) : status}
            onChange={(v) => change({ status: v ?? undefined }, { replace: true, resetScroll: false })}
            w={190}
          />
          <Button component="a" href={`/downloads/campaigns/${id}/messages.csv`} download variant="default">
            Export
          </Button>
          <Button component="a" href={`/downloads/campaigns/${id}/messages.xlsx`} download variant="default">
            Excel
          </Button>
          <Button variant="default" onClick={again} loading={fetching}>
            Refresh
          </Button>
        </Group>
      </Group>
      {people && data && <PeopleBar campaign={props.campaign} people={people} n={data.messages.totalCount ?? 0} />}
      {error ? (
        <Failed error={error} retry={again} />
      ) : (
        <Table className="cards">
          <Table.Thead>
            <Table.Tr>
              {["Contact", "Status", "Text", "Why", "Handed over"].map((h) => (
                <Table.Th key={h}>{h}</Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map((m) => (
              <Table.Tr key={m.id}>
                <Table.Td data-label="Contact">
                  {m.contact && (
                    <Link to="/contacts/$id" params={{ id: m.contact.id }} className="plain">
                      {nameOf(m.contact)}
                    </Link>
                  )}
                </Table.Td>
                <Table.Td data-label="Status">
                  <MessageState of={m} />
                </Table.Td>
                <Table.Td data-label="Text">
                  <Text size="sm" lineClamp={1} maw={460}>
                    {m.body ||
                      (m.skipReason
                        ? skipText(m.skipReason)
                        : m.notBefore
                          ? waits(m.notBefore, m.notBeforeReason)
                          : "–")}
                  </Text>
                  {m.body && m.notBefore && (
                    <Text size="xs" c="dimmed">
                      {waits(m.notBefore, m.notBeforeReason)}
                    </Text>
                  )}
                  {m.decisionSince && may && (
                    <Decide of={{ ids: [m.id] }} n={1} about={m.contact ? nameOf(m.contact) : m.id} onDone={again} />
                  )}
                  {m.errorMessage && (
                    <Text size="xs" c="red">
                      {m.errorMessage}
                    </Text>
                  )}
                </Table.Td>
                <Table.Td data-label="Why">
                  <Link to="/messages/$id" params={{ id: m.id }} className="plain">
                    Why?
                  </Link>
                </Table.Td>
                <Table.Td data-label="Handed over">{m.acceptedAt ? moment(m.acceptedAt) : "–"}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
      <LoadMore
        more={data?.messages.pageInfo.hasNextPage}
        loading={fetching}
        onMore={() => pages.next(data?.messages.pageInfo.endCursor, rows)}
      />
    </Card>
  );
}
