import { Stack, Table, Text } from "@mantine/core";
import { useFirst } from "../../components/First";
import { graphql } from "../../gql";
import type { PriceLinesFragment } from "../../gql/graphql";
import { count, counted, money } from "../../lib/format";
import { categoryText } from "./words";

graphql(`
  fragment PriceLines on PriceLine {
    market
    category
    messages
    withoutRate
    meta {
      amount
      currency
    }
    twilio {
      amount
      currency
    }
    total {
      amount
      currency
    }
  }
`);

/** What was charged, by market and category. */
export function PriceLines(props: { lines: readonly PriceLinesFragment[]; label: string }) {
  const [lines, more] = useFirst(8, props.lines, `Show all ${count(props.lines.length)}`);
  const without = props.lines.reduce((n, l) => n + l.withoutRate, 0);
  return (
    <Stack gap="xs">
      <Table className="cards" aria-label={props.label}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Market</Table.Th>
            <Table.Th>Category</Table.Th>
            <Table.Th ta="right">Messages</Table.Th>
            <Table.Th ta="right">Meta</Table.Th>
            <Table.Th ta="right">Twilio</Table.Th>
            <Table.Th ta="right">Together</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {lines.map((l) => (
            <Table.Tr key={`${l.market} ${l.category} ${l.total.currency}`}>
              <Table.Td data-label="Market">{l.market || "–"}</Table.Td>
              <Table.Td data-label="Category">{categoryText(l.category)}</Table.Td>
              <Table.Td data-label="Messages" ta="right">
                {count(l.messages)}
              </Table.Td>
              <Table.Td data-label="Meta" ta="right">
                {money(l.meta)}
              </Table.Td>
              <Table.Td data-label="Twilio" ta="right">
                {money(l.twilio)}
              </Table.Td>
              <Table.Td data-label="Together" ta="right" fw={600}>
                {money(l.total)}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {more}
      {without > 0 && (
        <Text size="xs" c="dimmed">
          Without Meta’s fee for {counted(without, "message", "messages")}: the rates do not tell it.
        </Text>
      )}
    </Stack>
  );
}
