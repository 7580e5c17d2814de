import { plural, t } from "@lingui/core/macro";
import { Card, Group, Table, Text, TextInput } from "@mantine/core";
import { IconFilter, IconPlus, IconSearch } from "@tabler/icons-react";
import { Link, useNavigate } from "@tanstack/react-router";
import { useMutation } from "urql";
import { useMay } from "../../app/session";
import { Failed } from "../../components/Failed";
import { Awaited, Further } from "../../components/Further";
import { DeleteButton, Empty, LinkButton, Page, Rows } from "../../components/ui";
import { When } from "../../components/When";
import { graphql } from "../../gql";
import { useAddress, useAddressText } from "../../lib/address";
import { settled } from "../../lib/errors";
import { allOf, count } from "../../lib/format";
import { useLasting } from "../../lib/lasting";
import { useShortcuts } from "../../lib/shortcuts";
import { useAttributes } from "../attributes/useAttributes";
import { type Node, sentence } from "./query";

const SegmentsDocument = graphql(`
  query Segments($search: String, $after: String) {
    segments(search: $search, first: 50, after: $after) {
      pageInfo {
        hasNextPage
        endCursor
      }
      nodes {
        id
        name
        description
        query
        lastCount
        countedAt
        usedBy
      }
    }
  }
`);

export const SegmentDeleteDocument = graphql(`
  mutation SegmentDelete($input: SegmentDeleteInput!) {
    segmentDelete(input: $input) {
      deletedId
      userErrors {
        message
      }
    }
  }
`);

export function SegmentsPage() {
  const { search } = useAddress();
  const [text, setText] = useAddressText("q");
  const navigate = useNavigate();
  const may = useMay("MARKETER");
  const [{ data, error }, load] = useLasting({
    query: SegmentsDocument,
    variables: { search: search.q ?? null, after: null },
  });
  useShortcuts(
    t`Segments`,
    may
      ? [
          {
            keys: "n",
            label: t`New segment`,
            run: () => void navigate({ to: "/segments/$id", params: { id: "new" } }),
          },
        ]
      : [],
  );
  return (
    <Page
      title={t`Segments`}
      description={t`Reusable audiences`}
      actions={
        may && (
          <LinkButton
            to="/segments/$id"
            params={{ id: "new" }}
            leftSection={<IconPlus size={16} />}
          >{t`New segment`}</LinkButton>
        )
      }
    >
      {error ? (
        <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />
      ) : !data ? (
        <Rows />
      ) : data.segments.nodes.length === 0 && !search.q ? (
        <Empty
          icon={<IconFilter />}
          title={t`No segments yet`}
          action={may && <LinkButton to="/segments/$id" params={{ id: "new" }}>{t`Build one`}</LinkButton>}
        >{t`A segment is who a campaign goes to: everybody in Paris on the pro plan, say.`}</Empty>
      ) : (
        <>
          <TextInput
            aria-label={t`Search segments`}
            placeholder={t`Search by name`}
            data-page-search
            leftSection={<IconSearch size={16} />}
            value={text}
            onChange={(e) => setText(e.currentTarget.value)}
            w={{ base: "100%", xs: 320 }}
          />
          <Card padding={0}>
            <Table className="cards">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t`Name`}</Table.Th>
                  <Table.Th>{t`Conditions`}</Table.Th>
                  <Table.Th ta="right">{t`Contacts`}</Table.Th>
                  <Table.Th>{t`Counted`}</Table.Th>
                  <Table.Th aria-label={t`Actions`} />
                </Table.Tr>
              </Table.Thead>
              <SegmentRows key={search.q} search={search.q ?? null} after={null} />
            </Table>
          </Card>
        </>
      )}
    </Page>
  );
}

function SegmentRows(props: { search: string | null; after: string | null }) {
  const may = useMay("MARKETER");
  const attributes = useAttributes();
  const [{ data, error }, load] = useLasting({ query: SegmentsDocument, variables: props });
  const [, remove] = useMutation(SegmentDeleteDocument);
  if (!data) return <Awaited columns={5} error={error} retry={() => load({ requestPolicy: "network-only" })} />;
  return (
    <>
      <Table.Tbody>
        {data.segments.nodes.map((s) => (
          <Table.Tr key={s.id}>
            <Table.Td data-label={t`Name`}>
              <Link to="/segments/$id" params={{ id: s.id }} className="plain">
                {s.name}
              </Link>
            </Table.Td>
            <Table.Td data-label={t`Conditions`}>
              <Text size="sm" lineClamp={2}>
                {sentence(s.query as Node, attributes)}
              </Text>
            </Table.Td>
            <Table.Td data-label={t`Contacts`} ta="right">
              {count(s.lastCount)}
            </Table.Td>
            <Table.Td data-label={t`Counted`}>
              <When at={s.countedAt} />
            </Table.Td>
            <Table.Td>
              {may && s.usedBy.length > 0 && (
                <Group justify="flex-end">
                  <Text size="xs" c="dimmed" data-hint={t`Used by ${allOf(s.usedBy)}`}>{t`In use`}</Text>
                </Group>
              )}
              {may && s.usedBy.length === 0 && (
                <Group justify="flex-end">
                  <DeleteButton name={s.name} onDelete={async () => settled(await remove({ input: { id: s.id } }))}>
                    {plural(s.lastCount ?? 0, {
                      one: "The # contact stays; only the saved query goes.",
                      other: "The # contacts stay; only the saved query goes.",
                    })}
                  </DeleteButton>
                </Group>
              )}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
      <Further
        page={data.segments.pageInfo}
        columns={5}
        next={(cursor) => <SegmentRows search={props.search} after={cursor} />}
      />
    </>
  );
}
