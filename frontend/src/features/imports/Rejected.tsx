import { plural, t } from "@lingui/core/macro";
import { Alert, Anchor, Group, Stack, Table, Text, Title } from "@mantine/core";
import { useEffect } from "react";
import { useQuery } from "urql";
import { graphql } from "../../gql";
import { errorText } from "../../lib/errors";
import { count } from "../../lib/format";
import { real } from "../../lib/node";
import { byReason, exampleOf } from "./wizard";

const RejectsDocument = graphql(`
  query ImportRejects($id: ID!) {
    node(id: $id) {
      __typename
      ... on Import {
        id
        rejects(first: 200) {
          row
          line
          field
          value
          reason
        }
      }
    }
  }
`);

/** Why rows were rejected, once the file has been gone through; anew for each run. */
export function Rejected(props: { id: string; run: string; rejected: number; url: string | null | undefined }) {
  const [{ data, error }, load] = useQuery({ query: RejectsDocument, variables: { id: props.id }, pause: true });
  // Each run of the import has rejects of its own.
  useEffect(() => load({ requestPolicy: "network-only" }), [props.run, props.id]);
  if (error) return <Alert color="red">{errorText(error)}</Alert>;
  const rejects = real(data?.node, "Import")?.rejects ?? [];
  if (rejects.length === 0) return null;
  return (
    <Stack gap="sm">
      <Group justify="space-between" gap="xs">
        <Title order={3} size="h5">
          {plural(props.rejected, { one: "# rejected row", other: "# rejected rows" })}
        </Title>
        {props.url && (
          <Group gap="md">
            <Anchor href={props.url} download size="sm">{t`Download rejected rows`}</Anchor>
            <Anchor href={props.url.replace(/csv$/, "xlsx")} download size="sm">{t`As an Excel workbook`}</Anchor>
          </Group>
        )}
      </Group>
      <Text size="sm" c="dimmed">
        {props.rejected > rejects.length && `${t`Reasons of the first ${count(rejects.length)}.`} `}
        {t`The download has all of them with their line and reason. Correct it and import it again.`}
      </Text>
      <Table className="cards">
        <Table.Thead>
          <Table.Tr>
            <Table.Th w={80}>{t`Rows`}</Table.Th>
            <Table.Th>{t`Reason`}</Table.Th>
            <Table.Th>{t`Examples`}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {byReason(rejects).map((reason) => (
            <Table.Tr key={reason.text}>
              <Table.Td data-label={t`Rows`}>{count(reason.rows)}</Table.Td>
              <Table.Td data-label={t`Reason`}>{reason.text}</Table.Td>
              <Table.Td data-label={t`Examples`}>
                <div className="sample">
                  {reason.examples.map((r) => (
                    <Text key={r.row} size="sm" c="dimmed" truncate className="sample">
                      {exampleOf(r)}
                    </Text>
                  ))}
                </div>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Stack>
  );
}
