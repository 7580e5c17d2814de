import {
  Alert,
  Button,
  Card,
  Grid,
  Group,
  Modal,
  NumberInput,
  Progress,
  Select,
  SimpleGrid,
  Stack,
  Table,
  Text,
  Title,
} from "@mantine/core";
import { useThrottledValue } from "@mantine/hooks";
import { modals } from "@mantine/modals";
import { notifications } from "@mantine/notifications";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { useMutation, useQuery, useSubscription } from "urql";
import { useMay } from "../../app/session";
import { DeliveryChart } from "../../components/DeliveryChart";
import { Empty, Failed, Live, LoadMore, Page, Rows, Stat, Status } from "../../components/ui";
import { graphql } from "../../gql";
import type { CampaignPageQuery, CampaignStateFragment, MessageStatus } from "../../gql/graphql";
import { settled } from "../../lib/errors";
import {
  count,
  counted,
  decimal,
  duration,
  moment,
  percent,
  sentence,
  skipText,
  waits,
  waitText,
  words,
} from "../../lib/format";
import { real } from "../../lib/node";
import { Decide, MessageState, Risks } from "../messages/Decide";
import { ErrorTable } from "../monitoring/ErrorTable";
import { CampaignLaunchDocument } from "./CampaignWizard";
import { besideText, leftText, remaining, retriesText, statusText } from "./outcome";
import { ScheduleForm } from "./ScheduleForm";
import { planText } from "./schedule";
import { TestSend } from "./TestSend";

graphql(`
  fragment CampaignState on Campaign {
    id
    name
    status
    pausedBy
    pausedReason
    failure
    rateLimitPerSecond
    progress
    throughput
    nextRunAt
    startError
    startRetryAt
    runsDone
    waitingUntil
    undecidedSince
    startedAt
    preparedAt
    finishedAt
    counts {
      audience
      pending
      submitting
      accepted
      sent
      delivered
      read
      failed
      undelivered
      canceled
      expired
      skipped
      unknown
      undecided
      redelivering
      replied
      optedOut
    }
    rates {
      delivered
      read
      failed
      replied
      optedOut
    }
    skipReasons {
      reason
      count
    }
    deferrals {
      reason
      count
    }
    throughputAverage
    throughputPeak
    series {
      at
      accepted
      delivered
      read
      failed
    }
  }
`);

const CampaignDocument = graphql(`
  query CampaignPage($id: ID!) {
    node(id: $id) {
      ... on Campaign {
        ...CampaignState
        template {
          id
          name
          body
        }
        segment {
          id
          name
        }
        topic {
          id
          name
        }
        senders {
          weight
          sender {
            id
            displayName
          }
        }
        errorThreshold
        endsAt
        schedule {
          at
          recurrence {
            frequency
            time
            zone
            days
            dayOfMonth
            until
            runs
          }
        }
        runs {
          id
          name
          status
          startedAt
          counts {
            audience
            accepted
            delivered
          }
        }
        parent {
          id
          name
        }
        quietHours {
          start
          end
          zone
        }
        frequencyCap {
          messages
          days
        }
      }
    }
  }
`);

const CampaignLiveDocument = graphql(`
  subscription CampaignLive($id: ID!) {
    campaignProgress(id: $id) {
      ...CampaignState
    }
  }
`);

const CampaignErrorsDocument = graphql(`
  query CampaignErrors($id: ID!) {
    errorReport(filter: { campaignId: $id }) {
      ...ErrorRow
    }
  }
`);

const CampaignMessagesDocument = graphql(`
  query CampaignMessages($filter: MessageFilter!, $after: String) {
    messages(filter: $filter, first: 25, after: $after) {
      pageInfo {
        hasNextPage
        endCursor
      }
      nodes {
        id
        status
        body
        skipReason
        errorMessage
        notBefore
        notBeforeReason
        decisionSince
        redeliveries
        acceptedAt
        contact {
          id
          name
          address
        }
      }
    }
  }
`);

