import { Card, Grid, Group, Progress, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useThrottledValue } from "@mantine/hooks";
import { useQuery } from "urql";
import { useMay } from "../../app/session";
import { Live, Status } from "../../components/ui";
import { graphql } from "../../gql";
import { count, decimal, duration, percent, skipText, waitText } from "../../lib/format";
import { ErrorTable } from "../monitoring/ErrorTable";
import { CampaignMessages } from "./CampaignMessages";
import type { CampaignDetails } from "./CampaignPage";
import { CampaignTimeline } from "./CampaignTimeline";
import { Funnel } from "./Funnel";
import { besideText, courseOf, hasEnded, leftText, remaining, statusText, waitingText } from "./outcome";
import { Pace } from "./Pace";
import { capText, quietText } from "./schedule";
import { Tally } from "./Tally";

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
  return (
    <>
      <Course campaign={c} />
      <Grid>
        <Grid.Col span={{ base: 12, lg: 7 }}>
          <Card h="100%">
            <Title order={2} size="h4" mb="sm">
              Results
            </Title>
            <Funnel counts={n} />
          </Card>
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 5 }}>
          <Card h="100%">
            <Stack>
              <Audience campaign={c} />
              {may && !hasEnded(c.status) && (
                <Pace key={c.rateLimitPerSecond} id={c.id} revision={c.revision} rate={c.rateLimitPerSecond ?? null} />
              )}
            </Stack>
          </Card>
        </Grid.Col>
      </Grid>
      <Card>
        <CampaignTimeline id={c.id} changed={n.accepted + n.delivered + n.read + n.failed + n.undelivered} />
      </Card>
      <Failures key={failures} id={c.id} failed={n.failed + n.undelivered} />
      <CampaignMessages id={c.id} moving={n.accepted + n.skipped} />
    </>
  );
}

/** Where it stands, how long it took and how fast it went. */
function Course({ campaign: c }: { campaign: CampaignDetails }) {
  const left = remaining(c.counts);
  const waiting = waitingText(c);
  const sending = c.status === "SENDING" && !waiting;
  const limits = [c.quietHours && `Quiet hours ${quietText(c.quietHours)}`, c.frequencyCap && capText(c.frequencyCap)]
    .filter(Boolean)
    .join(" · ");
  return (
    <Card>
      <Group justify="space-between" mb="xs">
        <Group gap="xs">
          <Status value={waiting ? "WAITING" : c.status} label={waiting ?? undefined} />
          <Text size="sm">{besideText(c.status, c.counts)}</Text>
        </Group>
        <Text size="sm" c="dimmed">
          {limits}
        </Text>
      </Group>
      <Progress value={c.progress * 100} size="lg" animated={sending} aria-label="Progress" />
      <Live>
        {waiting ?? statusText(c.status, c.counts)}, {percent(c.progress)} processed, {count(c.counts.delivered)}{" "}
        delivered
      </Live>
      <Text size="sm" mt="xs">
        {percent(c.progress)} processed
        {c.status !== "COMPLETED" && `, ${leftText(c.counts)}`}
        {sending && ` · ${decimal(c.throughput)} a second now`}
        {sending && c.throughput > 0 && left > 0 && `, done in about ${duration(left / c.throughput)}`}
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
    </Card>
  );
}

/** Who of the audience got none, and who had to wait. */
function Audience({ campaign: c }: { campaign: CampaignDetails }) {
  const n = c.counts;
  const ended = [n.canceled > 0 && `${count(n.canceled)} canceled`, n.expired > 0 && `${count(n.expired)} expired`];
  return (
    <>
      <Group justify="space-between">
        <Title order={2} size="h4">
          Audience
        </Title>
        <Text fw={650} data-testid="count-audience">
          {count(n.audience)}
        </Text>
      </Group>
      <div>
        <Title order={3} size="h5">
          Not sent
        </Title>
        {c.skipReasons.length === 0 ? (
          <Text c="dimmed" size="sm">
            Nobody was excluded.
          </Text>
        ) : (
          <Tally of={c.skipReasons} words={skipText} />
        )}
        {ended.some(Boolean) && <Text size="sm">{ended.filter(Boolean).join(" · ")}</Text>}
      </div>
      {c.deferrals.length > 0 && (
        <div>
          <Title order={3} size="h5">
            Delayed
          </Title>
          <Tally of={c.deferrals} words={waitText} testId="deferrals" />
        </div>
      )}
    </>
  );
}

function Failures(props: { id: string; failed: number }) {
  const [{ data }] = useQuery({
    query: CampaignErrorsDocument,
    variables: { id: props.id },
    pause: props.failed === 0,
    requestPolicy: "cache-and-network",
  });
  if (props.failed === 0 || !data) return null;
  return <ErrorTable title="Failures" errors={data.errorReport} />;
}
