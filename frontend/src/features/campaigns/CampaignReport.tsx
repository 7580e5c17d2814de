import { plural, t } from "@lingui/core/macro";
import {
  Anchor,
  Card,
  Grid,
  Group,
  Progress,
  SegmentedControl,
  SimpleGrid,
  Stack,
  Table,
  Text,
  Title,
} from "@mantine/core";
import { useThrottledValue } from "@mantine/hooks";
import { Link } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { useQuery } from "urql";
import { useMay } from "../../app/session";
import { TemplateMessage, TemplateMessageById } from "../../components/TemplateMessage";
import { Live, Rows, Status } from "../../components/ui";
import { graphql } from "../../gql";
import {
  count,
  decimal,
  duration,
  errorClasses,
  midSentence,
  moment,
  percent,
  skipText,
  waitText,
} from "../../lib/format";
import type { CampaignDetails } from "./CampaignPage";
import { CampaignTimeline } from "./CampaignTimeline";
import { Compared } from "./Compared";
import { CampaignCost } from "./Cost";
import { Funnel } from "./Funnel";
import { Links } from "./Links";
import { MessagesBelow } from "./MessagesBelow";
import {
  besideText,
  courseOf,
  hasEnded,
  leftText,
  remaining,
  share,
  statusText,
  tellsClicks,
  waitingText,
} from "./outcome";
import { type People, searchFor } from "./people";
import { useLightPrint } from "./printing";
import "./report.css";
import { capText, localText, quietText } from "./schedule";
import { Tally } from "./Tally";
import { Taps } from "./Taps";

const ExperimentReport = lazy(async () => ({ default: (await import("./ExperimentReport")).ExperimentReport }));
const BudgetOf = lazy(async () => ({ default: (await import("./BudgetOf")).BudgetOf }));
const Pace = lazy(async () => ({ default: (await import("./Pace")).Pace }));

const CampaignErrorsDocument = graphql(`
  query CampaignErrors($id: ID!) {
    errorReport(filter: { campaignId: $id }) {
      ...ErrorRow
    }
  }
`);

/** How a campaign does, live. */
export function CampaignReport({ campaign: c }: { campaign: CampaignDetails }) {
  const may = useMay("MARKETER");
  const n = c.counts;
  const failures = useThrottledValue(n.failed + n.undelivered, 2000); // read anew when it has changed
  const replies = useThrottledValue(n.replied, 5000); // the same of the buttons
  const clicks = useThrottledValue(n.clicked, 3000);
  useLightPrint();
  return (
    <>
      <Text className="only-print" size="sm">
        {t`As of ${moment(new Date().toISOString())}`}
      </Text>
      <Course campaign={c} />
      <Card>
        <Grid gap="xl">
          <Grid.Col span={{ base: 12, md: 4 }}>
            <Sent campaign={c} />
          </Grid.Col>
          <Grid.Col span={{ base: 12, md: 8 }}>
            <Title order={2} size="h4" mb="sm">{t`Results`}</Title>
            <Funnel counts={n} clicks={tellsClicks(c)} />
          </Grid.Col>
        </Grid>
      </Card>
      {(c.variants.length > 0 || c.goals.length > 0 || c.holdoutPercent > 0) && (
        <Suspense fallback={<Rows n={4} />}>
          <ExperimentReport
            id={c.id}
            changed={[
              n.tried,
              n.delivered,
              n.read,
              n.clicked,
              n.replied,
              n.optedOut,
              c.status,
              c.variantWinner?.label,
            ].join()}
          />
        </Suspense>
      )}
      <Links key={`links ${clicks}`} id={c.id} delivered={n.delivered} counted={c.trackLinks} />
      <Taps key={`taps ${replies}`} id={c.id} delivered={n.delivered} />
      <CampaignCost price={c.price} budget={c.budget ?? null} />
      <Compared campaign={c} />
      <Card>
        <CampaignTimeline id={c.id} changed={n.accepted + n.delivered + n.read + n.failed + n.undelivered} />
      </Card>
      <Card>
        <Stack>
          <Audience campaign={c} />
          {may && !hasEnded(c.status) && (
            <div className="no-print">
              <Group align="flex-end" gap="xl">
                <Suspense>
                  <Pace
                    key={c.rateLimitPerSecond}
                    id={c.id}
                    revision={c.revision}
                    rate={c.rateLimitPerSecond ?? null}
                  />
                  <BudgetOf key={c.budget?.limit.amount} id={c.id} revision={c.revision} budget={c.budget ?? null} />
                </Suspense>
              </Group>
            </div>
          )}
        </Stack>
      </Card>
      <Failures key={`failures ${failures}`} campaign={c} failed={n.failed + n.undelivered} />
      <div className="no-print">
        <MessagesBelow campaign={c} moving={n.accepted + n.skipped} />
      </div>
    </>
  );
}

