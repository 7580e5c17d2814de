import { t } from "@lingui/core/macro";
import { Card, Group, Select, Stack, Table, Text } from "@mantine/core";
import { IconChecks } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { ConsentEvidence } from "../../components/ConsentEvidence";
import { Failed } from "../../components/Failed";
import { More } from "../../components/More";
import { nameOf } from "../../components/Person";
import { Empty, Rows, Status } from "../../components/ui";
import { graphql } from "../../gql";
import type { ConsentLedgerQuery, ConsentSource, ConsentStatus } from "../../gql/graphql";
import { chosen, useAddress } from "../../lib/address";
import { moment, words } from "../../lib/format";
import { useLasting } from "../../lib/lasting";
import { usePages } from "../../lib/pages";

const LedgerDocument = graphql(`
  query ConsentLedger($filter: ConsentEventFilter, $after: String) {
    consentEvents(filter: $filter, first: 50, after: $after) {
      pageInfo {
        hasNextPage
        endCursor
      }
      nodes {
        id
        purpose
        status
        source
        ...ConsentEvidence
        occurredAt
        createdAt
        operator {
          id
          name
        }
        contact {
          id
          name
          displayAddress
        }
      }
    }
  }
`);

type Row = ConsentLedgerQuery["consentEvents"]["nodes"][number];

const decisions = ["OPTED_IN", "OPTED_OUT"] satisfies ConsentStatus[];
const sources: ConsentSource[] = ["IMPORT", "OPERATOR", "API", "KEYWORD", "FORM", "PROVIDER"];

/** Every decision, with its proof. */
export function ConsentLedger() {
  const { search, change } = useAddress();
  const status = chosen(decisions, search.status);
  const source = chosen(sources, search.source);
  const pages = usePages<Row>(`${status} ${source}`);
  const [{ data, error, fetching }, load] = useLasting({
    query: LedgerDocument,
    variables: { filter: { status, source }, after: pages.after },
    requestPolicy: "cache-and-network",
  });
  const rows = pages.with(data?.consentEvents.nodes);
  if (error && rows.length === 0) return <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />;
  return (
    <Stack>
      <Group>
        <Select
          aria-label={t`Decision`}
          placeholder={t`Any decision`}
          w={{ base: "100%", xs: 258 }}
          clearable
          data={decisions.map((d) => ({ value: d, label: words(d) }))}
          value={status}
          onChange={(v) => change({ status: v ?? undefined })}
        />
        <Select
          aria-label={t`Source`}
          placeholder={t`Any source`}
          w={{ base: "100%", xs: 258 }}
          clearable
          data={sources.map((s) => ({ value: s, label: words(s) }))}
          value={source}
          onChange={(v) => change({ source: v ?? undefined })}
        />
      </Group>
      {!data && rows.length === 0 ? (
        <Rows />
      ) : rows.length === 0 ? (
        <Empty
          icon={<IconChecks />}
          title={t`Nothing recorded`}
        >{t`Consent comes with imports, by hand, by keyword or through the API. The ledger cannot be changed afterwards.`}</Empty>
      ) : (
        <Card padding={0}>
          <Table className="cards">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t`Contact`}</Table.Th>
                <Table.Th>{t`Decision`}</Table.Th>
                <Table.Th>{t`Source`}</Table.Th>
                <Table.Th>{t`Evidence`}</Table.Th>
                <Table.Th>{t`Decided`}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {rows.map((e) => (
                <Table.Tr key={e.id}>
                  <Table.Td data-label={t`Contact`}>
                    {e.contact ? (
                      <Link to="/contacts/$id" params={{ id: e.contact.id }} className="plain">
                        {nameOf(e.contact)}
                      </Link>
                    ) : (
                      t`Erased contact`
                    )}
                  </Table.Td>
                  <Table.Td data-label={t`Decision`}>
                    <Status value={e.status} />
                    {e.purpose === "UTILITY" && <Text size="xs" c="dimmed">{t`utility messages`}</Text>}
                  </Table.Td>
                  <Table.Td data-label={t`Source`}>
                    {words(e.source)}
                    {e.operator && (
                      <Text size="xs" c="dimmed">
                        {e.operator.name}
                      </Text>
                    )}
                  </Table.Td>
                  <Table.Td data-label={t`Evidence`}>
                    <ConsentEvidence event={e} none={t`none`} brief={e.contact != null} />
                  </Table.Td>
                  <Table.Td data-label={t`Decided`} style={{ whiteSpace: "nowrap" }}>
                    {moment(e.occurredAt)}
                    {moment(e.createdAt) !== moment(e.occurredAt) && (
                      <Text size="xs" c="dimmed">{t`recorded ${moment(e.createdAt)}`}</Text>
                    )}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Card>
      )}
      <More
        error={rows.length > 0 ? error : undefined}
        retry={() => load({ requestPolicy: "network-only" })}
        more={data?.consentEvents.pageInfo.hasNextPage}
        loading={fetching}
        onMore={() => pages.next(data?.consentEvents.pageInfo.endCursor, rows)}
      />
    </Stack>
  );
}
