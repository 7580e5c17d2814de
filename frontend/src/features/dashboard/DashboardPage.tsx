import { Alert, Anchor, Badge, Button, Card, Group, Progress, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconSend } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useMutation, useQuery, useSubscription } from "urql";
import { useMay, useSession } from "../../app/session";
import { DeliveryChart } from "../../components/DeliveryChart";
import { Empty, Failed, LinkButton, Live, Page, Rows, Stat, Status } from "../../components/ui";
import { graphql } from "../../gql";
import type { DashboardLiveSubscription, DashboardNumbersFragment } from "../../gql/graphql";
import { settled } from "../../lib/errors";
import { count, counted, moment, percent } from "../../lib/format";

graphql(`
  fragment DashboardNumbers on Dashboard {
    contacts
    optedIn
    optedOut
    unreachable
    campaignsActive
    campaignsTotal
    period {
      accepted
      delivered
      read
      failed
      replied
      optedOut
      received
      deliveryRate
      readRate
      replyRate
      optOutRate
    }
    before {
      accepted
      deliveryRate
      readRate
      replyRate
      optOutRate
    }
    series {
      at
      seconds
      accepted
      delivered
      read
      failed
    }
  }
`);

const DashboardDocument = graphql(`
  query DashboardPage {
    dashboard {
      ...DashboardNumbers
    }
    campaigns(first: 5) {
      nodes {
        id
        name
        status
        progress
        counts {
          audience
          accepted
          delivered
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
          address
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
      messagesUndecided
      checks {
        name
        level
        detail
        advice
      }
    }
  }
`);

const DashboardLiveDocument = graphql(`
  subscription DashboardLive {
    dashboardUpdated {
      ...DashboardNumbers
    }
  }
`);

function change(now: number, before: number, hadBefore: boolean) {
  if (!hadBefore) return "No earlier data";
  const points = (now - before) * 100;
  return `${points >= 0 ? "+" : ""}${points.toFixed(1)} points on the 24 h before`;
}

const SeedDocument = graphql(`
  mutation SandboxSeed($input: SandboxSeedInput!) {
    sandboxSeed(input: $input) {
      contacts
      userErrors {
        field
        message
      }
    }
  }
`);

