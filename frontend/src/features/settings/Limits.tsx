import { t } from "@lingui/core/macro";
import { Alert, Button, Card, Flex, Group, Select, Stack, Switch, Table, Text, TextInput, Title } from "@mantine/core";
import { useState } from "react";
import { useMutation, useQuery } from "urql";
import { useMay } from "../../app/session";
import { Failed } from "../../components/Failed";
import { useFirst } from "../../components/First";
import { NumberField } from "../../components/NumberField";
import { Rows } from "../../components/ui";
import { graphql } from "../../gql";
import type { LimitsQuery } from "../../gql/graphql";
import { byField, payloadOf, sentences, settled } from "../../lib/errors";
import { count, date, moment, people, percentSign, spanOfClock } from "../../lib/format";
import { notifications } from "../../lib/notifications";
import { type Cap, CapForm, capInput, firstCap } from "../campaigns/CapForm";
import { weekdays } from "../campaigns/schedule";
import { ApprovalForm } from "./ApprovalForm";
import { formWidth } from "./SettingsTab";

const LimitsDocument = graphql(`
  query Limits {
    settings {
      revision
      accountRatePerSecond
      defaultQuietHours {
        start
        end
      }
      defaultFrequencyCap {
        messages
        days
      }
      standingHoldoutPercent
      campaignApproval {
        role
        aboveRecipients
      }
      portfolioLimit {
        people
        known
        byHand
        told
        toldAt
        used
      }
    }
    legalHours {
      version
      about
      rules {
        id
        name
        binding
        source
        checked
        note
        allowed {
          days
          from
          to
        }
      }
    }
  }
`);

const SettingsUpdateDocument = graphql(`
  mutation SettingsUpdate($input: SettingsUpdateInput!) {
    settingsUpdate(input: $input) {
      settings {
        revision
        accountRatePerSecond
        standingHoldoutPercent
      }
      userErrors {
        field
        message
      }
    }
  }
`);

/** What holds for every campaign: the account's pace, default quiet hours, the law's hours. */
export function Limits() {
  const [{ data, error }, load] = useQuery({ query: LimitsDocument });
  if (error && !data) return <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />;
  if (!data) return <Rows n={3} />;
  const { revision, portfolioLimit, campaignApproval, ...values } = data.settings; // the revision grows with every form's save, and this one stays then
  return (
    <Flex direction={{ base: "column", xl: "row" }} gap="md" align={{ base: "stretch", xl: "flex-start" }}>
      <Stack flex={{ base: "none", xl: "1 1 0" }} w="100%" maw={formWidth}>
        <LimitsForm key={JSON.stringify(values)} values={values} revision={revision} />
        <PortfolioForm
          key={`${portfolioLimit.byHand} ${portfolioLimit.people}`}
          limit={portfolioLimit}
          revision={revision}
          onSaved={() => load({ requestPolicy: "network-only" })}
        />
        <ApprovalForm key={JSON.stringify(campaignApproval)} rule={campaignApproval} revision={revision} />
      </Stack>
      <Hours book={data.legalHours} />
    </Flex>
  );
}

const tiers = [250, 2000, 10_000, 100_000];
type PortfolioLimit = LimitsQuery["settings"]["portfolioLimit"];

/** What the choice shows: "told", "none", a tier, or "other". */
function choiceOf(l: PortfolioLimit): string {
  if (!l.byHand) return "told";
  if (l.people == null) return "none";
  return tiers.includes(l.people) ? String(l.people) : "other";
}

/** What is known of the limit, in a sentence. */
function knownText(l: PortfolioLimit): string {
  if (l.people != null) return t`${count(l.used)} of ${people(l.people)} are used now.`;
  if (l.known) return t`There is no limit: nothing waits.`;
  return t`The limit is not known: nothing waits, and WhatsApp refuses what goes beyond.`;
}

