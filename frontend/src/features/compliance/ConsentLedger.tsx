import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { Card, Group, Select, Stack, Table, Text } from "@mantine/core";
import { IconChecks } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { ConsentEvidence, seldomRead } from "../../components/ConsentEvidence";
import { Failed } from "../../components/Failed";
import { More } from "../../components/More";
import { nameOf, numberOf } from "../../components/Person";
import { SearchSelect } from "../../components/SearchSelect";
import { Empty, Rows, Status } from "../../components/ui";
import { graphql } from "../../gql";
import type { ConsentLedgerQuery, ConsentSource, ConsentStatus } from "../../gql/graphql";
import { chosen, useAddress } from "../../lib/address";
import { languageName, moment, words } from "../../lib/format";
import { useLasting } from "../../lib/lasting";
import { usePages } from "../../lib/pages";
import { ContactChoicesDocument } from "../contacts/choices";

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
  const contactId = search.id ?? null;
  const pages = usePages<Row>(`${status} ${source} ${contactId}`);
  const [{ data, error, fetching }, load] = useLasting({
    query: LedgerDocument,
    variables: { filter: { status, source, contactId }, after: pages.after },
    requestPolicy: "cache-and-network",
  });
  const rows = pages.with(data?.consentEvents.nodes);
  return (
    <Stack>
      <Group>
        <SearchSelect
          aria-label={t`Contact`}
          placeholder={t`Name or number`}
          document={ContactChoicesDocument}
          shown={(c) => [nameOf(c), numberOf(c)].filter(Boolean).join(" · ")}
          nothingFoundMessage={t`No contact`}
          clearable
          w={{ base: "100%", xs: 258 }}
          value={contactId}
          onChange={(v) => change({ id: v ?? undefined })}
        />
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
      {error && rows.length === 0 ? (
        // Below the filters: what the address holds may be what is wrong, and is changed there.
        <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />
      ) : !data && rows.length === 0 ? (
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
                <Table.Th>{t`Recorded`}</Table.Th>
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
                    <Evidence of={e} />
                  </Table.Td>
                  <Table.Td data-label={t`Recorded`} style={{ whiteSpace: "nowrap" }}>
                    {moment(e.createdAt)}
                    {moment(e.occurredAt) !== moment(e.createdAt) && (
                      <Text size="xs" c="dimmed">{t`decided ${moment(e.occurredAt)}`}</Text>
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

/** What proves a decision; a word that decided is told as what they wrote. */
function Evidence({ of: e }: { of: Row }) {
  const brief = e.contact != null;
  const { text, language, ...others } = e.evidence as Record<string, unknown>;
  if (e.source !== "KEYWORD" || typeof text !== "string")
    return <ConsentEvidence event={e} none={t`none`} brief={brief} />;
  const word = <bdi>{text}</bdi>;
  const more = Object.keys(others).some((k) => !brief || !seldomRead.includes(k));
  return (
    <>
      <Text size="sm" lineClamp={brief ? 2 : undefined} style={{ overflowWrap: "anywhere" }}>
        {typeof language === "string" && language ? (
          <Trans>
            Wrote “{word}” ({languageName(language)})
          </Trans>
        ) : (
          <Trans>Wrote “{word}”</Trans>
        )}
      </Text>
      {more && <ConsentEvidence event={{ ...e, evidence: others }} none={t`none`} brief={brief} />}
    </>
  );
}
