import { t } from "@lingui/core/macro";
import { Anchor, Card, Group, Progress, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useThrottledCallback } from "@mantine/hooks";
import { IconPlus } from "@tabler/icons-react";
import { Link, useSearch } from "@tanstack/react-router";
import { useEffect, useMemo, useRef, useState } from "react";
import { useQuery, useSubscription } from "urql";
import { useMay, useSession } from "../../app/session";
import { DeliveryChart } from "../../components/DeliveryChart";
import { Failed } from "../../components/Failed";
import { nameOf } from "../../components/Person";
import { LinkButton, Live, Page, Rows, Status } from "../../components/ui";
import { When } from "../../components/When";
import { graphql } from "../../gql";
import type { DashboardPageQuery } from "../../gql/graphql";
import { count, messages, percentOf } from "../../lib/format";
import { zoneName } from "../../lib/zone";
import { share, waitingText } from "../campaigns/outcome";
import { Attention } from "./Attention";
import { Checklist } from "./Checklist";
import { DemoOffer } from "./DemoOffer";
import { Figures } from "./Figures";
import { Holdout } from "./Holdout";
import { RangePicker } from "./RangePicker";
import { rangeOf } from "./range";

graphql(`
  fragment DashboardPeriod on DashboardPeriod {
    tried
    accepted
    delivered
    read
    clicked
    failed
    replied
    optedOut
    received
  }
`);

graphql(`
  fragment DashboardNumbers on Dashboard {
    contacts
    optedIn
    unreachable
    countsClicks
    period {
      ...DashboardPeriod
    }
    series {
      at
      seconds
      accepted
      delivered
      read
      clicked
      failed
    }
  }
`);

const DashboardDocument = graphql(`
  query DashboardPage($range: DateRange!, $before: DateRange!, $zone: String!) {
    dashboard(range: $range, zone: $zone) {
      ...DashboardNumbers
    }
    earlier: dashboard(range: $before, zone: $zone) {
      period {
        ...DashboardPeriod
      }
    }
    attention {
      ...DashboardAttention
    }
    spending(months: 1) {
      totals {
        amount
        currency
      }
    }
    campaigns(filter: { status: [PREPARING, SENDING, PAUSED, COMPLETED, CANCELED, FAILED] }, first: 5) {
      nodes {
        id
        name
        status
        progress
        waitingUntil
        waitingReason
        waitingLimit
        counts {
          tried
          delivered
          read
        }
      }
    }
    messages(filter: { direction: INBOUND }, first: 6) {
      nodes {
        id
        body
        createdAt
        contact {
          id
          name
          displayAddress
        }
      }
    }
    templates(first: 1) {
      nodes {
        id
      }
    }
    segments(first: 1) {
      nodes {
        id
      }
    }
    systemHealth {
      checks {
        name
        level
        detail
        advice
      }
    }
  }
`);

// What comes says only that something has changed: the page is read for its own range.
const DashboardLiveDocument = graphql(`
  subscription DashboardLive {
    dashboardUpdated {
      contacts
      period {
        accepted
        delivered
        read
        failed
        received
      }
    }
  }
`);

/** The moment until which the page shows: it moves on when something happened, and once a minute. */
function useNow() {
  const [now, setNow] = useState(() => new Date());
  const tick = useThrottledCallback(() => setNow(new Date()), 2000);
  useSubscription({ query: DashboardLiveDocument }, (_, next) => {
    tick();
    return next;
  });
  useEffect(() => {
    const every = setInterval(tick, 60_000);
    return () => clearInterval(every);
  }, [tick]);
  return now;
}

