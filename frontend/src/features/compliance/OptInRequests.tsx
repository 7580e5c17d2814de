import { plural, t } from "@lingui/core/macro";
import { Card, Group, Select, Stack, Table, Text } from "@mantine/core";
import { IconMessageQuestion } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { Failed } from "../../components/Failed";
import { More } from "../../components/More";
import { isOpen, Moment, optInStatuses, QuestionLink } from "../../components/OptInRequest";
import { nameOf } from "../../components/Person";
import { Empty, Rows, Status } from "../../components/ui";
import { graphql } from "../../gql";
import type { OptInRequestStatus, OptInRequestsQuery } from "../../gql/graphql";
import { chosen, useAddress } from "../../lib/address";
import { moment, words } from "../../lib/format";
import { useLasting } from "../../lib/lasting";
import { usePages } from "../../lib/pages";

const RequestsDocument = graphql(`
  query OptInRequests($status: OptInRequestStatus, $after: String) {
    optInRequests(status: $status, first: 50, after: $after) {
      totalCount
      pageInfo {
        hasNextPage
        endCursor
      }
      nodes {
        ...OptInRequestState
        source
        createdAt
        contact {
          id
          name
          displayAddress
        }
      }
    }
  }
`);

type Row = OptInRequestsQuery["optInRequests"]["nodes"][number];

/** Consents that count only once their people have confirmed them on WhatsApp. */
export function OptInRequests() {
  const { search, change } = useAddress();
  const status = chosen(Object.keys(optInStatuses) as OptInRequestStatus[], search.status);
  const pages = usePages<Row>(status ?? "");
  const [{ data, error, fetching }, load] = useLasting({
    query: RequestsDocument,
    variables: { status, after: pages.after },
    requestPolicy: "cache-and-network",
  });
  const rows = pages.with(data?.optInRequests.nodes);
  if (error && rows.length === 0) return <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />;
  return (
    <Stack>
      <Group>
        <Select
          aria-label={t`Status`}
          placeholder={t`Any status`}
          clearable
          data={Object.entries(optInStatuses).map(([value, label]) => ({ value, label }))}
          value={status}
          onChange={(v) => change({ status: v ?? undefined })}
          w={{ base: "100%", xs: 230 }}
        />
        {data && (
          <Text size="sm" c="dimmed" role="status">
            {plural(data.optInRequests.totalCount, { one: "# double opt-in", other: "# double opt-ins" })}
          </Text>
        )}
      </Group>
      {!data && rows.length === 0 ? (
        <Rows />
      ) : rows.length === 0 ? (
        <Empty
          icon={<IconMessageQuestion />}
          title={status ? t`None with this status` : t`Nobody has been asked to confirm`}
        >{t`When you record an opt-in or import a file, you can have people asked on WhatsApp to confirm it. Who was asked stands here, with the answer.`}</Empty>
      ) : (
        <Card padding={0}>
          <Table className="cards">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t`Contact`}</Table.Th>
                <Table.Th>{t`Status`}</Table.Th>
                <Table.Th>{t`Source`}</Table.Th>
                <Table.Th>{t`Recorded`}</Table.Th>
                <Table.Th>{t`Asked`}</Table.Th>
                <Table.Th>{t`Ends`}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {rows.map((r) => (
                <Table.Tr key={r.id}>
                  <Table.Td data-label={t`Contact`}>
                    <Link to="/contacts/$id" params={{ id: r.contact.id }} className="plain">
                      {nameOf(r.contact)}
                    </Link>
                  </Table.Td>
                  <Table.Td data-label={t`Status`} style={{ minWidth: 195 }}>
                    <Status value={r.status} label={optInStatuses[r.status]} />
                  </Table.Td>
                  <Table.Td data-label={t`Source`}>{words(r.source)}</Table.Td>
                  <Table.Td data-label={t`Recorded`}>{moment(r.createdAt)}</Table.Td>
                  <Table.Td data-label={t`Asked`}>
                    <div>
                      {moment(r.askedAt)}
                      {r.message && (
                        <Text size="xs" c="dimmed" maw={260}>
                          <QuestionLink of={r}>{t`See the question`}</QuestionLink>
                        </Text>
                      )}
                    </div>
                  </Table.Td>
                  <Table.Td data-label={isOpen(r) ? t`Ends` : t`Ended`}>
                    {isOpen(r) ? <Moment at={r.expiresAt} /> : moment(r.endedAt)}
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
        more={data?.optInRequests.pageInfo.hasNextPage}
        loading={fetching}
        onMore={() => pages.next(data?.optInRequests.pageInfo.endCursor, rows)}
      />
    </Stack>
  );
}
