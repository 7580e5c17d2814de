import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { ActionIcon, Alert, Box, Button, Group, Stack, Text, Title } from "@mantine/core";
import { useInterval } from "@mantine/hooks";
import { IconArrowBackUp, IconArrowDown, IconArrowLeft, IconCheck, IconLayoutSidebarRight } from "@tabler/icons-react";
import { Link, useSearch } from "@tanstack/react-router";
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { useClient, useMutation, useQuery } from "urql";
import { useMay, useSession } from "../../app/session";
import { Failed } from "../../components/Failed";
import { Initials, nameOf, numberOf } from "../../components/Person";
import { Live, Rows, scrollable } from "../../components/ui";
import { graphql } from "../../gql";
import type { BubbleFragment, BubbleNoteFragment } from "../../gql/graphql";
import { untilText } from "../../lib/format";
import { useHeard } from "../../lib/live";
import { real } from "../../lib/node";
import { useShortcuts } from "../../lib/shortcuts";
import { Decide } from "../compliance/OptOutReviews";
import { useActions } from "./actions";
import { Bubbles, useNow } from "./Bubbles";
import { Composer } from "./Composer";
import { contentName } from "./Content";
import { LabelBadge, LabelMenu } from "./labels";
import { AssignMenu, assignedTo, SnoozeMenu } from "./menus";
import { grown, underWay, withNews } from "./thread";