export function DashboardPage() {
  const session = useSession();
  const admin = useMay("ADMIN");
  const [seeding, seed] = useMutation(SeedDocument);
  const [{ data, error }, load] = useQuery({ query: DashboardDocument, requestPolicy: "cache-and-network" });
  const [live] = useSubscription({ query: DashboardLiveDocument }, (_: DashboardLiveSubscription | undefined, next) => {
    load({ requestPolicy: "network-only" });
    return next;
  });
  const d: DashboardNumbersFragment | undefined = live.data?.dashboardUpdated ?? data?.dashboard;
  if (error && !data) return <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />;
  const fresh = data && data.dashboard.contacts === 0 && data.campaigns.nodes.length === 0;
  return (
    <Page title="Dashboard" description="The last 24 hours, live">
      {!d || !data ? (
        <Rows />
      ) : (
        <>
          {(fresh || data.campaigns.nodes.length === 0) && (
            <Card>
              <Title order={2} size="h4" mb="xs">
                Launch your first campaign
              </Title>
              <SimpleGrid cols={{ base: 1, xs: 2, md: 4 }}>
                {[
                  { done: d.contacts > 0, to: "/contacts/import", text: "Import contacts" },
                  { done: data.segments.nodes.length > 0, to: "/segments/new", text: "Build a segment" },
                  { done: data.templates.nodes.length > 0, to: "/templates/new", text: "Write a template" },
                  { done: data.campaigns.nodes.length > 0, to: "/campaigns/new", text: "Launch a campaign" },
                ].map((s, i) => (
                  <Group key={s.to} gap="xs">
                    <Badge circle size="lg" color={s.done ? "green" : "gray"} variant={s.done ? "filled" : "default"}>
                      {s.done ? "✓" : i + 1}
                    </Badge>
                    <Anchor component={Link} to={s.to} size="sm">
                      {s.text}
                    </Anchor>
                  </Group>
                ))}
              </SimpleGrid>
              {fresh && !session.setup.live && admin && (
                <Group mt="md" gap="sm">
                  <Button
                    variant="default"
                    loading={seeding.fetching}
                    onClick={async () => {
                      if (settled(await seed({ input: {} })))
                        notifications.show({ message: "Demo data is in: have a look around", color: "green" });
                    }}
                  >
                    Fill with demo data
                  </Button>
                  <Text size="sm" c="dimmed" maw={560}>
                    50,000 made-up contacts and six weeks of campaigns, in some fifteen seconds. For looking around:
                    with live Twilio credentials the engine will not start on this database.
                  </Text>
                </Group>
              )}
            </Card>
          )}
          {data.systemHealth.messagesUndecided > 0 && (
            <Alert
              color="yellow"
              title={counted(
                data.systemHealth.messagesUndecided,
                "message needs a decision",
                "messages need a decision",
              )}
            >
              <Stack gap="xs" align="flex-start">
                <Text size="sm">
                  Nothing tells whether Twilio has {data.systemHealth.messagesUndecided === 1 ? "it" : "them"}: send
                  again, or give up.
                </Text>
                <LinkButton to="/monitoring/decisions" variant="default" size="xs">
                  Decide
                </LinkButton>
              </Stack>
            </Alert>
          )}
          <SimpleGrid cols={{ base: 2, md: 4 }}>
            <Stat label="Contacts" value={count(d.contacts)} hint={`${count(d.optedIn)} opted in`} testId="contacts" />
            <Stat
              label="Accepted"
              value={count(d.period.accepted)}
              hint={`${count(d.period.failed)} failed`}
              testId="accepted"
            />
            <Stat
              label="Delivered"
              value={percent(d.period.deliveryRate)}
              hint={change(d.period.deliveryRate, d.before.deliveryRate, d.before.accepted > 0)}
            />
            <Stat
              label="Read"
              value={percent(d.period.readRate)}
              hint={change(d.period.readRate, d.before.readRate, d.before.accepted > 0)}
            />
            <Stat
              label="Campaigns under way"
              value={count(d.campaignsActive)}
              hint={`${count(d.campaignsTotal)} in all`}
            />
            <Stat
              label="Inbound messages"
              value={count(d.period.received)}
              hint={`${percent(d.period.replyRate)} of delivered`}
            />
            <Stat
              label="Opted out"
              value={count(d.period.optedOut)}
              hint={`${percent(d.period.optOutRate)} of delivered · ${count(d.optedOut)} in all`}
            />
            <Stat label="Unreachable" value={count(d.unreachable)} hint="on WhatsApp, for now" />
          </SimpleGrid>
          <Live>
            {count(d.period.accepted)} messages accepted, {count(d.period.delivered)} delivered
          </Live>
          <Card>
            <DeliveryChart title="Messages" steps={d.series} />
          </Card>
          <SimpleGrid cols={{ base: 1, lg: 2 }}>
            <Card>
              <Group justify="space-between" mb="sm">
                <Title order={2} size="h4">
                  Recent campaigns
                </Title>
                <Anchor component={Link} to="/campaigns" size="sm">
                  All campaigns
                </Anchor>
              </Group>
              {data.campaigns.nodes.length === 0 ? (
                <Text c="dimmed" size="sm">
                  None yet.
                </Text>
              ) : (
                <Stack gap="md">
                  {data.campaigns.nodes.map((c) => (
                    <div key={c.id}>
                      <Group justify="space-between" wrap="nowrap">
                        <Link to="/campaigns/$id" params={{ id: c.id }} className="plain">
                          {c.name}
                        </Link>
                        <Status value={c.status} />
                      </Group>
                      <Progress value={c.progress * 100} mt={6} aria-label={`Progress of ${c.name}`} />
                      <Text size="xs" c="dimmed" mt={4}>
                        {count(c.counts.accepted)} accepted, {count(c.counts.delivered)} delivered of{" "}
                        {count(c.counts.audience)}
                      </Text>
                    </div>
                  ))}
                </Stack>
              )}
            </Card>
            <Card>
              <Group justify="space-between" mb="sm">
                <Title order={2} size="h4">
                  Recent replies
                </Title>
                <Anchor component={Link} to="/monitoring" size="sm">
                  Live stream
                </Anchor>
              </Group>
              {data.messages.nodes.length === 0 ? (
                <Text c="dimmed" size="sm">
                  Nobody has written yet.
                </Text>
              ) : (
                <Stack gap="sm">
                  {data.messages.nodes.map((m) => (
                    <div key={m.id}>
                      <Group justify="space-between" wrap="nowrap" gap="xs">
                        {m.contact && (
                          <Link to="/contacts/$id" params={{ id: m.contact.id }} className="plain">
                            {m.contact.name || m.contact.address}
                          </Link>
                        )}
                        <Text size="xs" c="dimmed">
                          {moment(m.createdAt)}
                        </Text>
                      </Group>
                      <Text size="sm" lineClamp={1}>
                        {m.body}
                      </Text>
                    </div>
                  ))}
                </Stack>
              )}
            </Card>
          </SimpleGrid>
          <Group gap="xs" aria-label="Health" role="group">
            {data.systemHealth.checks.map((c) => (
              <Status key={c.name} value={c.level} label={`${c.name}: ${c.detail}`} />
            ))}
          </Group>
        </>
      )}
      {fresh && (
        <Empty
          icon={<IconSend />}
          title="Nothing here yet"
          action={<LinkButton to="/contacts/import">Import contacts</LinkButton>}
        >
          Start with a file of contacts: CSV or JSON, as your shop or CRM exports it.
        </Empty>
      )}
    </Page>
  );
}
