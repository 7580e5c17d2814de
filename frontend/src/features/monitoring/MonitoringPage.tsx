import { t } from "@lingui/core/macro";
import { Button, Card, Group, SegmentedControl, Text, Title } from "@mantine/core";
import { useInterval } from "@mantine/hooks";
import { IconChevronDown, IconPlayerPause, IconPlayerPlay } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { useSubscription } from "urql";
import { useMay } from "../../app/session";
import { DropdownMenu } from "../../components/Dropdown";
import { Failed } from "../../components/Failed";
import { nameOf } from "../../components/Person";
import { LinkButton, Page, Rows, Status } from "../../components/ui";
import { graphql } from "../../gql";
import type { MonitoringQuery, StreamedDeliveryFragment, StreamedInboundFragment } from "../../gql/graphql";
import { chosen, useAddress } from "../../lib/address";
import { count, day, timeOfDay } from "../../lib/format";
import { useLasting } from "../../lib/lasting";
import { isToday } from "../../lib/zone";
import { ErrorTable } from "./ErrorTable";
import { Health } from "./Health";
import { RunningCampaigns } from "./RunningCampaigns";
import { merged, type StreamLine } from "./stream";

const DeliveryDocument = graphql(`
  subscription DeliveryStream {
    deliveryEvents {
      ...StreamedDelivery
    }
  }
  fragment StreamedDelivery on DeliveryEvent {
    id
    status
    errorTitle
    occurredAt
    message {
      id
      contact {
        id
        name
        displayAddress
      }
      campaign {
        id
        name
      }
    }
  }
`);

const InboundDocument = graphql(`
  subscription InboundStream {
    inboundMessages {
      ...StreamedInbound
    }
  }
  fragment StreamedInbound on Message {
    id
    body
    createdAt
    contact {
      id
      name
      displayAddress
    }
  }
`);

const MonitoringDocument = graphql(`
  query Monitoring {
    systemHealth {
      ...HealthState
    }
    errorReport {
      ...ErrorRow
    }
    deliveryEvents(first: 20) {
      nodes {
        ...StreamedDelivery
      }
    }
    messages(filter: { direction: INBOUND }, first: 20) {
      nodes {
        ...StreamedInbound
      }
    }
  }
`);

const HealthDocument = graphql(`
  subscription HealthStream {
    systemHealthChanged {
      ...HealthState
    }
  }
`);

const kinds = ["inbound", "delivery"] as const;

type Kind = (typeof kinds)[number];
type Line = StreamLine & {
  kind: Kind;
  status: string;
  who: { id: string; name: string } | null;
  text: string;
};

const inboundLine = (m: StreamedInboundFragment): Line => ({
  key: m.id,
  at: m.createdAt,
  kind: "inbound",
  status: "RECEIVED",
  who: m.contact ? { id: m.contact.id, name: nameOf(m.contact) } : null,
  text: m.body,
});
const deliveryLine = (e: StreamedDeliveryFragment): Line => ({
  key: e.id,
  at: e.occurredAt,
  kind: "delivery",
  status: e.status,
  who: e.message?.contact ? { id: e.message.contact.id, name: nameOf(e.message.contact) } : null,
  text: [e.errorTitle, e.message?.campaign?.name].filter(Boolean).join(" · "),
});

const keep = 200;