/** What they got: of several variants one after another. */
function Sent({ campaign: c }: { campaign: CampaignDetails }) {
  const [label, setLabel] = useState("A");
  const variant = c.variants.find((v) => v.label === label);
  if (variant)
    return (
      <>
        <Title order={2} size="h4" mb="sm">{t`Message`}</Title>
        <SegmentedControl
          data={c.variants.map((v) => v.label)}
          value={label}
          onChange={setLabel}
          aria-label={t`Variant`}
          mb="sm"
          className="no-print"
        />
        <div className="paper-phone">
          <TemplateMessageById id={variant.template.id} at={c.startedAt ?? undefined} />
        </div>
        <Text size="xs" c="dimmed" mt="xs">{t`Variant ${label}: template “${variant.template.name}”`}</Text>
      </>
    );
  if (!c.template) return null;
  const since = c.startedAt && Date.parse(c.template.updatedAt) > Date.parse(c.startedAt);
  return (
    <>
      <Title order={2} size="h4" mb="sm">{t`Message`}</Title>
      <div className="paper-phone">
        <TemplateMessage template={c.template} at={c.startedAt ?? undefined} />
      </div>
      <Text size="xs" c="dimmed" mt="xs">
        {`${t`Template`}: `}
        <Link to="/templates/$id" params={{ id: c.template.id }} className="plain">
          {c.template.name}
        </Link>
      </Text>
      {since && <Text size="xs" c="dimmed">{t`It was changed after the launch.`}</Text>}
    </>
  );
}

/** A row's number as the way to exactly these people. */
function These(props: { id: string; people: People; n: number }) {
  return (
    <Anchor
      renderRoot={(p) => (
        <Link
          {...p}
          to="/campaigns/$id"
          params={{ id: props.id }}
          search={{ status: searchFor(props.people) }}
          hash="messages"
        />
      )}
      size="sm"
      fw={600}
      aria-label={t`${count(props.n)}: show these contacts`}
    >
      {count(props.n)}
    </Anchor>
  );
}

/** Where it stands, how long it took and how fast it went. */
function Course({ campaign: c }: { campaign: CampaignDetails }) {
  const left = remaining(c.counts);
  const waiting = waitingText(c);
  const sending = c.status === "SENDING" && !waiting;
  const pace = decimal(c.throughput);
  const limits = [
    c.localStart && localText(c.localStart),
    c.bestHour && t`At each recipient's best hour`,
    c.quietHours && t`Quiet hours ${quietText(c.quietHours)}`,
    c.frequencyCap && capText(c.frequencyCap),
  ]
    .filter(Boolean)
    .join(" · ");
  return (
    <Card>
      <Group gap="xs" mb="xs">
        <Status value={waiting ? "WAITING" : c.status} label={waiting ?? undefined} />
        <Text size="sm">{besideText(c.status, c.counts)}</Text>
      </Group>
      {!hasEnded(c.status) && (
        <Progress value={c.progress * 100} size="lg" animated={sending} aria-label={t`Progress`} mb="xs" />
      )}
      <Live>{t`${waiting ?? statusText(c.status, c.counts)}, ${percent(c.progress)} processed, ${count(c.counts.delivered)} delivered`}</Live>
      <Text size="sm">
        {hasEnded(c.status)
          ? t`Sent to ${count(c.counts.tried)} of ${count(c.counts.audience)}`
          : `${t`${percent(c.progress)} processed`}, ${leftText(c.counts)}`}
        {sending && ` · ${plural(c.throughput, { one: `${pace} message/s now`, other: `${pace} messages/s now` })}`}
        {sending &&
          c.throughput > 0 &&
          left > 0 &&
          `, ${t`done in about ${duration(Math.max(1, left / c.throughput))}`}`}
        {c.counts.skipped > 0 && (
          <>
            {" · "}
            <Anchor renderRoot={(p) => <Link {...p} to="/campaigns/$id" params={{ id: c.id }} hash="not-sent" />}>
              {t`${count(c.counts.skipped)} not sent`}
            </Anchor>
            {`: ${c.skipReasons
              .slice(0, 2)
              .map((r) => `${midSentence(skipText(r.reason))} (${count(r.count)})`)
              .join(", ")}${c.skipReasons.length > 2 ? "…" : ""}`}
          </>
        )}
      </Text>
      <SimpleGrid cols={{ base: 2, sm: 4 }} mt="md" component="dl" mb={0}>
        {courseOf(c).map((f) => (
          <div key={f.label}>
            <Text component="dt" size="xs" c="dimmed" fw={550}>
              {f.label}
            </Text>
            <Text component="dd" m={0} size="sm" fw={600}>
              {f.text}
            </Text>
            {f.hint && (
              <Text component="dd" m={0} size="xs" c="dimmed">
                {f.hint}
              </Text>
            )}
          </div>
        ))}
      </SimpleGrid>
      {limits && <Text size="sm" c="dimmed" mt="sm">{t`Limits: ${limits}`}</Text>}
    </Card>
  );
}