graphql(`
  fragment ThreadState on Conversation {
    id
    status
    unread
    windowOpen
    sessionExpiresAt
    snoozedUntil
    ...ConversationRow
    assignee {
      id
      name
    }
    contact {
      id
      name
      displayAddress
      consentStatus
      optOutReview {
        id
      }
      suppression {
        id
        reason
      }
    }
  }
`);
const ThreadDocument = graphql(`
  query Thread($id: ID!, $after: String) {
    node(id: $id) {
      ... on Conversation {
        ...ThreadState
        notes(first: 200) {
          nodes {
            ...BubbleNote
          }
        }
        messages(first: 50, after: $after) {
          pageInfo {
            hasNextPage
            endCursor
          }
          nodes {
            ...Bubble
          }
        }
      }
    }
  }
`);
// The end of the thread: what events ask for, as often as they come, at a sixth of the price.
const ThreadNewsDocument = graphql(`
  query ThreadNews($id: ID!) {
    node(id: $id) {
      ... on Conversation {
        ...ThreadState
        notes(first: 4) {
          nodes {
            ...BubbleNote
          }
        }
        messages(first: 10) {
          nodes {
            ...Bubble
          }
        }
      }
    }
  }
`);
const ThreadLiveDocument = graphql(`
  subscription ThreadLive($id: ID!) {
    conversationUpdated(id: $id) {
      id
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

/** One conversation: what was said, and the answer. */
export function Thread(props: { id: string; write: boolean; card: boolean; onCard: () => void }) {
  const { id } = props;
  const may = useMay("MARKETER");
  const { viewer } = useSession();
  const search = useSearch({ from: "__root__" });
  const [{ data, error }, load] = useQuery({
    query: ThreadDocument,
    variables: { id },
    requestPolicy: "cache-and-network",
  });
  const [, markRead] = useMutation(ReadDocument);
  const { assign, close, reopen, snooze } = useActions(id);
  const [{ data: heard }, hear] = useQuery({ query: ThreadNewsDocument, variables: { id }, pause: true });
  const again = () => hear({ requestPolicy: "network-only" });
  useHeard(ThreadLiveDocument, { id }, again, 600);
  const thread = real(data?.node, "Conversation");
  const news = real(heard?.node, "Conversation");
  const messages = withNews(thread?.messages.nodes ?? [], news?.messages.nodes, 10);
  const notes = withNews(thread?.notes.nodes ?? [], news?.notes.nodes, 4);
  // More came at once than the end of the thread shows.
  const gap = messages === null || notes === null;
  useEffect(() => {
    if (gap) load({ requestPolicy: "network-only" });
  }, [gap, load]);
  const unread = thread?.unread ?? 0;
  useEffect(() => {
    if (may && unread > 0) markRead({ input: { id } });
  }, [may, unread, id, markRead]);
  // Ticks of our own messages come with the receipts.
  // A template's message is not in the thread before its text is filled in.
  const now = useNow(5);
  const [sentAt, setSentAt] = useState(0);
  const waiting = now - sentAt < 30_000 || (messages?.some((m) => underWay(m, now)) ?? false);
  const tick = useInterval(again, 1500);
  useEffect(() => {
    if (waiting) tick.start();
    return tick.stop;
  }, [waiting, tick]);
  const closed = thread?.status === "CLOSED";
  useShortcuts(
    t`Conversation`,
    may
      ? [
          { keys: "e", label: closed ? t`Reopen it` : t`Close it`, run: () => (closed ? reopen() : close()) },
          { keys: "a", label: t`Assign it to me`, run: () => assign(viewer.id) },
        ]
      : [],
  );
  if (error && !thread)
    return (
      <section className="inbox-pane inbox-thread" aria-label={t`Conversation`}>
        <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />
      </section>
    );
  if (!thread?.contact)
    return (
      <section className="inbox-pane inbox-thread" aria-label={t`Conversation`} aria-busy={!data}>
        {data ? (
          <Text p="xl" ta="center" c="dimmed">{t`Conversation not found.`}</Text>
        ) : (
          <Stack p="md">
            <Rows n={8} />
          </Stack>
        )}
      </section>
    );
  const c = thread.contact;
  const who = nameOf(c);
  const said = messages ?? thread.messages.nodes;
  const last = said[0];
  const newest = <bdi>{last?.body || contentName(last?.content?.kind)}</bdi>;
  return (
    <section className="inbox-pane inbox-thread" aria-label={t`Conversation`}>
      <header className="inbox-head">
        <ActionIcon
          component={Link}
          to="/inbox"
          search={search}
          variant="subtle"
          color="gray"
          aria-label={t`Back to the list`}
          hiddenFrom="md"
        >
          <IconArrowLeft size={20} />
        </ActionIcon>
        <Box visibleFrom="xs">
          <Initials name={c.name} size={36} />
        </Box>
        <div style={{ flex: 1, minWidth: 0 }}>
          <Title order={2} size="h5" lineClamp={1}>
            <Link to="/contacts/$id" params={{ id: c.id }} className="plain">
              {who}
            </Link>
          </Title>
          <Text size="xs" c="dimmed" truncate>
            {numberOf(c)}
          </Text>
        </div>
        {may && (
          <Group gap={6} wrap="nowrap">
            <AssignMenu assignee={thread.assignee ?? null} onAssign={assign} />
            <SnoozeMenu onSnooze={snooze} />
            <Button
              size="xs"
              variant="default"
              px={9}
              aria-label={closed ? t`Reopen` : t`Close`}
              onClick={() => (closed ? reopen() : close())}
            >
              {closed ? <IconArrowBackUp size={16} /> : <IconCheck size={16} />}
              <span className="inbox-word">{closed ? t`Reopen` : t`Close`}</span>
            </Button>
          </Group>
        )}
        <ActionIcon
          data-hint={props.card ? t`Hide the contact` : t`Show the contact`}
          variant={props.card ? "light" : "subtle"}
          color="gray"
          aria-label={t`Contact`}
          aria-pressed={props.card}
          onClick={props.onCard}
        >
          <IconLayoutSidebarRight size={20} />
        </ActionIcon>
      </header>
      <div className="inbox-labels">
        <Text size="xs" c="dimmed" mr="auto">
          {[
            !may && assignedTo(thread.assignee ?? null, viewer.id), // others read it on the button
            closed && (thread.snoozedUntil ? t`Snoozed ${untilText(thread.snoozedUntil)}` : t`Closed`),
          ]
            .filter(Boolean)
            .join(" · ")}
        </Text>
        {thread.labels.map((l) => (
          <LabelBadge key={l.id} of={l} />
        ))}
        {may && <LabelMenu conversation={id} has={thread.labels} />}
      </div>
      <Messages id={id} page={{ ...thread.messages, nodes: said }} notes={notes ?? thread.notes.nodes} />
      <Live>{last?.direction === "INBOUND" && <Trans>They wrote: {newest}</Trans>}</Live>
      {c.optOutReview && (
        <Alert color="yellow" title={t`Did they ask to stop?`} radius={0}>
          <Stack gap="xs">
            <Text size="sm">{t`Something they wrote may ask for an opt-out. Campaigns leave them out until somebody has decided.`}</Text>
            {may && <Decide id={c.optOutReview.id} who={who} done={again} />}
          </Stack>
        </Alert>
      )}
      {may && (
        <Composer
          id={id}
          contact={c}
          windowOpen={thread.windowOpen}
          until={thread.sessionExpiresAt ?? null}
          write={props.write}
          onSent={() => {
            setSentAt(Date.now());
            again();
          }}
        />
      )}
    </section>
  );
}

type Page = { nodes: readonly BubbleFragment[]; pageInfo: { hasNextPage: boolean; endCursor?: string | null } };

/** This near to the end, whoever reads is taken along when something new comes. */
const near = 80;

/** What was said. It opens at the newest, stays where somebody reads, and goes back as far as there is something. */
function Messages(props: { id: string; page: Page; notes: readonly BubbleNoteFragment[] }) {
  const client = useClient();
  const view = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const known = useRef<readonly BubbleFragment[]>([]);
  const [older, setOlder] = useState<{ rows: readonly BubbleFragment[]; info: Page["pageInfo"] } | null>(null);
  const [loading, setLoading] = useState(false);
  const [more, setMore] = useState(false); // something came below what is shown
  const height = useRef(0); // of what stands below the top when older messages are put above it
  const shown = grown(known.current, props.page.nodes);
  const ids = new Set(shown.map((m) => m.id));
  const rows = [...shown, ...(older?.rows.filter((m) => !ids.has(m.id)) ?? [])];
  known.current = rows;
  const info = older?.info ?? props.page.pageInfo;
  const newest = rows[0];
  const oldest = rows.at(-1)?.id;

  const toEnd = () => view.current?.scrollTo({ top: view.current.scrollHeight });
  // Only another newest message moves the view.
  const note = props.notes[0]?.id;
  useLayoutEffect(() => {
    if (atEnd.current || newest?.direction === "OUTBOUND") toEnd();
    else setMore(true);
  }, [newest?.id, note]);
  // What is read stays where it is when older ones come above it.
  useLayoutEffect(() => {
    if (view.current && height.current) view.current.scrollTop = view.current.scrollHeight - height.current;
    height.current = 0;
  }, [oldest]);
  // The field below grows while somebody writes, what is said grows by itself, and the end stays in sight.
  useEffect(() => {
    const at = view.current;
    if (!at) return;
    const sized = new ResizeObserver(() => {
      if (atEnd.current) at.scrollTo({ top: at.scrollHeight });
    });
    sized.observe(at);
    if (at.firstElementChild) sized.observe(at.firstElementChild);
    return () => sized.disconnect();
  }, []);

  const earlier = async () => {
    if (loading || !info.hasNextPage) return;
    setLoading(true);
    const result = await client
      .query(ThreadDocument, { id: props.id, after: info.endCursor ?? null }, { requestPolicy: "network-only" })
      .toPromise();
    setLoading(false);
    const page = real(result.data?.node, "Conversation")?.messages;
    if (!page) return;
    const at = view.current;
    height.current = at ? at.scrollHeight - at.scrollTop : 0;
    setOlder((before) => ({ rows: [...(before?.rows ?? []), ...page.nodes], info: page.pageInfo }));
  };
  return (
    <div className="inbox-messages">
      <div
        className="inbox-scroll"
        ref={view}
        {...scrollable(t`Messages`)}
        onScroll={(e) => {
          const at = e.currentTarget;
          atEnd.current = at.scrollHeight - at.scrollTop - at.clientHeight < near;
          if (atEnd.current && more) setMore(false);
          if (at.scrollTop < near && at.scrollHeight > at.clientHeight && !atEnd.current) earlier();
        }}
      >
        <div className="thread">
          {info.hasNextPage && (
            <Button
              variant="default"
              size="xs"
              loading={loading}
              onClick={earlier}
              style={{ alignSelf: "center" }}
            >{t`Show earlier messages`}</Button>
          )}
          <Bubbles messages={rows.toReversed()} notes={props.notes} whole={!info.hasNextPage} />
        </div>
      </div>
      {more && (
        <Button
          className="inbox-newest"
          size="xs"
          radius="xl"
          rightSection={<IconArrowDown size={14} />}
          onClick={toEnd}
        >{t`New messages`}</Button>
      )}
    </div>
  );
}
