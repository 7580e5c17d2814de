import { Button, Card, Grid, Group, NumberInput, Progress, SimpleGrid, Stack, Table, Text, Title } from "@mantine/core";
import { useThrottledValue } from "@mantine/hooks";
import { notifications } from "@mantine/notifications";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useMutation, useQuery } from "urql";
import { useMay } from "../../app/session";
import { DeliveryChart } from "../../components/DeliveryChart";
import { Live, Stat, Status } from "../../components/ui";
import { graphql } from "../../gql";
import { settled } from "../../lib/errors";
import { count, decimal, duration, moment, percent, skipText, waitText } from "../../lib/format";
import { ErrorTable } from "../monitoring/ErrorTable";
import { CampaignMessages } from "./CampaignMessages";
import type { CampaignDetails } from "./CampaignPage";
import { besideText, hasEnded, leftText, remaining, statusText } from "./outcome";
import { capText, quietText } from "./schedule";
import { Tally } from "./Tally";

const CampaignErrorsDocument = graphql(`
  query CampaignErrors($id: ID!) {
    errorReport(filter: { campaignId: $id }) {
      ...ErrorRow
    }
  }
`);

const CampaignRateDocument = graphql(`
    mutation CampaignRate($input: CampaignUpdateInput!) {
      campaignUpdate(input: $input) {
        campaign {
          id
          revision
          rateLimitPerSecond
        }
        userErrors {
          field
          message
        }
      }
    }
  `);

/** How a campaign does, live. */
export function CampaignReport({ campaign: c }: { campaign: CampaignDetails }) {
  const may = useMay("MARKETER");
  const failures = useThrottledValue(c.counts.failed + c.counts.undelivered, 2000); // read anew when it has changed
  const left = remaining(c.counts);
  const limits = [c.quietHours && `Quiet hours ${quietText(c.quietHours)}`, c.frequencyCap && capText(c.frequencyCap)]
    .filter(Boolean)
    .join(" · ");
  const funnel = [
    { label: "Audience", n: c.counts.audience, of: c.counts.audience },
    { label: "Accepted", n: c.counts.accepted, of: c.counts.audience },
    { label: "Sent", n: c.counts.sent, of: c.counts.accepted },
    { label: "Delivered", n: c.counts.delivered, of: c.counts.accepted },
    { label: "Read", n: c.counts.read, of: c.counts.delivered },
    { label: "Replied", n: c.counts.replied, of: c.counts.delivered },
  ];
  return (
    <>
      <Card>
        <Group justify="space-between" mb="xs">
          <Group gap="xs">
            <Status value={c.status} />
            <Text size="sm">{besideText(c.status, c.counts)}</Text>
          </Group>
          <Text size="sm" c="dimmed">
            {c.status === "SENDING" ? `${decimal(c.throughput)} a second · ` : ""}
            {c.startedAt ? `launched ${moment(c.startedAt)}` : "not launched"}
            {c.startedAt && c.finishedAt
              ? ` · took ${duration((new Date(c.finishedAt).getTime() - new Date(c.startedAt).getTime()) / 1000)}`
              : ""}
            {c.counts.accepted > 0 &&
              ` · ${decimal(c.throughputAverage)} a second on average, ${decimal(c.throughputPeak)} peak`}
          </Text>
        </Group>
        <Progress value={c.progress * 100} size="lg" animated={c.status === "SENDING"} aria-label="Progress" />
        <Live>
          {statusText(c.status, c.counts)}, {percent(c.progress)} done, {count(c.counts.delivered)} delivered
        </Live>
        <Group justify="space-between" mt="xs">
          <Text size="sm">
            {percent(c.progress)} done
            {c.status !== "COMPLETED" && `, ${leftText(c.counts)}`}
            {c.status === "SENDING" && c.throughput > 0 && left > 0 && !c.waitingUntil && (
              <>, done in about {duration(left / c.throughput)}</>
            )}
            {c.waitingUntil && `; the next waits until ${moment(c.waitingUntil)}`}
          </Text>
          <Text size="sm" c="dimmed">
            {limits}
          </Text>
        </Group>
      </Card>
      <SimpleGrid cols={{ base: 2, sm: 3, lg: 6 }}>
        {funnel.map((f) => (
          <Stat
            key={f.label}
            label={f.label}
            value={count(f.n)}
            hint={f.of ? percent(f.n / f.of) : " "}
            testId={`count-${f.label.toLowerCase()}`}
          />
        ))}
      </SimpleGrid>
      <Grid>
        <Grid.Col span={{ base: 12, lg: 8 }}>
          <Card h="100%">
            {c.series.length === 0 ? (
              <>
                <Title order={2} size="h4" mb="md">
                  Over time
                </Title>
                <Text c="dimmed" size="sm">
                  Nothing has happened yet.
                </Text>
              </>
            ) : (
              <DeliveryChart title="Over time" points={c.series} height={240} />
            )}
          </Card>
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 4 }}>
          <Card h="100%">
            <Stack>
              <Title order={2} size="h4">
                Not sent
              </Title>
              {c.skipReasons.length === 0 ? (
                <Text c="dimmed" size="sm">
                  Nobody was skipped.
                </Text>
              ) : (
                <Tally of={c.skipReasons} words={skipText} />
              )}
              {c.deferrals.length > 0 && (
                <div>
                  <Title order={3} size="h5">
                    Delayed
                  </Title>
                  <Tally of={c.deferrals} words={waitText} testId="deferrals" />
                </div>
              )}
              <Text size="sm">
                {count(c.counts.optedOut)} opted out ({percent(c.rates.optedOut)} of delivered)
                {c.counts.canceled > 0 && ` · ${count(c.counts.canceled)} canceled`}
                {c.counts.expired > 0 && ` · ${count(c.counts.expired)} expired`}
              </Text>
              {may && !hasEnded(c.status) && (
                <Pace key={c.rateLimitPerSecond} id={c.id} revision={c.revision} rate={c.rateLimitPerSecond ?? null} />
              )}
            </Stack>
          </Card>
        </Grid.Col>
      </Grid>
      <Failures key={failures} id={c.id} failed={c.counts.failed + c.counts.undelivered} />
      <CampaignMessages id={c.id} moving={c.counts.accepted + c.counts.skipped} />
    </>
  );
}