/** Who of the audience got none, and who had to wait. */
function Audience({ campaign: c }: { campaign: CampaignDetails }) {
  const n = c.counts;
  const ended = [n.canceled > 0 && t`${count(n.canceled)} canceled`, n.expired > 0 && t`${count(n.expired)} expired`];
  return (
    <>
      <Group justify="space-between">
        <Title order={2} size="h4">{t`Audience`}</Title>
        <Text fw={650} data-testid="count-audience">
          {count(n.audience)}
        </Text>
      </Group>
      <SimpleGrid cols={{ base: 1, md: c.deferrals.length > 0 ? 2 : 1 }} spacing="xl">
        <div>
          <Title order={3} size="h5" mb={4} id="not-sent" style={{ scrollMarginTop: 80 }}>
            {t`Not sent`}
            {n.skipped > 0 && ` (${count(n.skipped)})`}
          </Title>
          {c.skipReasons.length === 0 ? (
            <Text c="dimmed" size="sm">{t`Nobody was excluded.`}</Text>
          ) : (
            <Table withRowBorders={false} verticalSpacing={4} aria-label={t`Not sent`}>
              <Table.Tbody>
                {c.skipReasons.map((t) => (
                  <Table.Tr key={t.reason}>
                    <Table.Td>{skipText(t.reason)}</Table.Td>
                    <Table.Td ta="right">
                      <These id={c.id} people={{ event: "skipped", reason: t.reason }} n={t.count} />
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          )}
          {ended.some(Boolean) && <Text size="sm">{ended.filter(Boolean).join(" · ")}</Text>}
        </div>
        {c.deferrals.length > 0 && (
          <div>
            <Title order={3} size="h5" mb={4}>{t`Delayed`}</Title>
            <Tally of={c.deferrals} words={waitText} testId="deferrals" />
          </div>
        )}
      </SimpleGrid>
    </>
  );
}

/** Why messages failed, each reason with its people and what to do. */
function Failures(props: { campaign: CampaignDetails; failed: number }) {
  const c = props.campaign;
  const [{ data }] = useQuery({
    query: CampaignErrorsDocument,
    variables: { id: c.id },
    pause: props.failed === 0,
    requestPolicy: "cache-and-network",
  });
  if (props.failed === 0 || !data) return null;
  return (
    <Card padding={0}>
      <Title order={2} size="h4" px="lg" pt="md">{t`Failures`}</Title>
      <Table className="cards">
        <Table.Thead>
          <Table.Tr>
            {[t`Code`, t`Meaning`, t`Type`, t`Contacts`, t`Share`, t`What to do`].map((h) => (
              <Table.Th key={h}>{h}</Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {data.errorReport.map((e) => (
            <Table.Tr key={e.code}>
              <Table.Td data-label={t`Code`}>{e.code || "–"}</Table.Td>
              <Table.Td data-label={t`Meaning`}>{e.title}</Table.Td>
              <Table.Td data-label={t`Type`}>{errorClasses[e.class]}</Table.Td>
              <Table.Td data-label={t`Contacts`}>
                <These id={c.id} people={{ event: "failed", reason: String(e.code) }} n={e.count} />
              </Table.Td>
              <Table.Td data-label={t`Share`}>{percent(share(e.count, c.counts))}</Table.Td>
              <Table.Td data-label={t`What to do`}>{e.advice}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Text size="xs" c="dimmed" p="md" pt="xs">
        {plural(c.counts.tried, {
          one: "Percentages are of the # contact it was sent to.",
          other: "Percentages are of the # contacts it was sent to.",
        })}
      </Text>
    </Card>
  );
}