const action = {
  pause: graphql(`
    mutation CampaignPause($input: CampaignPauseInput!) {
      campaignPause(input: $input) {
        campaign {
          id
          status
          pausedBy
          pausedReason
        }
        userErrors {
          message
        }
      }
    }
  `),
  resume: graphql(`
    mutation CampaignResume($input: CampaignResumeInput!) {
      campaignResume(input: $input) {
        campaign {
          id
          status
          pausedBy
          pausedReason
        }
        userErrors {
          message
        }
      }
    }
  `),
  cancel: graphql(`
    mutation CampaignCancel($input: CampaignCancelInput!) {
      campaignCancel(input: $input) {
        campaign {
          id
          status
        }
        userErrors {
          message
        }
      }
    }
  `),
  duplicate: graphql(`
    mutation CampaignDuplicate($input: CampaignDuplicateInput!) {
      campaignDuplicate(input: $input) {
        campaign {
          id
        }
        userErrors {
          message
        }
      }
    }
  `),
  unschedule: graphql(`
    mutation CampaignUnschedule($input: CampaignUnscheduleInput!) {
      campaignUnschedule(input: $input) {
        campaign {
          id
          status
          nextRunAt
          schedule {
            at
          }
        }
        userErrors {
          message
        }
      }
    }
  `),
  remove: graphql(`
    mutation CampaignDelete($input: CampaignDeleteInput!) {
      campaignDelete(input: $input) {
        deletedId
        userErrors {
          message
        }
      }
    }
  `),
  rate: graphql(`
    mutation CampaignRate($input: CampaignUpdateInput!) {
      campaignUpdate(input: $input) {
        campaign {
          id
          rateLimitPerSecond
        }
        userErrors {
          message
        }
      }
    }
  `),
};

type Details = Extract<NonNullable<CampaignPageQuery["node"]>, { __typename: "Campaign" }>;

export function CampaignPage() {
  const { id } = useParams({ from: "/campaigns/$id" });
  const [{ data, error }, load] = useQuery({ query: CampaignDocument, variables: { id } });
  const [live] = useSubscription({ query: CampaignLiveDocument, variables: { id } });
  if (error && !data) return <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />;
  if (!data) return <Rows />;
  const details = real(data.node, "Campaign");
  if (!details)
    return (
      <Empty icon="?" title="There is no such campaign">
        It may have been deleted while it was a draft.
      </Empty>
    );
  const update = live.data?.campaignProgress;
  const state = update && update.id === id ? update : details;
  return <Report details={details} state={state} />;
}

