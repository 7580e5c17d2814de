import { Alert, Anchor, Button, Card, Group, Select, Stack, Text, Textarea, Title } from "@mantine/core";
import { useInterval } from "@mantine/hooks";
import { Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useMutation, useQuery, useSubscription } from "urql";
import { useMay, useSession } from "../../app/session";
import { Failed, LinkButton, Live, Rows, Status } from "../../components/ui";
import { graphql } from "../../gql";
import { settled } from "../../lib/errors";
import { useKept } from "../../lib/kept";
import { real } from "../../lib/node";
import { Decide } from "../compliance/OptOutReviews";
import { Bubbles, Countdown } from "./Bubbles";

const ThreadDocument = graphql(`
  query Thread($id: ID!) {
    node(id: $id) {
      ... on Conversation {
        id
        status
        unread
        windowOpen
        sessionExpiresAt
        assignee {
          id
          name
        }
        contact {
          id
          name
          address
          consentStatus
          optOutReview {
            id
          }
          suppression {
            id
            reason
          }
        }
        messages(first: 50) {
          nodes {
            ...Bubble
          }
        }
      }
    }
    templates(filter: { approvalStatus: APPROVED }, first: 100) {
      nodes {
        id
        name
      }
    }
  }
`);
const ThreadLiveDocument = graphql(`
  subscription ThreadLive($id: ID!) {
    conversationUpdated(id: $id) {
      id
      unread
      status
      windowOpen
      sessionExpiresAt
      lastMessageAt
    }
  }
`);
const ReplyDocument = graphql(`
  mutation ConversationReply($input: ConversationReplyInput!) {
    conversationReply(input: $input) {
      message {
        id
      }
      userErrors {
        field
        message
      }
    }
  }
`);
const ReadDocument = graphql(`
  mutation ConversationMarkRead($input: ConversationMarkReadInput!) {
    conversationMarkRead(input: $input) {
      conversation {
        id
        unread
      }
      userErrors {
        message
      }
    }
  }
`);
const AssignDocument = graphql(`
  mutation ConversationAssign($input: ConversationAssignInput!) {
    conversationAssign(input: $input) {
      conversation {
        id
        assignee {
          id
          name
        }
      }
      userErrors {
        message
      }
    }
  }
`);
const CloseDocument = graphql(`
  mutation ConversationClose($input: ConversationCloseInput!) {
    conversationClose(input: $input) {
      conversation {
        id
        status
        unread
      }
      userErrors {
        message
      }
    }
  }
`);

const under = ["PENDING", "SUBMITTING", "ACCEPTED", "QUEUED", "SENDING", "SENT"];

