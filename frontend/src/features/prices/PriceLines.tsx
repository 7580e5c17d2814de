import { plural, t } from "@lingui/core/macro";
import { Stack, Table, Text } from "@mantine/core";
import { useFirst } from "../../components/First";
import { graphql } from "../../gql";
import type { PriceLinesFragment } from "../../gql/graphql";
import { count, money, moneyIn } from "../../lib/format";
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

type Money = Pick<PriceLinesFragment["total"], "amount" | "currency">;

const twoDecimals = moneyIn([]);
/** To the cent, so that the columns of a row can be read as a sum; what is less than half a cent stays what it is. */
const cents = (m: Money) => (Math.abs(Number(m.amount)) < 0.005 && Number(m.amount) !== 0 ? money : twoDecimals)(m);

/** Amounts have at most six decimals: their sum is exact in millionths. */
const millionths = (m: Money) => Math.round(Number(m.amount) * 1e6);

/** All lines of a currency together. */
function sumOf(currency: string, lines: readonly PriceLinesFragment[]) {
  const of = lines.filter((l) => l.total.currency === currency);
  const sum = (part: (l: PriceLinesFragment) => Money): Money => {
    return { currency, amount: String(of.reduce((n, l) => n + millionths(part(l)), 0) / 1e6) };
  };
  return {
    currency,
    messages: of.reduce((n, l) => n + l.messages, 0),
    meta: sum((l) => l.meta),
    twilio: sum((l) => l.twilio),
    total: sum((l) => l.total),
  };
}

/** What was charged, by market and category. */
export function PriceLines(props: { lines: readonly PriceLinesFragment[]; label: string }) {
  const [lines, more] = useFirst(8, props.lines, t`Show all ${count(props.lines.length)}`);
  const categories = new Set(props.lines.map((l) => l.category));
  const only = categories.size === 1 ? props.lines[0]?.category : undefined; // what every row would say is said once
  const currencies = [...new Set(props.lines.map((l) => l.total.currency))];
  const sums = props.lines.length > 1 ? currencies.map((currency) => sumOf(currency, props.lines)) : [];
  const rounded = props.lines.some((l) => [l.meta, l.twilio].some((m) => /\.\d\d\d*[1-9]/.test(m.amount)));
  const without = props.lines.reduce((n, l) => n + l.withoutRate, 0);
  return (
    <Stack gap="xs">
      {only && (
        <Text size="sm" c="dimmed">
          {t`Category`}: {categoryText(only)}
        </Text>
      )}
      <Table className="cards" aria-label={props.label}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t`Market`}</Table.Th>
            {!only && <Table.Th>{t`Category`}</Table.Th>}
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
              {!only && <Table.Td data-label={t`Category`}>{categoryText(l.category)}</Table.Td>}
              <Table.Td data-label={t`Messages`} ta="right">
                {count(l.messages)}
              </Table.Td>
              <Table.Td data-label={t`Meta`} ta="right">
                {cents(l.meta)}
              </Table.Td>
              <Table.Td data-label={t`Twilio`} ta="right">
                {cents(l.twilio)}
              </Table.Td>
              <Table.Td data-label={t`Total`} ta="right" fw={600}>
                {cents(l.total)}
              </Table.Td>
            </Table.Tr>
          ))}
          {sums.map((s) => (
            <Table.Tr key={s.currency} fw={600}>
              <Table.Td data-label={t`Market`}>{t`All markets`}</Table.Td>
              {!only && <Table.Td data-label={t`Category`} data-none />}
              <Table.Td data-label={t`Messages`} ta="right">
                {count(s.messages)}
              </Table.Td>
              <Table.Td data-label={t`Meta`} ta="right">
                {cents(s.meta)}
              </Table.Td>
              <Table.Td data-label={t`Twilio`} ta="right">
                {cents(s.twilio)}
              </Table.Td>
              <Table.Td data-label={t`Total`} ta="right">
                {cents(s.total)}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {more}
      {rounded && <Text size="xs" c="dimmed">{t`Amounts are rounded here; totals are of the exact ones.`}</Text>}
      {without > 0 && (
        <Text
          size="xs"
          c="dimmed"
        >{t`Without Meta’s fee for ${plural(without, { one: "# message", other: "# messages" })}: the rates do not tell it.`}</Text>
      )}
    </Stack>
  );
}
