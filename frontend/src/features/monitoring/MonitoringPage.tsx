import { t } from "@lingui/core/macro";
import { Button, Card, Group, SegmentedControl, Text, Title } from "@mantine/core";
import { useInterval } from "@mantine/hooks";
import { IconPlayerPause, IconPlayerPlay } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { useSubscription } from "urql";
import { useMay } from "../../app/session";
import { Failed } from "../../components/Failed";
import { nameOf } from "../../components/Person";
import { LinkButton, Page, Rows, Status } from "../../components/ui";
import { graphql } from "../../gql";
import { chosen, useAddress } from "../../lib/address";
import { count, timeOfDay } from "../../lib/format";
import { useLasting } from "../../lib/lasting";
import { ErrorTable } from "./ErrorTable";
import { Health } from "./Health";
import { RunningCampaigns } from "./RunningCampaigns";

const DeliveryDocument = graphql(`
  subscription DeliveryStream {
    deliveryEvents {
      id
      status
      errorCode
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
  }
`);

const InboundDocument = graphql(`
  subscription InboundStream {
    inboundMessages {
      id
      body
      createdAt
      contact {
        id
        name
        displayAddress
        consentStatus
      }
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
    messages(filter: { direction: INBOUND }, first: 20) {
      nodes {
        id
        body
        createdAt
        contact {
          id
          name
          displayAddress
          consentStatus
        }
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

type Line = {
  key: string;
  at: string;
  kind: (typeof kinds)[number];
  status: string;
  who: { id: string; name: string } | null;
  text: string;
};

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
    const e = next.deliveryEvents;
    waiting.current.push({
      key: e.id,
      at: e.occurredAt,
      kind: "delivery",
      status: e.status,
      who: e.message?.contact ? { id: e.message.contact.id, name: nameOf(e.message.contact) } : null,
      text: [e.errorTitle, e.message?.campaign?.name].filter(Boolean).join(" · "),
    });
    return next;
  });
  useSubscription({ query: InboundDocument }, (_: unknown, next) => {
    const m = next.inboundMessages;
    waiting.current.push({
      key: m.id,
      at: m.createdAt,
      kind: "inbound",
      status: "RECEIVED",
      who: m.contact ? { id: m.contact.id, name: nameOf(m.contact) } : null,
      text: m.body,
    });
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
  const past: Line[] = (data?.messages.nodes ?? []).map((m) => ({
    key: m.id,
    at: m.createdAt,
    kind: "inbound",
    status: "RECEIVED",
    who: m.contact ? { id: m.contact.id, name: nameOf(m.contact) } : null,
    text: m.body,
  }));
  const seen = new Set(lines.map((l) => l.key));
  const stream = [...lines, ...past.filter((l) => !seen.has(l.key))].filter((l) => !show || l.kind === show);
  const h = health.data?.systemHealthChanged ?? data?.systemHealth;
  if (error && !data) return <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />;
  return (
    <Page
      title={t`Monitoring`}
      description={t`What is happening now`}
      actions={
        <>
          {h && h.messagesUndecided > 0 && (
            <LinkButton to="/monitoring/decisions">{t`Decisions (${count(h.messagesUndecided)})`}</LinkButton>
          )}
          {marketer && h && h.webhooksParked > 0 && (
            <LinkButton
              to="/monitoring/webhooks"
              search={{ status: "parked" }}
              variant="default"
            >{t`Parked webhooks (${count(h.webhooksParked)})`}</LinkButton>
          )}
          {marketer && <LinkButton to="/monitoring/webhooks" variant="default">{t`Webhook events`}</LinkButton>}
          {admin && <LinkButton to="/monitoring/check" variant="default">{t`Health check`}</LinkButton>}
          {admin && <Button component="a" href="/admin/jobs/" variant="default">{t`Jobs`}</Button>}
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