function Report({ details, state: c }: { details: Details; state: CampaignStateFragment }) {
  const may = useMay("MARKETER");
  const navigate = useNavigate();
  const [, pause] = useMutation(action.pause);
  const [, resume] = useMutation(action.resume);
  const [, cancel] = useMutation(action.cancel);
  const [, duplicate] = useMutation(action.duplicate);
  const [, remove] = useMutation(action.remove);
  const [, unschedule] = useMutation(action.unschedule);
  const [planning, setPlanning] = useState(false);
  const [trying, setTrying] = useState(false);
  const [launching, launch] = useMutation(CampaignLaunchDocument);
  const failures = useThrottledValue(c.counts.failed + c.counts.undelivered, 2000); // read anew when it has changed
  const input = { id: c.id };
  const quiet = details.quietHours;
  const cap = details.frequencyCap;
  const limits = [
    quiet && `Quiet hours ${quiet.start}–${quiet.end}, ${quiet.zone ?? "each recipient's time"}`,
    cap && `at most ${cap.messages} messages in ${cap.days} days`,
  ]
    .filter(Boolean)
    .join(" · ");
  const left = remaining(c.counts);
  const unsettled = c.counts.unknown - c.counts.undecided;
  const ended = ["COMPLETED", "CANCELED", "FAILED"].includes(c.status);
  const senders = details.senders
    .map((s) => (details.senders.length > 1 ? `${s.sender.displayName} (${s.weight})` : s.sender.displayName))
    .join(", ");
  const funnel = [
    { label: "Audience", n: c.counts.audience, of: c.counts.audience },
    { label: "Accepted", n: c.counts.accepted, of: c.counts.audience },
    { label: "Sent", n: c.counts.sent, of: c.counts.accepted },
    { label: "Delivered", n: c.counts.delivered, of: c.counts.accepted },
    { label: "Read", n: c.counts.read, of: c.counts.delivered },
    { label: "Replied", n: c.counts.replied, of: c.counts.delivered },
  ];
  return (
    <Page
      title={c.name}
      description={`${details.template?.name ?? "no template"} → ${details.segment?.name ?? "own query"}${details.topic ? `, topic “${details.topic.name}”` : ""} · ${senders || "no sender"}`}
      actions={
        may && (
          <>
            {c.status === "DRAFT" && (
              <Button loading={launching.fetching} onClick={async () => settled(await launch({ input }))}>
                Launch
              </Button>
            )}
            {(c.status === "DRAFT" || c.status === "SCHEDULED") && (
              <>
                <Button variant="default" onClick={() => setPlanning(true)}>
                  {c.status === "DRAFT" ? "Schedule…" : "Change the schedule"}
                </Button>
                <Modal opened={planning} onClose={() => setPlanning(false)} title="When it starts by itself">
                  <ScheduleForm id={c.id} plan={details.schedule} onDone={() => setPlanning(false)} />
                </Modal>
              </>
            )}
            {c.status === "SCHEDULED" && (
              <Button variant="default" onClick={async () => settled(await unschedule({ input }))}>
                Back to draft
              </Button>
            )}
            {details.template && !ended && (
              <>
                <Button variant="default" onClick={() => setTrying(true)}>
                  Test send
                </Button>
                <Modal opened={trying} onClose={() => setTrying(false)} title="Send it to one contact">
                  <TestSend id={c.id} onDone={() => setTrying(false)} />
                </Modal>
              </>
            )}
            {c.status === "SENDING" && (
              <Button variant="default" onClick={async () => settled(await pause({ input }))}>
                Pause
              </Button>
            )}
            {c.status === "PAUSED" && <Button onClick={async () => settled(await resume({ input }))}>Resume</Button>}
            {!ended && c.status !== "DRAFT" && (
              <Button
                color="red"
                variant="outline"
                onClick={() =>
                  modals.openConfirmModal({
                    title: `Cancel “${c.name}”?`,
                    children: (
                      <Text size="sm">
                        {count(c.counts.pending)} messages will not be sent. {count(c.counts.accepted)} are out already.
                      </Text>
                    ),
                    labels: { confirm: "Cancel the campaign", cancel: "Keep it" },
                    confirmProps: { color: "red" },
                    onConfirm: async () => settled(await cancel({ input })),
                  })
                }
              >
                Cancel
              </Button>
            )}
            <Button
              variant="default"
              onClick={async () => {
                const result = await duplicate({ input });
                const made = result.data?.campaignDuplicate.campaign;
                if (settled(result) && made) navigate({ to: "/campaigns/$id", params: { id: made.id } });
              }}
            >
              Duplicate
            </Button>
            {c.status === "DRAFT" && (
              <Button
                color="red"
                variant="outline"
                onClick={async () => {
                  if (settled(await remove({ input }))) {
                    notifications.show({ message: `“${c.name}” deleted` });
                    navigate({ to: "/campaigns" });
                  }
                }}
              >
                Delete
              </Button>
            )}
          </>
        )
      }
    >
      {c.pausedReason && (
        <Alert color="yellow" title={c.pausedBy === "ENGINE" ? "Paused by the engine" : "Paused"}>
          {c.pausedReason}
        </Alert>
      )}
      {c.failure && (
        <Alert color="red" title="Failed">
          {c.failure}
        </Alert>
      )}
      {c.status === "SCHEDULED" && c.startError && (
        <Alert color="red" title="It could not start yet">
          <Stack gap="xs" align="flex-start">
            <Text size="sm">
              {sentence(c.startError)} It is tried again{c.startRetryAt ? ` ${moment(c.startRetryAt)}` : ""}.
            </Text>
            {may && (
              <Button
                size="xs"
                variant="default"
                loading={launching.fetching}
                onClick={async () => settled(await launch({ input }))}
              >
                Try now
              </Button>
            )}
          </Stack>
        </Alert>
      )}
      {c.status === "SCHEDULED" && details.schedule && (
        <Alert
          color="blue"
          title={c.startError ? `Was to start ${moment(c.nextRunAt)}` : `Starts ${moment(c.nextRunAt)}`}
        >
          {planText(details.schedule)}
          {c.runsDone > 0 && ` · ${count(c.runsDone)} done`}. It can be edited until it starts; its segment is taken as
          it stands when it starts.
        </Alert>
      )}
      {details.parent && (
        <Text size="sm">
          A run of{" "}
          <Link to="/campaigns/$id" params={{ id: details.parent.id }} className="plain">
            {details.parent.name}
          </Link>
        </Text>
      )}
      {c.counts.undecided > 0 && <Undecided id={c.id} n={c.counts.undecided} since={c.undecidedSince} may={may} />}
      {unsettled > 0 && (
        <Alert color="blue" title={`${counted(unsettled, "call", "calls")} to Twilio got no answer yet`}>
          Twilio may have {unsettled === 1 ? "it" : "them"}. The engine finds out by receipts and in Twilio's log, and
          sends again only what Twilio never took. There is nothing to do.
        </Alert>
      )}
      {c.counts.redelivering > 0 && (
        <Alert color="blue" title={retriesText(c.counts.redelivering)}>
          Twilio accepted {c.counts.redelivering === 1 ? "it" : "them"}, and WhatsApp declined to deliver for now. The
          engine sends again by itself with growing delays, at most three times; a late delivery ends the wait.
          {c.status === "COMPLETED" && " The campaign is completed without them."}
        </Alert>
      )}
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
              ` · ${decimal(c.throughputAverage)} a second on average, ${decimal(c.throughputPeak)} at best`}
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
                Who got none, and why
              </Title>
              {c.skipReasons.length === 0 ? (
                <Text c="dimmed" size="sm">
                  Nobody was skipped.
                </Text>
              ) : (
                <Table withRowBorders={false} verticalSpacing={4}>
                  <Table.Tbody>
                    {c.skipReasons.map((s) => (
                      <Table.Tr key={s.reason}>
                        <Table.Td>{skipText(s.reason)}</Table.Td>
                        <Table.Td ta="right">{count(s.count)}</Table.Td>
                      </Table.Tr>
                    ))}
                  </Table.Tbody>
                </Table>
              )}
              {c.deferrals.length > 0 && (
                <div>
                  <Title order={3} size="h5">
                    Who had to wait
                  </Title>
                  <Table withRowBorders={false} verticalSpacing={4} data-testid="deferrals">
                    <Table.Tbody>
                      {c.deferrals.map((d) => (
                        <Table.Tr key={d.reason}>
                          <Table.Td>{waitText(d.reason)}</Table.Td>
                          <Table.Td ta="right">{count(d.count)}</Table.Td>
                        </Table.Tr>
                      ))}
                    </Table.Tbody>
                  </Table>
                </div>
              )}
              <Text size="sm">
                {count(c.counts.optedOut)} opted out ({percent(c.rates.optedOut)} of delivered)
                {c.counts.canceled > 0 && ` · ${count(c.counts.canceled)} canceled`}
                {c.counts.expired > 0 && ` · ${count(c.counts.expired)} expired`}
              </Text>
              {may && !ended && <Pace id={c.id} rate={c.rateLimitPerSecond ?? null} />}
            </Stack>
          </Card>
        </Grid.Col>
      </Grid>
      {details.runs.length > 0 && <Runs runs={details.runs} />}
      <Failures key={failures} id={c.id} failed={c.counts.failed + c.counts.undelivered} />
      <Messages id={c.id} moving={c.counts.accepted + c.counts.skipped} />
    </Page>
  );
}

