import { t } from "@lingui/core/macro";
import { Card, Table, Title } from "@mantine/core";
import { graphql } from "../../gql";
import type { ErrorRowFragment } from "../../gql/graphql";
import { count, errorClasses, percent } from "../../lib/format";

graphql(`
  fragment ErrorRow on ErrorBucket {
    code
    title
    count
    share
    class
    advice
  }
`);

/** Failed messages by error code, with what to do about each. */
export function ErrorTable(props: { title: string; errors: ErrorRowFragment[] }) {
  return (
    <Card padding={0}>
      <Title order={2} size="h4" px="lg" pt="md">
        {props.title}
      </Title>
      <Table className="cards">
        <Table.Thead>
          <Table.Tr>
            {[t`Code`, t`Meaning`, t`Type`, t`Messages`, t`Share`, t`What to do`].map((h) => (
              <Table.Th key={h}>{h}</Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {props.errors.map((e) => (
            <Table.Tr key={e.code}>
              <Table.Td data-label={t`Code`}>{e.code || "–"}</Table.Td>
              <Table.Td data-label={t`Meaning`}>{e.title}</Table.Td>
              <Table.Td data-label={t`Type`}>{errorClasses[e.class]}</Table.Td>
              <Table.Td data-label={t`Messages`}>{count(e.count)}</Table.Td>
              <Table.Td data-label={t`Share`}>{percent(e.share)}</Table.Td>
              <Table.Td data-label={t`What to do`}>{e.advice}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Card>
  );
}
