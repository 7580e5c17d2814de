import { t } from "@lingui/core/macro";
import { Alert, Card, SimpleGrid, Stack, Text, Timeline, Title } from "@mantine/core";
import { IconMessage } from "@tabler/icons-react";
import { Link, useParams } from "@tanstack/react-router";
import { useQuery } from "urql";
import { useMay } from "../../app/session";
import { Failed } from "../../components/Failed";
import { isErased, nameOf } from "../../components/Person";
import { ProofButton } from "../../components/ProofButton";
import { Questions } from "../../components/Questions";
import { LinkButton, Missing, Page, Rows } from "../../components/ui";
import { graphql } from "../../gql";
import type { MessageQuery, MessageStatus } from "../../gql/graphql";
import { moment, momentToTheSecond, money, sentence, waits, words } from "../../lib/format";
import { real } from "../../lib/node";
import { Bubbles } from "../inbox/Bubbles";
import { categoryText } from "../prices/words";
import { type Group as Attempt, byAttempt } from "./attempts";
import { Decide, Risks } from "./Decide";
import { MessageState } from "./MessageState";

const MessageDocument = graphql(`
  query Message($id: ID!) {
    node(id: $id) {
      ... on Message {
        id
        direction
        purpose
        status
        ...Bubble
        sid
        errorCode
        errorMessage
        attempts
        redeliveries
        notBefore
        notBeforeReason
        decisionSince
        createdAt
        reportedPrice {
          amount
          currency
        }
        price {
          total {
            amount
            currency
          }
          twilio {
            amount
            currency
          }
          marketName
          category
        }
        contact {
          id
          name
          displayAddress
          conversation {
            id
          }
        }
        campaign {
          id
          name
        }
        decision {
          at
          verdict
          steps {
            check
            passed
            detail
          }
        }
        earlierAttempts {
          sid
          status
          errorCode
          errorTitle
          submittedAt
          endedAt
        }
        clicks {
          at
          part
          title
          destination
        }
        events {
          id
          sid
          status
          errorCode
          errorTitle
          occurredAt
        }
      }
    }
  }
`);

type Told = Extract<NonNullable<MessageQuery["node"]>, { __typename: "Message" }>;

const neverSent: MessageStatus[] = ["SKIPPED", "EXPIRED", "CANCELED"];

function titleOf(m: Told): string {
  const name = !m.contact || isErased(m.contact) ? t`an erased contact` : nameOf(m.contact);
  return m.direction === "INBOUND" ? t`Message from ${name}` : t`Message to ${name}`;
}

/** Why there are no delivery events of an attempt. */
function noEvents(m: Told, a: Attempt<unknown, Told["earlierAttempts"][number]>): string {
  if (m.direction === "INBOUND") return t`Nothing: it came from them.`;
  if (!a.sid && !a.earlier && neverSent.includes(m.status)) return t`None: it was not sent.`;
  const waiting = !a.sid && waits(m);
  if (waiting) return sentence(waiting);
  const { earlier } = a;
  if (earlier?.errorCode)
    return t`Failed ${moment(earlier.endedAt)}: error ${earlier.errorCode}, ${earlier.errorTitle ?? ""}.`;
  return t`Nothing yet.`;
}