/** How many people WhatsApp lets the business write to within 24 hours: as Twilio tells, or set by hand. */
function PortfolioForm(props: { limit: PortfolioLimit; revision: number; onSaved: () => void }) {
  const may = useMay("ADMIN");
  const [choice, setChoice] = useState(choiceOf(props.limit));
  const [own, setOwn] = useState<number | "">(props.limit.people ?? "");
  const [wrong, setWrong] = useState<string>();
  const [{ fetching }, update] = useMutation(SettingsUpdateDocument);
  const save = async () => {
    setWrong(undefined);
    if (choice === "other" && own === "") return setWrong(t`Enter how many people`);
    const people = choice === "none" ? null : choice === "other" ? Number(own) : Number(choice);
    const result = await update({
      input: { portfolioLimit: choice === "told" ? null : { people }, expectedVersion: props.revision },
    });
    const errors = payloadOf(result.data)?.userErrors ?? [];
    if (errors.length) return setWrong(sentences(errors));
    if (settled(result)) {
      notifications.show({ message: t`In force from now on`, color: "green" });
      props.onSaved();
    }
  };
  const { told, toldAt } = props.limit;
  const changed = choice !== choiceOf(props.limit) || (choice === "other" && own !== props.limit.people);
  return (
    <Card>
      <Title order={2} size="h4" mb="sm">{t`Messaging limit`}</Title>
      <Stack>
        <Text size="sm" c="dimmed">
          {t`WhatsApp limits how many people all your senders together can message within 24 hours; people who wrote to you in that time do not count. At the limit, campaigns wait and resume by themselves.`}
        </Text>
        <Select
          label={t`People in 24 hours`}
          description={
            told && toldAt
              ? t`Twilio tells “${told}”, read ${moment(toldAt)}`
              : t`Twilio has told nothing yet; WhatsApp Manager shows it`
          }
          data={[
            { value: "told", label: t`As Twilio tells` },
            ...tiers.map((n) => ({ value: String(n), label: count(n) })),
            { value: "none", label: t`No limit` },
            { value: "other", label: t`Another number` },
          ]}
          value={choice}
          onChange={(v) => setChoice(v ?? "told")}
          allowDeselect={false}
          disabled={!may}
          error={choice === "other" ? undefined : wrong}
        />
        {choice === "other" && (
          <NumberField
            label={t`How many people`}
            description={t`Less than WhatsApp’s limit leaves room for other programs of the business`}
            min={1}
            max={100_000}
            value={own}
            onChange={(v) => setOwn(v === "" ? "" : Number(v))}
            error={wrong}
            disabled={!may}
          />
        )}
        <Text size="sm" data-testid="portfolio-known">
          {knownText(props.limit)}
        </Text>
        <Group justify="flex-end">
          <Button onClick={save} loading={fetching} disabled={!may || !changed}>{t`Save messaging limit`}</Button>
        </Group>
      </Stack>
    </Card>
  );
}