export function MonitoringPage() {
  const admin = useMay("ADMIN");
  const marketer = useMay("MARKETER");
  const [{ data, error }, load] = useLasting({ query: MonitoringDocument, requestPolicy: "cache-and-network" });
  useInterval(() => load({ requestPolicy: "network-only" }), 15_000, { autoInvoke: true }); // errors come in no stream
  const [health] = useSubscription({ query: HealthDocument });
  const [paused, setPaused] = useState(false);
  const { search, change } = useAddress();
  const show = chosen(kinds, search.status);
  const [lines, setLines] = useState<Line[]>([]);
  const waiting = useRef<Line[]>([]);
  useSubscription({ query: DeliveryDocument }, (_: unknown, next) => {
    waiting.current.push(deliveryLine(next.deliveryEvents));
    return next;
  });
  useSubscription({ query: InboundDocument }, (_: unknown, next) => {
    waiting.current.push(inboundLine(next.inboundMessages));
    return next;
  });
  // The stream is drawn four times a second, whatever the number of events.
  useEffect(() => {
    const timer = setInterval(() => {
      waiting.current = waiting.current.slice(-keep); // while it is paused, and at thousands a second
      if (paused || waiting.current.length === 0) return;
      const fresh = waiting.current.splice(0).reverse();
      setLines((old) => [...fresh, ...old].slice(0, keep));
    }, 250);
    return () => clearInterval(timer);
  }, [paused]);
  const [read, setRead] = useState<MonitoringQuery>();
  if (data && data !== read && !(paused && read)) setRead(data); // what is read again while it is paused waits, too
  const past = read ? [...read.messages.nodes.map(inboundLine), ...read.deliveryEvents.nodes.map(deliveryLine)] : [];
  const stream = merged(lines, past).filter((l) => !show || l.kind === show);
  const h = health.data?.systemHealthChanged ?? data?.systemHealth;
  if (error && !data) return <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />;
  return (
    <Page
      title={t`Monitoring`}
      description={t`What is happening now`}
      actions={
        <>
          {h && h.messagesUndecided > 0 && (
            <LinkButton to="/monitoring/decisions">{t`Unconfirmed messages (${count(h.messagesUndecided)})`}</LinkButton>
          )}
          {marketer && h && h.webhooksParked > 0 && (
            <LinkButton
              to="/monitoring/webhooks"
              search={{ status: "parked" }}
              variant="default"
            >{t`Webhooks to retry (${count(h.webhooksParked)})`}</LinkButton>
          )}
          {marketer && <LinkButton to="/monitoring/webhooks" variant="default">{t`Webhook events`}</LinkButton>}
          {admin && (
            <DropdownMenu
              position="bottom-end"
              target={<Button variant="default" rightSection={<IconChevronDown size={16} />}>{t`More`}</Button>}
            >
              {(Menu) => (
                <>
                  <Menu.Item
                    renderRoot={(root) => <Link {...root} to="/monitoring/check" />}
                  >{t`Health check`}</Menu.Item>
                  <Menu.Item component="a" href="/admin/jobs/">{t`Jobs`}</Menu.Item>
                </>
              )}
            </DropdownMenu>
          )}
        </>
      }
    >
      {h ? <Health of={h} /> : <Rows n={3} />}
      <RunningCampaigns />
      <Card>
        <Group justify="space-between" mb="sm">
          <Title order={2} size="h4">{t`Live stream`}</Title>
          <Group gap="xs">
            <SegmentedControl
              size="xs"
              value={show ?? "all"}
              onChange={(v) => change({ status: v === "all" ? undefined : v }, { replace: true, resetScroll: false })}
              aria-label={t`Events shown`}
              data={[
                { value: "all", label: t`All` },
                { value: "inbound", label: t`Inbound` },
                { value: "delivery", label: t`Delivery` },
              ]}
            />
            <Button
              size="xs"
              variant="default"
              leftSection={paused ? <IconPlayerPlay size={14} /> : <IconPlayerPause size={14} />}
              onClick={() => setPaused(!paused)}
              aria-pressed={paused}
            >
              {paused ? t`Resume` : t`Pause`}
            </Button>
          </Group>
        </Group>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard (axe: scrollable-region-focusable) */}
        <section className="feed" tabIndex={0} aria-label={t`Events, newest first`} data-testid="stream">
          {stream.length === 0 ? (
            <Text c="dimmed" size="sm">{t`Nothing yet. Events appear here as they happen.`}</Text>
          ) : (
            <div className="feed-rows">
              {stream.map((l) => (
                <div key={l.key} className="feed-row">
                  <Text className="figures" size="xs" c="dimmed" ta="right" style={{ whiteSpace: "nowrap" }}>
                    {!isToday(new Date(l.at)) && (
                      <>
                        {day(l.at)}
                        <br />
                      </>
                    )}
                    {timeOfDay(l.at)}
                  </Text>
                  <Status value={l.status} label={l.kind === "inbound" ? t`Inbound` : undefined} />
                  <Text size="sm" truncate>
                    {l.who && (
                      <Link to="/contacts/$id" params={{ id: l.who.id }} className="plain">
                        {l.who.name}
                      </Link>
                    )}
                    {l.text && (
                      <>
                        {" "}
                        <bdi>{l.text}</bdi>
                      </>
                    )}
                  </Text>
                </div>
              ))}
            </div>
          )}
        </section>
      </Card>
      {data && data.errorReport.length > 0 && <ErrorTable title={t`Why messages failed`} errors={data.errorReport} />}
    </Page>
  );
}