/** The runs of a recurring campaign. */
export function Runs(props: { runs: CampaignDetails["runs"] }) {
  return (
    <Card padding={0}>
      <Title order={2} size="h4" p="md" pb={0}>
        Runs
      </Title>
      <Table className="cards">
        <Table.Thead>
          <Table.Tr>
            {["Run", "Status", "Audience", "Accepted", "Delivered", "Launched"].map((h) => (
              <Table.Th key={h}>{h}</Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {props.runs.map((r) => (
            <Table.Tr key={r.id}>
              <Table.Td data-label="Run">
                <Link to="/campaigns/$id" params={{ id: r.id }} className="plain">
                  {r.name}
                </Link>
              </Table.Td>
              <Table.Td data-label="Status">
                <Status value={r.status} />
              </Table.Td>
              <Table.Td data-label="Audience">{count(r.counts.audience)}</Table.Td>
              <Table.Td data-label="Accepted">{count(r.counts.accepted)}</Table.Td>
              <Table.Td data-label="Delivered">{count(r.counts.delivered)}</Table.Td>
              <Table.Td data-label="Launched">{moment(r.startedAt)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Card>
  );
}

function Pace(props: { id: string; revision: number; rate: number | null }) {
  const [value, setValue] = useState<number | "">(props.rate ?? "");
  const [{ fetching }, update] = useMutation(CampaignRateDocument);
  return (
    <Group align="flex-end" gap="xs">
      <NumberInput
        label="Messages a second"
        description="Changes at once"
        min={0.01}
        max={2000}
        value={value}
        onChange={(v) => setValue(v === "" ? "" : Number(v))}
        w={150}
      />
      <Button
        variant="default"
        loading={fetching}
        onClick={async () => {
          const rateLimitPerSecond = value === "" ? null : value;
          const input = { id: props.id, rateLimitPerSecond, expectedVersion: props.revision };
          if (settled(await update({ input }))) notifications.show({ message: "Pace changed", color: "green" });
        }}
      >
        Set
      </Button>
    </Group>
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
