import { Anchor, Stack, Table, Text } from "@mantine/core";
import { useState } from "react";
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

const shown = 8;

/** What was charged, by market and category. */
export function PriceLines(props: { lines: readonly PriceLinesFragment[]; label: string }) {
  const [all, setAll] = useState(false);
  const lines = all ? props.lines : props.lines.slice(0, shown);
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
      {props.lines.length > shown && (
        <Anchor component="button" size="sm" onClick={() => setAll(!all)} ta="left">
          {all ? "Show fewer" : `Show all ${count(props.lines.length)}`}
        </Anchor>
      )}
      {without > 0 && (
        <Text size="xs" c="dimmed">
          Without Meta’s fee for {counted(without, "message", "messages")}: the rates do not tell it.
        </Text>
      )}
    </Stack>
  );
}