/** Why one message was sent, or not, and what became of it. */
export function MessagePage() {
  const { id } = useParams({ from: "/messages/$id" });
  const may = useMay("MARKETER");
  const [{ data, error, fetching }, load] = useQuery({
    query: MessageDocument,
    variables: { id },
    requestPolicy: "cache-and-network",
  });
  if (error) return <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />;
  const m = real(data?.node, "Message");
  if (fetching && m?.id !== id) return <Rows />;
  if (!m) return <Missing title={t`Message not found`}>{t`Its contact may have been erased.`}</Missing>;
  const attempts = byAttempt(m.sid ?? null, m.earlierAttempts, m.events);
  const sent = !m.decisionSince && m.decision.steps.every((s) => s.passed !== false);
  return (
    <Page
      title={titleOf(m)}
      description={
        <>
          {m.contact && (
            <Link to="/contacts/$id" params={{ id: m.contact.id }} className="plain">
              {nameOf(m.contact)}
            </Link>
          )}
          {m.campaign && (
            <>
              {" · "}
              <Link to="/campaigns/$id" params={{ id: m.campaign.id }} className="plain">
                {m.campaign.name}
              </Link>
            </>
          )}
          {` · ${[!m.campaign && words(m.purpose), moment(m.createdAt)].filter(Boolean).join(" · ")}`}
        </>
      }
      actions={
        <>
          <MessageState of={m} />
          {may && <ProofButton of="messages" id={m.id} />}
          {m.contact?.conversation && (
            <LinkButton
              to="/inbox/$id"
              params={{ id: m.contact.conversation.id }}
              size="xs"
              variant="default"
              leftSection={<IconMessage size={15} />}
            >{t`Open conversation`}</LinkButton>
          )}
        </>
      }
    >
      <Alert color={sent ? "brand" : "yellow"} title={m.decision.verdict}>
        <Stack gap="xs" align="flex-start">
          {m.decisionSince ? (
            <>
              <Risks />
              {may && <Decide of={{ ids: [m.id] }} n={1} onDone={() => load({ requestPolicy: "network-only" })} />}
            </>
          ) : m.decision.at ? (
            t`Decided ${moment(m.decision.at)}`
          ) : (
            t`Not decided yet`
          )}
        </Stack>
      </Alert>
      {(m.body || m.content || m.media.length > 0 || m.price) && (
        <Card p={0}>
          {(m.body || m.content || m.media.length > 0) && (
            <div className="thread">
              <Bubbles messages={[m]} whole />
            </div>
          )}
          {m.price && (
            <Text size="sm" px="lg" py="sm">
              {m.price.total
                ? t`Cost ${money(m.price.total)}, including Twilio’s fee of ${money(m.price.twilio)}`
                : t`Twilio’s fee ${money(m.price.twilio)}; Meta’s is unknown`}
              {` · ${categoryText(m.price.category)} · ${m.price.marketName}`}
              {m.reportedPrice && ` · ${t`Twilio’s log says ${money(m.reportedPrice)}`}`}
            </Text>
          )}
        </Card>
      )}
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Card>
          <Title order={2} size="h4" mb="sm">
            {neverSent.includes(m.status)
              ? t`Why it was not sent`
              : m.sid
                ? t`Why it was sent`
                : t`Why it was sent, or not`}
          </Title>
          {m.decision.steps.length === 0 ? (
            <Text size="sm" c="dimmed">{t`Nothing to check: they wrote to us.`}</Text>
          ) : (
            <Questions of={m.decision.steps} />
          )}
        </Card>
        <Card>
          <Title order={2} size="h4" mb="sm">{t`Delivery events`}</Title>
          <Stack gap="md">
            {attempts.map((a, i) => (
              <div key={a.sid ?? "next"}>
                {attempts.length > 1 && <Title order={3} size="h5" mb="xs">{t`Attempt ${i + 1}`}</Title>}
                {a.events.length === 0 ? (
                  <Text size="sm" c="dimmed">
                    {noEvents(m, a)}
                  </Text>
                ) : (
                  <Timeline bulletSize={14} lineWidth={2} active={a.events.length - 1}>
                    {a.events.map((e) => (
                      <Timeline.Item
                        key={e.id}
                        title={words(e.status)}
                        color={e.status === "FAILED" || e.status === "UNDELIVERED" ? "red" : undefined}
                      >
                        <Text size="xs" c="dimmed">
                          {momentToTheSecond(e.occurredAt)}
                          {e.errorCode ? ` · ${t`error ${e.errorCode}: ${e.errorTitle ?? ""}`}` : ""}
                        </Text>
                      </Timeline.Item>
                    ))}
                  </Timeline>
                )}
                {a.sid && (
                  <Text
                    size="xs"
                    c="dimmed"
                    mt="sm"
                    style={{ overflowWrap: "anywhere" }}
                  >{t`Twilio’s ID ${a.sid}`}</Text>
                )}
              </div>
            ))}
          </Stack>
        </Card>
      </SimpleGrid>
      {m.clicks.length > 0 && (
        <Card>
          <Title order={2} size="h4" mb="sm">{t`Links they opened`}</Title>
          <Timeline bulletSize={14} lineWidth={2} active={m.clicks.length - 1}>
            {m.clicks.map((k, i) => (
              <Timeline.Item key={`${k.at} ${k.part} ${i}`} title={k.title}>
                <Text size="sm" style={{ overflowWrap: "anywhere" }}>
                  {k.destination}
                </Text>
                <Text size="xs" c="dimmed">
                  {moment(k.at)}
                </Text>
              </Timeline.Item>
            ))}
          </Timeline>
        </Card>
      )}
    </Page>
  );
}
