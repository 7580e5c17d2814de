import { Badge, Box, Card, Group, SegmentedControl, Stack, Text, TextInput, UnstyledButton } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconInbox, IconSearch } from "@tabler/icons-react";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { useQuery, useSubscription } from "urql";
import { useSession } from "../../app/session";
import { Empty, Failed, LoadMore, Page, Rows } from "../../components/ui";
import { graphql } from "../../gql";
import type { ConversationFilter, InboxQuery } from "../../gql/graphql";
import { count, moment } from "../../lib/format";
import { usePages } from "../../lib/pages";
import { contentName } from "./Content";
import { Thread } from "./Thread";

const InboxDocument = graphql(`
  query Inbox($filter: ConversationFilter, $after: String) {
    conversations(filter: $filter, first: 30, after: $after) {
      totalCount
      pageInfo {
        hasNextPage
        endCursor
      }
      nodes {
        id
        unread
        windowOpen
        lastMessageAt
        assignee {
          id
          name
        }
        contact {
          id
          name
          address
        }
        lastMessage {
          id
          direction
          body
          content {
            kind
          }
        }
      }
    }
  }
`);

const InboxLiveDocument = graphql(`
  subscription InboxLive {
    conversationUpdated {
      id
      unread
      status
    }
  }
`);

type Row = InboxQuery["conversations"]["nodes"][number];

const shelves: Record<string, (me: string) => ConversationFilter> = {
  open: () => ({ status: "OPEN" }),
  unread: () => ({ unread: true }),
  mine: (me) => ({ assigneeId: me, status: "OPEN" }),
  closed: () => ({ status: "CLOSED" }),
};

/** All conversations beside the one that is read. */
export function InboxPage() {
  const { id } = useParams({ strict: false }) as { id?: string };
  const search = useSearch({ from: "__root__" });
  const navigate = useNavigate();
  const { viewer } = useSession();
  const shelf = search.status && search.status in shelves ? search.status : "open";
  const [text, setText] = useState(search.q ?? "");
  const filter = { ...shelves[shelf]?.(viewer.id), ...(search.q ? { search: search.q } : {}) };
  const pages = usePages<Row>(JSON.stringify(filter));
  const [{ data, error, fetching }, load] = useQuery({
    query: InboxDocument,
    variables: { filter, after: pages.after },
    requestPolicy: "cache-and-network",
  });
  const reload = useDebouncedCallback(() => {
    pages.top();
    load({ requestPolicy: "network-only" });
  }, 400);
  // The first event says that the stream has begun: what came before is read again.
  useSubscription({ query: InboxLiveDocument }, (_: unknown, next) => {
    reload();
    return next;
  });
  const go = (next: Partial<typeof search>) =>
    navigate({ to: id ? "/inbox/$id" : "/inbox", params: { id: id ?? "" }, search: { ...search, ...next } });
  const ask = useDebouncedCallback((q: string) => go({ q: q || undefined }), 250);
  const rows = pages.with(data?.conversations.nodes);
  return (
    <Page
      title="Inbox"
      description={
        data ? `${count(data.conversations.totalCount)} conversations` : "What contacts write, and what you answer"
      }
    >
      <Group align="flex-start" wrap="nowrap" gap="lg">
        <Stack w={{ base: "100%", md: 360 }} miw={0} gap="sm" visibleFrom={id ? "md" : undefined}>
          <SegmentedControl
            fullWidth
            size="xs"
            value={shelf}
            onChange={(v) => go({ status: v === "open" ? undefined : v })}
            data={[
              { value: "open", label: "Open" },
              { value: "unread", label: "Unread" },
              { value: "mine", label: "Mine" },
              { value: "closed", label: "Closed" },
            ]}
          />
          <TextInput
            aria-label="Search conversations"
            placeholder="Name or number"
            leftSection={<IconSearch size={16} />}
            value={text}
            onChange={(e) => {
              setText(e.currentTarget.value);
              ask(e.currentTarget.value);
            }}
          />
          {error && rows.length === 0 ? (
            <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />
          ) : !data && rows.length === 0 ? (
            <Rows />
          ) : rows.length === 0 ? (
            <Empty icon={<IconInbox />} title={search.q ? "Nobody found" : "Nothing here"}>
              {shelf === "open"
                ? "When contacts write or answer a campaign, it shows here at once."
                : "No conversations here."}
            </Empty>
          ) : (
            <Card padding={4} component="nav" aria-label="Conversations">
              {rows.map((r) => (
                <UnstyledButton
                  key={r.id}
                  component={Link}
                  to={`/inbox/${r.id}`}
                  search={search as never}
                  p="sm"
                  aria-current={r.id === id ? "page" : undefined}
                  style={{
                    display: "block",
                    borderRadius: 8,
                    background: r.id === id ? "var(--mantine-color-brand-light)" : undefined,
                  }}
                >
                  <Group justify="space-between" wrap="nowrap" gap="xs">
                    <Text size="sm" fw={r.unread ? 700 : 550} truncate>
                      {r.contact?.name || r.contact?.address}
                    </Text>
                    {r.unread > 0 && (
                      <Badge size="sm" circle={r.unread < 10} aria-label={`${r.unread} unread`}>
                        {r.unread}
                      </Badge>
                    )}
                  </Group>
                  <Text size="xs" c="dimmed" truncate>
                    {r.lastMessage?.direction === "OUTBOUND" ? "You: " : ""}
                    {r.lastMessage?.body || contentName(r.lastMessage?.content?.kind)}
                  </Text>
                  <Text size="xs" c="dimmed">
                    {r.lastMessageAt ? moment(r.lastMessageAt) : ""}
                    {r.windowOpen ? " · window open" : ""}
                    {r.assignee ? ` · ${r.assignee.name}` : ""}
                  </Text>
                </UnstyledButton>
              ))}
            </Card>
          )}
          <LoadMore
            more={data?.conversations.pageInfo.hasNextPage}
            loading={fetching}
            onMore={() => pages.next(data?.conversations.pageInfo.endCursor, rows)}
          />
        </Stack>
        <Box flex={1} miw={0} visibleFrom={id ? undefined : "md"}>
          {id ? (
            <Thread key={id} id={id} />
          ) : (
            <Empty icon={<IconInbox />} title="Choose a conversation">
              Free text may go for 24 hours after they last wrote; after that, an approved template.
            </Empty>
          )}
        </Box>
      </Group>
    </Page>
  );
}
