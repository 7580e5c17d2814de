import { plural, t } from "@lingui/core/macro";
import {
  Accordion,
  Badge,
  Button,
  Card,
  Group,
  List,
  Select,
  SimpleGrid,
  Stack,
  Table,
  Text,
  TextInput,
  Title,
} from "@mantine/core";
import { useState } from "react";
import { useClient, useMutation, useQuery } from "urql";
import { useMay, useSession } from "../../app/session";
import { Dialog } from "../../components/Dialog";
import { Failed } from "../../components/Failed";
import { Empty, Rows } from "../../components/ui";
import { graphql } from "../../gql";
import type { PriceCategory, RatesQuery } from "../../gql/graphql";
import { errorText, sentences, settled } from "../../lib/errors";
import { count, country, money } from "../../lib/format";
import { locale } from "../../lib/language";
import { notifications } from "../../lib/notifications";
import { BudgetBar } from "../campaigns/BudgetOf";
import { formWidth, SettingsTab } from "../settings/SettingsTab";
import { BudgetForm } from "./BudgetForm";
import { ImportRates } from "./ImportRates";
import { PriceLines } from "./PriceLines";
import { RateForm } from "./RateForm";
import { rateText } from "./words";

const RatesDocument = graphql(`
  query Rates($at: DateTime) {
    rateCard(at: $at) {
      revision
      day
      currency
      timeZone
      rules
      rates {
        market
        category
        fromMessages
        price {
          amount
          currency
        }
        since
        doubtful
        source
        own
        next {
          since
          price {
            amount
            currency
          }
        }
      }
      markets {
        name
        title
        countries
        note
      }
    }
  }
`);

const SpendingDocument = graphql(`
  query Spending {
    settings {
      revision
      monthlyBudget {
        ...BudgetState
      }
    }
    rateCard {
      currency
    }
    spending(months: 12) {
      month
      totals {
        amount
        currency
      }
      lines {
        ...PriceLines
      }
      compared {
        messages
        here {
          amount
          currency
        }
        reported {
          amount
          currency
        }
        difference {
          amount
          currency
        }
      }
    }
  }
`);

const RateFileDocument = graphql(`
  query RateFile {
    rateCard {
      file
    }
  }
`);

const MonthlyBudgetDocument = graphql(`
  mutation MonthlyBudget($input: SettingsUpdateInput!) {
    settingsUpdate(input: $input) {
      userErrors {
        field
        message
      }
    }
  }
`);

export const RateCardUpdateDocument = graphql(`
  mutation RateCardUpdate($input: RateCardUpdateInput!) {
    rateCardUpdate(input: $input) {
      changed
      unchanged
      faultCount
      faults {
        line
        column
        reason
      }
      userErrors {
        field
        message
      }
    }
  }
`);

type RateCardOfDay = RatesQuery["rateCard"];
export type RateOfCard = RateCardOfDay["rates"][number];

const columns: PriceCategory[] = ["MARKETING", "UTILITY", "AUTHENTICATION", "SERVICE"];
/** How many markets are shown before somebody searches or asks for all. */
const shownMarkets = 12;
const zones = Intl.supportedValuesOf("timeZone");

/** What was charged, the card of rates with its sources, and how it is changed. */
export function PricesPage() {
  return (
    <SettingsTab title={t`Costs and prices`} description={t`What messages cost, by Meta’s price list and Twilio’s fee`}>
      <Charged />
      <RateCard />
    </SettingsTab>
  );
}

const monthName = (month: string) =>
  new Intl.DateTimeFormat(locale, { month: "long", year: "numeric", timeZone: "UTC" }).format(
    new Date(`${month}-01T00:00:00Z`),
  );

