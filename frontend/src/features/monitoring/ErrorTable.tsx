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
      <Title order={2} size="h4" p="md" pb={0}>
        {props.title}
      </Title>
      <Table className="cards">
        <Table.Thead>
          <Table.Tr>
            {["Code", "Meaning", "Type", "Messages", "Share", "What to do"].map((h) => (
              <Table.Th key={h}>{h}</Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {props.errors.map((e) => (
            <Table.Tr key={e.code}>
              <Table.Td data-label="Code">{e.code || "–"}</Table.Td>
              <Table.Td data-label="Meaning">{e.title}</Table.Td>
              <Table.Td data-label="Type">{errorClasses[e.class]}</Table.Td>
              <Table.Td data-label="Messages">{count(e.count)}</Table.Td>
              <Table.Td data-label="Share">{percent(e.share)}</Table.Td>
              <Table.Td data-label="What to do">{e.advice}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Card>
  );
}
