import { t } from "@lingui/core/macro";
import { Alert, Card, Stack, Table, Text } from "@mantine/core";
import { IconCircleCheck } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useMay } from "../../app/session";
import { Failed } from "../../components/Failed";
import { More } from "../../components/More";
import { nameOf } from "../../components/Person";
import { Empty, Page, Rows } from "../../components/ui";
import { graphql } from "../../gql";
import type { DecisionsQuery } from "../../gql/graphql";
import { count, moment, words } from "../../lib/format";
import { useLasting } from "../../lib/lasting";
import { usePages } from "../../lib/pages";
import { Decide, Risks } from "./Decide";

const DecisionsDocument = graphql(`
  query Decisions($after: String) {
    messages(filter: { needsDecision: true }, first: 100, after: $after) {
      totalCount
      pageInfo {
        hasNextPage
        endCursor
      }
      nodes {
        id
        purpose
        body
        decisionSince
        contact {
          id
          name
          displayAddress
        }
        campaign {
          id
          name
        }
      }
    }
  }
`);

type Row = DecisionsQuery["messages"]["nodes"][number];

/** All messages about which only a person can decide, of campaigns and outside of them. */
export function DecisionsPage() {
  const may = useMay("MARKETER");
  const pages = usePages<Row>();
  const [{ data, error, fetching }, load] = useLasting({
    query: DecisionsDocument,
    variables: { after: pages.after },
    requestPolicy: "cache-and-network",
  });
  const again = () => {
    pages.top();
    load({ requestPolicy: "network-only" });
  };
  const rows = pages.with(data?.messages.nodes);
  const shown = rows.slice(0, 200); // as many as one call decides about
  return (
    <Page
      title={t`Unconfirmed messages`}
      description={t`Messages that Twilio may or may not have accepted`}
      up={{ to: "/monitoring", label: t`Monitoring` }}
    >
      {error && rows.length === 0 ? (
        <Failed error={error} retry={again} />
      ) : !data && rows.length === 0 ? (
        <Rows />
      ) : rows.length === 0 ? (
        <Empty
          icon={<IconCircleCheck />}
          title={t`Nothing needs a decision`}
        >{t`When Twilio does not answer, delivery receipts and Twilio’s log usually settle what happened. What they cannot settle appears here.`}</Empty>
      ) : (
        <>
          <Alert color="yellow" title={t`${count(data?.messages.totalCount ?? rows.length)} in all`}>
            <Stack gap="xs" align="flex-start">
              <Text size="sm">{t`Their calls got no answer. The engine goes on looking for them; a receipt that comes late settles them too. Look into Twilio's own log before you decide.`}</Text>
              <Risks />
              {may && shown.length > 1 && (
                <>
                  <Text size="sm">{t`About the ${count(shown.length)} shown here:`}</Text>
                  <Decide
                    of={{ ids: shown.map((r) => r.id) }}
                    n={shown.length}
                    about={t`the ${count(shown.length)} shown`}
                    onDone={again}
                  />
                </>
              )}
            </Stack>
          </Alert>
          <Card padding={0}>
            <Table className="cards">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t`Contact`}</Table.Th>
                  <Table.Th>{t`Message`}</Table.Th>
                  <Table.Th>{t`Since`}</Table.Th>
                  <Table.Th>{t`Why`}</Table.Th>
                  {may && <Table.Th>{t`Decide`}</Table.Th>}
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {rows.map((r) => {
                  const who = r.contact ? nameOf(r.contact) : t`An erased contact`;
                  return (
                    <Table.Tr key={r.id}>
                      <Table.Td data-label={t`Contact`}>
                        {r.contact ? (
                          <Link to="/contacts/$id" params={{ id: r.contact.id }} className="plain">
                            {who}
                          </Link>
                        ) : (
                          who
                        )}
                      </Table.Td>
                      <Table.Td data-label={t`Message`}>
                        {r.campaign ? (
                          <Link to="/campaigns/$id" params={{ id: r.campaign.id }} className="plain">
                            {r.campaign.name}
                          </Link>
                        ) : (
                          words(r.purpose)
                        )}
                        <Text dir="auto" size="xs" c="dimmed" lineClamp={1} maw={420}>
                          {r.body}
                        </Text>
                      </Table.Td>
                      <Table.Td data-label={t`Since`}>{moment(r.decisionSince)}</Table.Td>
                      <Table.Td data-label={t`Why`}>
                        <Link to="/messages/$id" params={{ id: r.id }} className="plain">{t`Why?`}</Link>
                      </Table.Td>
                      {may && (
                        <Table.Td data-label={t`Decide`}>
                          <Decide of={{ ids: [r.id] }} n={1} about={who} onDone={again} />
                        </Table.Td>
                      )}
                    </Table.Tr>
                  );
                })}
              </Table.Tbody>
            </Table>
          </Card>
        </>
      )}
      <More
        error={rows.length > 0 ? error : undefined}
        retry={() => load({ requestPolicy: "network-only" })}
        more={data?.messages.pageInfo.hasNextPage}
        loading={fetching}
        onMore={() => pages.next(data?.messages.pageInfo.endCursor, rows)}
      />
    </Page>
  );
}