function Charged() {
  const [{ data, error }, load] = useQuery({ query: SpendingDocument, requestPolicy: "cache-and-network" });
  const [chosen, choose] = useState<string | null>(null);
  const may = useMay("ADMIN");
  const { live } = useSession().setup;
  const [, update] = useMutation(MonthlyBudgetDocument);
  if (error && !data) return <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />;
  if (!data) return <Rows n={3} />;
  const month = data.spending.find((m) => m.month === chosen) ?? data.spending[0];
  const { monthlyBudget, revision } = data.settings;
  const budget = (
    <Card maw={formWidth}>
      <Stack gap="sm">
        <BudgetForm
          key={monthlyBudget?.limit.amount}
          label={t`Monthly budget`}
          description={t`Campaigns pause before the month’s spending exceeds it; replies still go out.`}
          value={monthlyBudget?.limit.amount ?? ""}
          currency={monthlyBudget?.limit.currency ?? data.rateCard.currency}
          disabled={!may}
          onSave={async (amount) => {
            const answer = await update({ input: { monthlyBudget: amount, expectedVersion: revision } });
            if (answer.error) return errorText(answer.error);
            load({ requestPolicy: "network-only" });
            return sentences(answer.data?.settingsUpdate.userErrors);
          }}
        />
        {monthlyBudget && <BudgetBar budget={monthlyBudget} />}
      </Stack>
    </Card>
  );
  if (!month)
    return (
      <>
        <Empty
          icon="$"
          title={t`Nothing was charged yet`}
        >{t`What messages cost stands here once they are delivered, by month, market and category.`}</Empty>
        {budget}
      </>
    );
  const title = live ? t`Charged in ${monthName(month.month)}` : t`Simulated cost in ${monthName(month.month)}`;
  return (
    <>
      <Card>
        <Group justify="space-between" align="flex-start" mb="sm">
          <div>
            <Title order={2} size="h4">
              {title}
            </Title>
            <Text className="figures" fw={650} fz={24} data-testid="spending">
              {month.totals.map(money).join(" + ")}
            </Text>
            {!live && <Text size="sm" c="dimmed">{t`In the sandbox nothing is sent, and nothing is charged.`}</Text>}
          </div>
          {data.spending.length > 1 && (
            <Select
              aria-label={t`Month`}
              data={data.spending.map((m) => ({ value: m.month, label: monthName(m.month) }))}
              value={month.month}
              onChange={choose}
              allowDeselect={false}
            />
          )}
        </Group>
        <PriceLines lines={month.lines} label={title} />
        {month.compared.map((x) => (
          <Text
            key={x.here.currency}
            size="sm"
            mt="sm"
          >{t`Of ${plural(x.messages, { one: "# message", other: "# messages" })} drawn at random, Twilio’s log says ${money(x.reported)}; by the rates here it is ${money(x.here)}, a difference of ${money(x.difference)}. Twilio does not say whether Meta’s fee is in its price.`}</Text>
        ))}
      </Card>
      {budget}
    </>
  );
}

