import { plural, t } from "@lingui/core/macro";
import { Card, Group, Stack, Table, Text, Title } from "@mantine/core";
import { useFirst } from "../../components/First";
import { graphql } from "../../gql";
import type { BudgetStateFragment, CampaignCostFragment, CostEstimateFragment } from "../../gql/graphql";
import { count, country, money, moneyRange } from "../../lib/format";
import { PriceLines } from "../prices/PriceLines";
import { categoryText } from "../prices/words";
import { BudgetBar } from "./BudgetOf";

graphql(`
  fragment CostEstimate on CostEstimate {
    low {
      amount
      currency
    }
    high {
      amount
      currency
    }
    withoutRate
    notes
    lines {
      country
      marketName
      category
      recipients
      doubtful
      each {
        amount
        currency
      }
      low {
        amount
        currency
      }
      high {
        amount
        currency
      }
    }
  }
`);

graphql(`
  fragment CampaignCost on CampaignPrice {
    totals {
      amount
      currency
    }
    lines {
      ...PriceLines
    }
  }
`);

/** What a campaign will cost, by country. */
export function CostTable({ cost }: { cost: CostEstimateFragment }) {
  const [lines, more] = useFirst(
    5,
    cost.lines,
    t`Show all ${plural(cost.lines.length, { one: "# country", other: "# countries" })}`,
  );
  if (cost.lines.length === 0) return null;
  return (
    <Stack gap="xs">
      <Table className="cards" aria-label={t`Cost by country`}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t`Country`}</Table.Th>
            <Table.Th>{t`Category`}</Table.Th>
            <Table.Th ta="right">{t`Contacts`}</Table.Th>
            <Table.Th ta="right">{t`Each`}</Table.Th>
            <Table.Th ta="right">{t`Cost`}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {lines.map((l) => (
            <Table.Tr key={l.country}>
              <Table.Td data-label={t`Country`}>
                {country(l.country) || t`No country`}
                {l.marketName !== country(l.country) && (
                  <Text size="xs" c="dimmed">
                    {l.marketName}
                  </Text>
                )}
              </Table.Td>
              <Table.Td data-label={t`Category`}>{categoryText(l.category)}</Table.Td>
              <Table.Td data-label={t`Contacts`} ta="right">
                {count(l.recipients)}
              </Table.Td>
              <Table.Td data-label={t`Each`} ta="right">
                {money(l.each)}
                {l.doubtful && ` (${t`unsure`})`}
              </Table.Td>
              <Table.Td data-label={t`Cost`} ta="right" fw={600}>
                {moneyRange(l.low, l.high)}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {more}
      {cost.withoutRate > 0 && (
        <Text
          size="xs"
          c="dimmed"
        >{t`Without Meta’s fee for ${plural(cost.withoutRate, { one: "# contact", other: "# contacts" })}: the rates do not tell it.`}</Text>
      )}
      {cost.notes.map((n) => (
        <Text key={n} size="xs" c="dimmed">
          {n}
        </Text>
      ))}
    </Stack>
  );
}

/** What a campaign has cost so far. */
export function CampaignCost({ price, budget }: { price: CampaignCostFragment; budget: BudgetStateFragment | null }) {
  if (price.lines.length === 0 && !budget) return null;
  return (
    <Card>
      <Group justify="space-between" mb="sm">
        <Title order={2} size="h4">{t`Cost`}</Title>
        <Text fw={650} data-testid="campaign-cost">
          {price.totals.map(money).join(" + ") || t`Nothing yet`}
        </Text>
      </Group>
      {budget && <BudgetBar budget={budget} />}
      {price.lines.length > 0 && <PriceLines lines={price.lines} label={t`Cost by market`} />}
      <Text size="xs" c="dimmed" mt="xs">{t`What was delivered, by Meta’s list and Twilio’s fee, without taxes.`}</Text>
    </Card>
  );
}