export function DashboardPage() {
  const { setup } = useSession();
  const may = useMay("MARKETER");
  const search = useSearch({ from: "__root__" });
  const now = useNow();
  const range = useMemo(() => rangeOf(search, now), [search, now]);
  const [{ data: fresh, error }, load] = useQuery({
    query: DashboardDocument,
    variables: {
      range: { from: range.from.toISOString(), to: range.to.toISOString() },
      before: { from: range.before.from.toISOString(), to: range.before.to.toISOString() },
      zone: zoneName(),
    },
    requestPolicy: "network-only",
  });
  const last = useRef<DashboardPageQuery>(undefined); // what is on the page stays until what is newer is there
  if (fresh) last.current = fresh;
  const data = fresh ?? last.current;
  if (error && !data) return <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />;
  if (!data)
    return (
      <Page title={t`Dashboard`}>
        <Rows />
      </Page>
    );
  if (data.campaigns.nodes.length === 0)
    return (
      <Page title={t`Dashboard`}>
        <Attention of={data.attention} />
        <Checklist
          done={{
            contacts: data.dashboard.contacts > 0,
            segment: data.segments.nodes.length > 0,
            template: data.templates.nodes.length > 0,
            campaign: false,
            live: setup.live,
          }}
        >
          <DemoOffer empty={data.dashboard.contacts === 0} onDone={() => load({ requestPolicy: "network-only" })} />
        </Checklist>
      </Page>
    );
  const troubles = data.systemHealth.checks.filter((c) => c.level !== "OK");
  return (
    <Page
      title={t`Dashboard`}
      actions={
        <>
          <RangePicker range={range} />
          {may && <LinkButton to="/campaigns/new" leftSection={<IconPlus size={16} />}>{t`New campaign`}</LinkButton>}
        </>
      }
    >
      <Attention of={data.attention} />
      <Figures
        now={data.dashboard}
        before={data.earlier.period}
        compared={range.compared}
        spent={data.spending[0]?.totals ?? []}
        live={setup.live}
      />
      <Live>{t`${messages(data.dashboard.period.tried)} sent, ${count(data.dashboard.period.delivered)} delivered`}</Live>
      <Card>
        <DeliveryChart title={t`Messages`} steps={data.dashboard.series} />
      </Card>
      <Holdout range={range} />
      <SimpleGrid cols={{ base: 1, lg: 2 }}>
        <Campaigns campaigns={data.campaigns.nodes} />
        <Replies messages={data.messages.nodes} />
      </SimpleGrid>
      {troubles.length > 0 && (
        <Group gap="xs" aria-label={t`Health`} role="group">
          {troubles.map((c) => (
            <Status key={c.name} value={c.level} label={`${c.name}: ${c.detail}`} />
          ))}
        </Group>
      )}
    </Page>
  );
}

function Campaigns(props: { campaigns: DashboardPageQuery["campaigns"]["nodes"] }) {
  return (
    <Card>
      <Group justify="space-between" mb="sm">
        <Title order={2} size="h4">{t`Recent campaigns`}</Title>
        <Anchor component={Link} to="/campaigns" size="sm">{t`All campaigns`}</Anchor>
      </Group>
      <Stack gap="md">
        {props.campaigns.map((c) => (
          <div key={c.id}>
            <Group justify="space-between" wrap="nowrap">
              <Link to="/campaigns/$id" params={{ id: c.id }} className="plain">
                {c.name}
              </Link>
              <Status value={waitingText(c) ? "WAITING" : c.status} />
            </Group>
            {c.status !== "COMPLETED" && (
              <Progress value={c.progress * 100} mt={6} aria-label={t`Progress of ${c.name}`} />
            )}
            <Text size="xs" c="dimmed" mt={4}>
              {waitingText(c) ??
                t`Sent to ${count(c.counts.tried)} · ${percentOf(share(c.counts.delivered, c.counts))} delivered · ${percentOf(share(c.counts.read, c.counts))} read`}
            </Text>
          </div>
        ))}
      </Stack>
    </Card>
  );
}

function Replies(props: { messages: DashboardPageQuery["messages"]["nodes"] }) {
  return (
    <Card>
      <Group justify="space-between" mb="sm">
        <Title order={2} size="h4">{t`Recent replies`}</Title>
        <Anchor component={Link} to="/inbox" size="sm">{t`Inbox`}</Anchor>
      </Group>
      {props.messages.length === 0 ? (
        <Text c="dimmed" size="sm">{t`Nobody has written yet.`}</Text>
      ) : (
        <Stack gap="sm">
          {props.messages.map((m) => (
            <div key={m.id}>
              <Group justify="space-between" wrap="nowrap" gap="xs">
                {m.contact && (
                  <Link to="/contacts/$id" params={{ id: m.contact.id }} className="plain">
                    {nameOf(m.contact)}
                  </Link>
                )}
                <Text size="xs" c="dimmed">
                  <When at={m.createdAt} />
                </Text>
              </Group>
              <Text dir="auto" size="sm" lineClamp={1}>
                {m.body}
              </Text>
            </div>
          ))}
        </Stack>
      )}
    </Card>
  );
}