function RateCard() {
  const may = useMay("ADMIN");
  const client = useClient();
  const [day, setDay] = useState("");
  const at = day && !Number.isNaN(Date.parse(day)) ? `${day}T12:00:00Z` : undefined;
  const [{ data, error }, load] = useQuery({
    query: RatesDocument,
    variables: at ? { at } : {},
    requestPolicy: "cache-and-network",
  });
  const [search, setSearch] = useState("");
  const [editing, edit] = useState<{ market: string; rate?: RateOfCard } | null>(null);
  const [importing, setImporting] = useState(false);
  const [all, setAll] = useState(false);
  if (error && !data) return <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />;
  if (!data) return <Rows n={8} />;
  const c = data.rateCard;
  const again = () => load({ requestPolicy: "network-only" });
  const download = async () => {
    const got = await client.query(RateFileDocument, {}, { requestPolicy: "network-only" }).toPromise();
    if (!got.data) return settled(got);
    const url = URL.createObjectURL(new Blob([got.data.rateCard.file], { type: "text/csv" }));
    Object.assign(document.createElement("a"), { href: url, download: "rates.csv" }).click();
    URL.revokeObjectURL(url);
  };
  const needle = search.trim().toLowerCase();
  const markets = c.markets
    .filter(
      (m) =>
        !needle ||
        m.title.toLowerCase().includes(needle) ||
        m.countries.some((r) => country(r).toLowerCase().includes(needle)),
    )
    .sort((a, b) => a.title.localeCompare(b.title, locale));
  const fees = c.rates.filter((r) => !r.market && r.price.currency === c.currency);
  return (
    <>
      <Basis key={`${c.currency} ${c.timeZone}`} card={c} may={may} onSaved={again} />
      <Card padding={0}>
        <Group justify="space-between" align="flex-end" p="md" pb="xs">
          <div>
            <Title order={2} size="h4">{t`Rates`}</Title>
            <Text size="xs" c="dimmed">{t`One delivered message, in ${c.currency}, on ${c.day}`}</Text>
          </div>
          <Group gap="xs">
            <Button variant="default" size="xs" onClick={download}>{t`Download CSV`}</Button>
            {may && <Button variant="default" size="xs" onClick={() => setImporting(true)}>{t`Import CSV`}</Button>}
          </Group>
          <Group gap="sm" w="100%">
            <TextInput
              aria-label={t`Market or country`}
              placeholder={t`Market or country`}
              value={search}
              onChange={(e) => setSearch(e.currentTarget.value)}
              flex={1}
              miw={160}
            />
            <TextInput
              aria-label={t`Day`}
              type="date"
              value={day || c.day}
              onChange={(e) => setDay(e.currentTarget.value)}
            />
          </Group>
        </Group>
        <Table className="cards" aria-label={t`Rates`}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t`Market`}</Table.Th>
              {columns.map((k) => (
                <Table.Th key={k} ta="right">
                  {k === "SERVICE" ? t`Replies` : rateText(k)}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {(all || needle ? markets : markets.slice(0, shownMarkets)).map((m) => (
              <Table.Tr key={m.name}>
                <Table.Td data-label={t`Market`}>
                  <Text size="sm" fw={550}>
                    {m.title}
                  </Text>
                  {(m.countries.length > 1 || m.note) && (
                    <Text size="xs" c="dimmed" maw={420}>
                      {[m.countries.length > 1 && m.countries.map(country).sort().join(", "), m.note]
                        .filter(Boolean)
                        .join(". ")}
                    </Text>
                  )}
                </Table.Td>
                {columns.map((k) => (
                  <Table.Td key={k} data-label={rateText(k)} ta="right">
                    <Cell
                      of={c.rates.find(
                        (r) =>
                          r.market === m.name &&
                          r.category === k &&
                          r.fromMessages === 0 &&
                          r.price.currency === c.currency,
                      )}
                      may={may}
                      label={`${m.title}, ${rateText(k)}`}
                      onEdit={(rate) => edit({ market: m.title, rate })}
                    />
                    {c.rates
                      .filter(
                        (r) =>
                          r.market === m.name &&
                          r.category === k &&
                          r.fromMessages > 0 &&
                          r.price.currency === c.currency,
                      )
                      .map((r) => (
                        <Text
                          key={r.fromMessages}
                          size="xs"
                          c="dimmed"
                        >{t`${money(r.price)} from message ${count(r.fromMessages)}`}</Text>
                      ))}
                  </Table.Td>
                ))}
              </Table.Tr>
            ))}
            {!needle &&
              fees.map((r) => (
                <Table.Tr key={r.category}>
                  <Table.Td data-label={t`Market`}>
                    <Text size="sm" fw={550}>
                      {rateText(r.category)}
                    </Text>
                  </Table.Td>
                  <Table.Td data-label={t`Price`} ta="right" colSpan={columns.length}>
                    <Cell of={r} may={may} label={rateText(r.category)} onEdit={(rate) => edit({ market: "", rate })} />
                  </Table.Td>
                </Table.Tr>
              ))}
          </Table.Tbody>
        </Table>
        {!needle && markets.length > shownMarkets && (
          <Group p="md">
            <Button variant="default" size="xs" onClick={() => setAll(!all)}>
              {all ? t`Show fewer` : plural(markets.length, { one: "Show the # market", other: "Show all # markets" })}
            </Button>
          </Group>
        )}
        {markets.length === 0 && <Text p="md" size="sm" c="dimmed">{t`No market or country with that name.`}</Text>}
      </Card>
      <Card>
        <Title order={2} size="h4" mb="sm">{t`What prices rest on`}</Title>
        <List size="sm" spacing={6}>
          {c.rules.map((r) => (
            <List.Item key={r}>{r}</List.Item>
          ))}
        </List>
        <Sources rates={c.rates} currency={c.currency} />
      </Card>
      <Dialog
        opened={editing !== null}
        onClose={() => edit(null)}
        title={editing?.rate ? `${editing.market || t`Everywhere`}: ${rateText(editing.rate.category)}` : ""}
      >
        {editing?.rate && (
          <RateForm
            rate={editing.rate}
            revision={c.revision}
            onDone={() => {
              edit(null);
              again();
            }}
            onClose={() => edit(null)}
          />
        )}
      </Dialog>
      <Dialog opened={importing} onClose={() => setImporting(false)} title={t`Import rates`} size="lg">
        {importing && <ImportRates onImported={again} onClose={() => setImporting(false)} />}
      </Dialog>
    </>
  );
}

/** One rate: its price, whether it is in doubt or set here, and what follows. */
function Cell(props: { of?: RateOfCard; may: boolean; label: string; onEdit: (rate: RateOfCard) => void }) {
  const r = props.of;
  if (!r) return <Text size="sm" c="dimmed">{t`unknown`}</Text>;
  const hint = t`Since ${r.since}. ${r.source}`;
  return (
    <Stack gap={2} align="flex-end">
      {props.may ? (
        <Button
          size="compact-sm"
          variant="subtle"
          color="gray"
          data-hint={hint}
          aria-label={t`${props.label}: ${money(r.price)}, edit`}
          onClick={() => props.onEdit(r)}
        >
          <Text span size="sm" fw={600}>
            {money(r.price)}
          </Text>
        </Button>
      ) : (
        <Text span size="sm" fw={600} data-hint={hint}>
          {money(r.price)}
        </Text>
      )}
      {r.doubtful && <Badge size="xs" color="yellow" variant="light">{t`Unsure`}</Badge>}
      {r.own && <Badge size="xs" variant="light">{t`Set here`}</Badge>}
      {r.next && <Text size="xs" c="dimmed">{t`${money(r.next.price)} from ${r.next.since}`}</Text>}
    </Stack>
  );
}

/** In which currency and by which calendar prices are read. */
function Basis(props: { card: RateCardOfDay; may: boolean; onSaved: () => void }) {
  const [currency, setCurrency] = useState(props.card.currency);
  const [zone, setZone] = useState(props.card.timeZone);
  const [{ fetching }, update] = useMutation(RateCardUpdateDocument);
  const changed = currency !== props.card.currency || zone !== props.card.timeZone;
  const known = [...new Set([...props.card.rates.map((r) => r.price.currency), props.card.currency])].sort();
  return (
    <Card maw={formWidth}>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <Select
          label={t`Currency`}
          description={t`In which Meta’s and Twilio’s fees are billed. Nothing is converted.`}
          data={known}
          value={currency}
          onChange={(v) => v && setCurrency(v)}
          allowDeselect={false}
          disabled={!props.may}
        />
        <Select
          label={t`Time zone of the business account`}
          description={t`Its days begin new rates, and its months are charged.`}
          data={zones.includes(zone) ? zones : [zone, ...zones]}
          value={zone}
          onChange={(v) => v && setZone(v)}
          searchable
          allowDeselect={false}
          disabled={!props.may}
        />
      </SimpleGrid>
      {props.may && (
        <Group justify="flex-end" mt="sm">
          <Button
            loading={fetching}
            disabled={!changed}
            onClick={async () => {
              const input = { expectedVersion: props.card.revision, currency, timeZone: zone };
              if (settled(await update({ input }))) {
                notifications.show({ message: t`Saved. Later messages are charged so.`, color: "green" });
                props.onSaved();
              }
            }}
          >{t`Save`}</Button>
        </Group>
      )}
    </Card>
  );
}

/** Every source that the rates of the day name, and for how many. */
function Sources(props: { rates: readonly RateOfCard[]; currency: string }) {
  const by = new Map<string, { n: number; doubtful: boolean }>();
  for (const r of props.rates) {
    if (r.price.currency !== props.currency) continue;
    const s = by.get(r.source) ?? { n: 0, doubtful: false };
    by.set(r.source, { n: s.n + 1, doubtful: s.doubtful || r.doubtful });
  }
  return (
    <Accordion mt="md" variant="contained">
      <Accordion.Item value="sources">
        <Accordion.Control>
          <Text size="sm">{t`Sources of the rates`}</Text>
        </Accordion.Control>
        <Accordion.Panel>
          <List size="sm" spacing={4}>
            {[...by].map(([source, s]) => (
              <List.Item key={source}>
                {source || t`No source given`} ({plural(s.n, { one: "# rate", other: "# rates" })}
                {s.doubtful ? `, ${t`unsure`}` : ""})
              </List.Item>
            ))}
          </List>
        </Accordion.Panel>
      </Accordion.Item>
    </Accordion>
  );
}
