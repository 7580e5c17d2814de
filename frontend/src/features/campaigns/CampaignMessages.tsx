import { Button, Card, Group, Select, Table, Text, Title } from "@mantine/core";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useQuery } from "urql";
import { useMay } from "../../app/session";
import { Failed, LoadMore } from "../../components/ui";
import { graphql } from "../../gql";
import type { CampaignMessagesQuery, MessageStatus } from "../../gql/graphql";
import { moment, skipText, waits, words } from "../../lib/format";
import { usePages } from "../../lib/pages";
import { Decide, MessageState } from "../messages/Decide";

const CampaignMessagesDocument = graphql(`
  query CampaignMessages($filter: MessageFilter!, $after: String) {
    messages(filter: $filter, first: 25, after: $after) {
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
          address
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
export function CampaignMessages(props: { id: string; moving: number }) {
  const search = useSearch({ from: "__root__" });
  const navigate = useNavigate();
  const may = useMay("MARKETER");
  const undecided = search.status === needsDecision;
  const status = messageStatuses.find((s) => s === search.status) ?? null;
  const pages = usePages<Row>(`${props.id} ${search.status}`);
  const [{ data, fetching, error }, load] = useQuery({
    query: CampaignMessagesDocument,
    variables: {
      filter: { campaignId: props.id, ...(status && { status }), ...(undecided && { needsDecision: true }) },
      after: pages.after,
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
            ]}
            value={undecided ? needsDecision : status}
            onChange={(v) =>
              navigate({
                to: "/campaigns/$id",
                params: { id: props.id },
                search: { ...search, status: v ?? undefined },
                replace: true,
                resetScroll: false,
              })
            }
            w={190}
          />
          <Button component="a" href={`/downloads/campaigns/${props.id}/messages.csv`} download variant="default">
            Export
          </Button>
          <Button component="a" href={`/downloads/campaigns/${props.id}/messages.xlsx`} download variant="default">
            Excel
          </Button>
          <Button variant="default" onClick={again} loading={fetching}>
            Refresh
          </Button>
        </Group>
      </Group>
      {error ? (
        <Failed error={error} retry={again} />
      ) : (
        <Table className="cards">
          <Table.Thead>
            <Table.Tr>
              {["Contact", "Status", "Text", "Why", "Accepted"].map((h) => (
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
                      {m.contact.name || m.contact.address}
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
                    <Decide
                      of={{ ids: [m.id] }}
                      n={1}
                      about={m.contact ? m.contact.name || m.contact.address : m.id}
                      onDone={again}
                    />
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
                <Table.Td data-label="Accepted">{m.acceptedAt ? moment(m.acceptedAt) : "–"}</Table.Td>
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