/** What only a person can decide about: how many, since when, and what each choice risks. */
function Undecided(props: { id: string; n: number; since?: string | null; may: boolean }) {
  const navigate = useNavigate();
  const search = useSearch({ from: "__root__" });
  const one = props.n === 1;
  return (
    <Alert color="yellow" title={`${count(props.n)} ${one ? "message needs" : "messages need"} a decision`}>
      <Stack gap="xs" align="flex-start" data-testid="undecided">
        <Text size="sm">
          {props.since && `Since ${moment(props.since)}. `}
          {one ? "Its call" : "Their calls"} to Twilio got no answer, and neither receipts nor Twilio's log settle
          whether Twilio has {one ? "it" : "them"}. The engine goes on looking; the campaign does not wait for{" "}
          {one ? "it" : "them"}.
        </Text>
        <Risks />
        <Group gap="xs">
          {props.may && <Decide of={{ campaignId: props.id }} n={props.n} />}
          <Button
            size="xs"
            variant="subtle"
            onClick={() =>
              navigate({
                to: "/campaigns/$id",
                params: { id: props.id },
                search: { ...search, status: needsDecision },
                hash: "messages",
              })
            }
          >
            Show {one ? "it" : "them"}
          </Button>
        </Group>
      </Stack>
    </Alert>
  );
}