function LimitsForm(props: {
  values: Omit<LimitsQuery["settings"], "revision" | "portfolioLimit" | "campaignApproval">;
  revision: number;
}) {
  const may = useMay("ADMIN");
  const [rate, setRate] = useState<number | "">(props.values.accountRatePerSecond);
  const [quiet, setQuiet] = useState(props.values.defaultQuietHours != null);
  const [start, setStart] = useState(props.values.defaultQuietHours?.start ?? "21:00");
  const [end, setEnd] = useState(props.values.defaultQuietHours?.end ?? "08:00");
  const [capped, setCapped] = useState(props.values.defaultFrequencyCap != null);
  const [cap, setCap] = useState<Cap>(props.values.defaultFrequencyCap ?? firstCap);
  const [holdout, setHoldout] = useState<number | string>(props.values.standingHoldoutPercent || "");
  const [errors, setErrors] = useState<Record<string, string>>({});
  const [{ fetching }, update] = useMutation(SettingsUpdateDocument);
  const { defaultQuietHours: hours, defaultFrequencyCap: most } = props.values;
  const changed =
    rate !== props.values.accountRatePerSecond ||
    (quiet ? start !== hours?.start || end !== hours?.end : hours != null) ||
    (capped ? cap.messages !== most?.messages || cap.days !== most?.days : most != null) ||
    (Number(holdout) || 0) !== props.values.standingHoldoutPercent;
  const save = async () => {
    setErrors({});
    const result = await update({
      input: {
        accountRatePerSecond: rate === "" ? undefined : rate,
        defaultQuietHours: quiet ? { start, end } : null,
        defaultFrequencyCap: capped ? capInput(cap) : null,
        standingHoldoutPercent: Number(holdout) || 0,
        expectedVersion: props.revision,
      },
    });
    const wrong = payloadOf(result.data)?.userErrors ?? [];
    const named = ["accountRatePerSecond", "quietHours", "frequencyCap", "standingHoldoutPercent"];
    if (wrong.length) return setErrors(byField(wrong, named).fields);
    if (settled(result)) notifications.show({ message: t`In force from now on`, color: "green" });
  };
  return (
    <Card>
      <Title order={2} size="h4" mb="sm">{t`Limits`}</Title>
      <Stack>
        <NumberField
          label={t`Messages per second, all senders together`}
          description={t`Twilio takes at most 2,000 from an account`}
          min={0.01}
          max={2000}
          value={rate}
          onChange={(v) => setRate(v === "" ? "" : Number(v))}
          error={errors.accountRatePerSecond}
          disabled={!may}
        />
        <Switch
          label={t`Quiet hours for new campaigns`}
          description={t`Applied to campaigns that set none of their own, including those made through the API`}
          checked={quiet}
          onChange={(e) => setQuiet(e.currentTarget.checked)}
          disabled={!may}
        />
        {quiet && (
          <Group>
            <TextInput
              label={t`From`}
              type="time"
              value={start}
              onChange={(e) => setStart(e.currentTarget.value)}
              disabled={!may}
            />
            <TextInput
              label={t`To`}
              type="time"
              value={end}
              onChange={(e) => setEnd(e.currentTarget.value)}
              disabled={!may}
            />
          </Group>
        )}
        <Switch
          label={t`Frequency cap for new campaigns`}
          description={t`The most campaign messages one contact gets; some US states allow three a day`}
          checked={capped}
          onChange={(e) => setCapped(e.currentTarget.checked)}
          disabled={!may}
        />
        {capped && <CapForm value={cap} onChange={setCap} error={errors.frequencyCap} disabled={!may} />}
        <NumberField
          label={t`Control group (holdout)`}
          description={t`A random share of contacts, up to 50%, that gets no marketing campaigns, to measure their overall effect`}
          placeholder={t`None`}
          suffix={percentSign}
          decimalScale={2}
          value={holdout}
          onChange={setHoldout}
          error={errors.standingHoldoutPercent}
          disabled={!may}
        />
        {errors.quietHours && <Alert color="red">{errors.quietHours}</Alert>}
        <Group justify="flex-end">
          <Button onClick={save} loading={fetching} disabled={!may || !changed}>{t`Save limits`}</Button>
        </Group>
      </Stack>
    </Card>
  );
}

const week = weekdays.map((d) => d.value as string);
const short = (d: string) => weekdays.find((w) => w.value === d)?.label ?? d;

/** "Daily 8:00 AM to 9:00 PM", "Mon–Sat 9:00 AM to 9:00 PM, Sun 12:00 PM to 9:00 PM" */
function hoursText(allowed: LimitsQuery["legalHours"]["rules"][number]["allowed"]): string {
  return allowed
    .map((a) => {
      const first = a.days[0] ?? "MON";
      const last = a.days[a.days.length - 1] ?? "SUN";
      const days =
        a.days.length === week.length
          ? `${t`Daily`} `
          : a.days.length === 1
            ? `${short(first)} `
            : `${short(first)}–${short(last)} `;
      return `${days}${spanOfClock(a.from, a.to)}`;
    })
    .join(", ");
}

function Hours(props: { book: LimitsQuery["legalHours"] }) {
  const { rules } = props.book;
  const [shown, more] = useFirst(10, rules, t`Show all ${count(rules.length)}`);
  return (
    <Card component="section" aria-labelledby="hours" flex={{ base: "none", xl: "1 1 0" }} miw={0} maw={formWidth}>
      <Title order={2} size="h4" mb={4} id="hours">{t`Sending hours by place`}</Title>
      <Text size="sm" c="dimmed" mb="sm">{t`${props.book.about} Last reviewed ${date(props.book.version)}.`}</Text>
      <Stack gap="xs">
        <Table verticalSpacing={4}>
          <Table.Tbody>
            {shown.map((r) => (
              <Table.Tr key={r.id}>
                <Table.Td>
                  {r.name}
                  {!r.binding && (
                    <Text span size="xs" c="dimmed">
                      {" "}
                      ({t`customary`})
                    </Text>
                  )}
                  {r.note && (
                    <Text size="xs" c="dimmed">
                      {r.note}
                    </Text>
                  )}
                  <details className="source">
                    <summary>{t`Source`}</summary>
                    {r.source} · {r.checked}
                  </details>
                </Table.Td>
                <Table.Td ta="right" miw={150}>
                  {hoursText(r.allowed)}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
        {more}
      </Stack>
    </Card>
  );
}
