import { plural, t } from "@lingui/core/macro";
import { Stack, Table, Text } from "@mantine/core";
import { useFirst } from "../../components/First";
import { graphql } from "../../gql";
import type { PriceLinesFragment } from "../../gql/graphql";
import { count, moneyIn } from "../../lib/format";
import { categoryText } from "./words";

graphql(`
  fragment PriceLines on PriceLine {
    market
    marketName
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
  const [lines, more] = useFirst(8, props.lines, t`Show all ${count(props.lines.length)}`);
  const meta = moneyIn(lines.map((l) => l.meta));
  const twilio = moneyIn(lines.map((l) => l.twilio));
  const total = moneyIn(lines.map((l) => l.total));
  const without = props.lines.reduce((n, l) => n + l.withoutRate, 0);
  return (
    <Stack gap="xs">
      <Table className="cards" aria-label={props.label}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t`Market`}</Table.Th>
            <Table.Th>{t`Category`}</Table.Th>
            <Table.Th ta="right">{t`Messages`}</Table.Th>
            <Table.Th ta="right">{t`Meta`}</Table.Th>
            <Table.Th ta="right">{t`Twilio`}</Table.Th>
            <Table.Th ta="right">{t`Total`}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {lines.map((l) => (
            <Table.Tr key={`${l.market} ${l.category} ${l.total.currency}`}>
              <Table.Td data-label={t`Market`}>{l.marketName || "–"}</Table.Td>
              <Table.Td data-label={t`Category`}>{categoryText(l.category)}</Table.Td>
              <Table.Td data-label={t`Messages`} ta="right">
                {count(l.messages)}
              </Table.Td>
              <Table.Td data-label={t`Meta`} ta="right">
                {meta(l.meta)}
              </Table.Td>
              <Table.Td data-label={t`Twilio`} ta="right">
                {twilio(l.twilio)}
              </Table.Td>
              <Table.Td data-label={t`Total`} ta="right" fw={600}>
                {total(l.total)}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {more}
      {without > 0 && (
        <Text
          size="xs"
          c="dimmed"
        >{t`Without Meta’s fee for ${plural(without, { one: "# message", other: "# messages" })}: the rates do not tell it.`}</Text>
      )}
    </Stack>
  );
}