function Runs(props: { runs: Details["runs"] }) {
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

function Pace(props: { id: string; rate: number | null }) {
  const [value, setValue] = useState<number | "">(props.rate ?? "");
  const [{ fetching }, update] = useMutation(action.rate);
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
          if (settled(await update({ input: { id: props.id, rateLimitPerSecond: value === "" ? null : value } })))
            notifications.show({ message: "Pace changed", color: "green" });
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
  return <ErrorTable title="What failed" errors={data.errorReport} />;
}

/** Not a status: those that only a person can decide about. */
const needsDecision = "DECISION";

const messageStatuses: MessageStatus[] = [
  "PENDING",
  "ACCEPTED",
  "SENT",
  "DELIVERED",
  "READ",
  "FAILED",
  "UNDELIVERED",
  "SKIPPED",
  "UNKNOWN",
  "CANCELED",
  "EXPIRED",
];

function Messages(props: { id: string; moving: number }) {
  const search = useSearch({ from: "__root__" });
  const navigate = useNavigate();
  const may = useMay("MARKETER");
  const undecided = search.status === needsDecision;
  const status = messageStatuses.find((s) => s === search.status) ?? null;
  const [after, setAfter] = useState<string | null>(null);
  const [{ data, fetching, error }, load] = useQuery({
    query: CampaignMessagesDocument,
    variables: {
      filter: { campaignId: props.id, ...(status && { status }), ...(undecided && { needsDecision: true }) },
      after,
    },
    pause: props.moving === 0,
  });
  return (
    <Card padding={0} id="messages">
      <Group justify="space-between" p="md" pb={0}>
        <Title order={2} size="h4">
          Messages
        </Title>
        <Group gap="xs">
          <Select
            aria-label="Status of messages"
            placeholder="Any status"
            clearable
            data={[
              { value: needsDecision, label: "Needs a decision" },
              ...messageStatuses.map((s) => ({ value: s, label: words(s) })),
            ]}
            value={undecided ? needsDecision : status}
            onChange={(v) => {
              navigate({
                to: "/campaigns/$id",
                params: { id: props.id },
                search: { ...search, status: v ?? undefined },
                replace: true,
                resetScroll: false,
              });
              setAfter(null);
            }}
            w={190}
          />
          <Button component="a" href={`/downloads/campaigns/${props.id}/messages.csv`} download variant="default">
            Export
          </Button>
          <Button component="a" href={`/downloads/campaigns/${props.id}/messages.xlsx`} download variant="default">
            Excel
          </Button>
          <Button variant="default" onClick={() => load({ requestPolicy: "network-only" })} loading={fetching}>
            Refresh
          </Button>
        </Group>
      </Group>
      {error ? (
        <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />
      ) : (
        <Table className="cards">
          <Table.Thead>
            <Table.Tr>
              {["Contact", "Status", "Text", "Why", "Accepted"].map((h) => (
                <Table.Th key={h}>{h}</Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {(data?.messages.nodes ?? []).map((m) => (
              <Table.Tr key={m.id}>
                <Table.Td data-label="Contact">
                  {m.contact && (
                    <Link to="/contacts/$id" params={{ id: m.contact.id }} className="plain">
                      {m.contact.name || m.contact.address}
                    </Link>
                  )}
                </Table.Td>
                <Table.Td data-label="Status">
                  <MessageState of={m} />
                </Table.Td>
                <Table.Td data-label="Text">
                  <Text size="sm" lineClamp={1} maw={460}>
                    {m.body ||
                      (m.skipReason
                        ? skipText(m.skipReason)
                        : m.notBefore
                          ? waits(m.notBefore, m.notBeforeReason)
                          : "–")}
                  </Text>
                  {m.body && m.notBefore && (
                    <Text size="xs" c="dimmed">
                      {waits(m.notBefore, m.notBeforeReason)}
                    </Text>
                  )}
                  {m.decisionSince && may && (
                    <Decide
                      of={{ ids: [m.id] }}
                      n={1}
                      about={m.contact ? m.contact.name || m.contact.address : m.id}
                      onDone={() => load({ requestPolicy: "network-only" })}
                    />
                  )}
                  {m.errorMessage && (
                    <Text size="xs" c="red">
                      {m.errorMessage}
                    </Text>
                  )}
                </Table.Td>
                <Table.Td data-label="Why">
                  <Link to="/messages/$id" params={{ id: m.id }} className="plain">
                    Why?
                  </Link>
                </Table.Td>
                <Table.Td data-label="Accepted">{m.acceptedAt ? moment(m.acceptedAt) : "–"}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
      <LoadMore
        more={data?.messages.pageInfo.hasNextPage}
        loading={fetching}
        onMore={() => setAfter(data?.messages.pageInfo.endCursor ?? null)}
      />
    </Card>
  );
}