/** One conversation: what was said, and the answer. */
export function Thread(props: { id: string }) {
  const { id } = props;
  const may = useMay("MARKETER");
  const { viewer } = useSession();
  const [{ data, error }, load] = useQuery({
    query: ThreadDocument,
    variables: { id },
    requestPolicy: "cache-and-network",
  });
  const [sending, reply] = useMutation(ReplyDocument);
  const [, markRead] = useMutation(ReadDocument);
  const [, assign] = useMutation(AssignDocument);
  const [, close] = useMutation(CloseDocument);
  const [body, setBody, forgetBody] = useKept(`reply:${id}`, "");
  const [template, setTemplate] = useState<string | null>(null);
  const again = () => load({ requestPolicy: "network-only" });
  useSubscription({ query: ThreadLiveDocument, variables: { id } }, (_: unknown, next) => {
    again();
    return next;
  });
  const t = real(data?.node, "Conversation");
  const unread = t?.unread ?? 0;
  useEffect(() => {
    if (may && unread > 0) markRead({ input: { id } });
  }, [may, unread, id, markRead]);
  // Ticks of our own messages come with the receipts.
  const waiting = t?.messages.nodes.some((m) => m.direction === "OUTBOUND" && under.includes(m.status)) ?? false;
  const tick = useInterval(again, 1500);
  useEffect(() => {
    if (waiting) tick.start();
    return tick.stop;
  }, [waiting, tick]);
  if (error && !t) return <Failed error={error} retry={again} />;
  if (!t?.contact) return <Rows />;
  const c = t.contact;
  const blocked =
    c.consentStatus === "OPTED_OUT"
      ? "They opted out: nothing may be sent until they write START."
      : c.suppression
        ? "This number is suppressed: nothing may be sent to it."
        : "";
  const send = async () => {
    const input = template ? { id, templateId: template } : { id, body };
    if (!settled(await reply({ input }))) return;
    forgetBody("");
    setTemplate(null);
    again();
  };
  const last = t.messages.nodes[0];
  return (
    <Card>
      <Stack gap="md">
        <Group justify="space-between">
          <div>
            <Title order={2} size="h4">
              <Link to="/contacts/$id" params={{ id: c.id }} className="plain">
                {c.name || c.address}
              </Link>
            </Title>
            <Group gap="xs">
              <Text size="sm" c="dimmed">
                {c.address}
              </Text>
              <Status value={c.consentStatus} />
            </Group>
          </div>
          <Group gap="xs">
            <LinkButton to="/inbox" variant="default" size="xs">
              Back
            </LinkButton>
            {may && (
              <>
                <Button
                  size="xs"
                  variant="default"
                  onClick={async () =>
                    settled(
                      await assign({ input: { id, assigneeId: t.assignee?.id === viewer.id ? null : viewer.id } }),
                    )
                  }
                >
                  {t.assignee?.id === viewer.id
                    ? "Unassign"
                    : t.assignee
                      ? `Take over from ${t.assignee.name}`
                      : "Assign to me"}
                </Button>
                <Button
                  size="xs"
                  variant="default"
                  onClick={async () => settled(await close({ input: { id, reopen: t.status === "CLOSED" } }))}
                >
                  {t.status === "CLOSED" ? "Reopen" : "Close"}
                </Button>
              </>
            )}
          </Group>
        </Group>
        <Bubbles messages={t.messages.nodes.toReversed()} tall="52vh" />
        <Live>{last?.direction === "INBOUND" ? `They wrote: ${last.body}` : ""}</Live>
        {c.optOutReview && (
          <Alert color="yellow" title="Did they ask to stop?">
            <Stack gap="xs">
              <Text size="sm">
                Something they wrote may ask for an opt-out. Campaigns leave them out until somebody has decided.
              </Text>
              {may && <Decide id={c.optOutReview.id} who={c.name || c.address} done={again} />}
            </Stack>
          </Alert>
        )}
        {blocked ? (
          <Alert color="red">{blocked}</Alert>
        ) : (
          may && (
            <Stack gap="xs">
              <Text size="sm" c="dimmed">
                24-hour window:{" "}
                {t.sessionExpiresAt ? <Countdown until={t.sessionExpiresAt} /> : "closed: only approved templates"}
              </Text>
              {t.windowOpen && !template && (
                <Textarea
                  aria-label="Reply"
                  placeholder="Write a reply; Ctrl+Enter sends it"
                  autosize
                  minRows={2}
                  maxRows={8}
                  maxLength={1600}
                  value={body}
                  onChange={(e) => setBody(e.currentTarget.value)}
                  onKeyDown={(e) => {
                    if (e.key === "Enter" && (e.ctrlKey || e.metaKey) && body.trim()) send();
                  }}
                />
              )}
              <Group justify="space-between">
                {c.consentStatus === "OPTED_IN" ? (
                  <Select
                    aria-label="Template"
                    placeholder={t.windowOpen ? "or an approved template" : "Choose an approved template"}
                    clearable
                    searchable
                    data={data?.templates.nodes.map((x) => ({ value: x.id, label: x.name })) ?? []}
                    value={template}
                    onChange={setTemplate}
                    w={{ base: "100%", xs: 260 }}
                  />
                ) : (
                  <Text size="xs" c="dimmed">
                    Templates need their consent.{" "}
                    <Anchor component={Link} to={`/contacts/${c.id}`} size="xs">
                      Record it
                    </Anchor>
                  </Text>
                )}
                <Button
                  onClick={send}
                  loading={sending.fetching}
                  disabled={!template && (!t.windowOpen || !body.trim())}
                >
                  Send
                </Button>
              </Group>
            </Stack>
          )
        )}
      </Stack>
    </Card>
  );
}
