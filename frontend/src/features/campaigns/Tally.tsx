import { Table } from "@mantine/core";
import { count } from "../../lib/format";

type Tallied = { reason: string; count: number };

/** How many for each reason, in words. */
export function Tally(props: { of: readonly Tallied[]; words: (reason: string) => string; testId?: string }) {
  return (
    <Table withRowBorders={false} verticalSpacing={4} data-testid={props.testId}>
      <TallyRows {...props} />
    </Table>
  );
}

/** The rows alone, for a table with a head of its own. */
export function TallyRows(props: { of: readonly Tallied[]; words: (reason: string) => string }) {
  return (
    <Table.Tbody>
      {props.of.map((t) => (
        <Table.Tr key={t.reason}>
          <Table.Td>{props.words(t.reason)}</Table.Td>
          <Table.Td ta="right">{count(t.count)}</Table.Td>
        </Table.Tr>
      ))}
    </Table.Tbody>
  );
}
