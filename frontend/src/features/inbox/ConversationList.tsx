import { plural, t } from "@lingui/core/macro";
import { ActionIcon, Badge, CloseButton, Group, SegmentedControl, Text, TextInput, Title } from "@mantine/core";
import { IconDots, IconInbox, IconSearch, IconTag, IconUserCheck } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from "react";
import { useQuery } from "urql";
import type { Search } from "../../app/router";
import { DropdownMenu } from "../../components/Dropdown";
import { Failed } from "../../components/Failed";
import { Initials, nameOf } from "../../components/Person";
import { Empty, LoadMore, Rows } from "../../components/ui";
import { graphql } from "../../gql";
import type { ConversationFilter, ConversationRowFragment } from "../../gql/graphql";
import { chosen, useAddressText } from "../../lib/address";
import { age, count, moment, untilText } from "../../lib/format";
import { useHeard } from "../../lib/live";
import { real } from "../../lib/node";
import { plainText } from "../../lib/whatsapp";
import { useNow } from "./Bubbles";
import { contentName } from "./Content";
import { LabelBadge, LabelsDocument } from "./labels";
import { keptInPlace } from "./thread";

graphql(`
  fragment ConversationRow on Conversation {
    id
    unread
    lastMessageAt
    snoozedUntil
    assignee {
      id
      name
    }
    labels {
      id
      name
      color
    }
    contact {
      id
      name
      displayAddress
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
`);

const InboxDocument = graphql(`
  query Inbox($filter: ConversationFilter, $first: Int, $after: String) {
    conversations(filter: $filter, first: $first, after: $after) {
      totalCount
      pageInfo {
        hasNextPage
        endCursor
      }
      nodes {
        ...ConversationRow
      }
    }
  }
`);

const ReadingDocument = graphql(`
  query InboxReading($id: ID!) {
    node(id: $id) {
      ... on Conversation {
        ...ConversationRow
      }
    }
  }
`);

const InboxLiveDocument = graphql(`
  subscription InboxLive {
    conversationUpdated {
      id
    }
  }
`);

export const shelves: Record<string, { label: string; empty: string; filter: (me: string) => ConversationFilter }> = {
  open: {
    label: t({ message: "Open", context: "status" }),
    empty: t`When contacts write or answer a campaign, it shows here at once.`,
    filter: () => ({ status: "OPEN" }),
  },
  unread: { label: t`Unread`, empty: t`Everything is read.`, filter: () => ({ unread: true }) },
  mine: {
    label: t`Mine`,
    empty: t`No open conversation is assigned to you.`,
    filter: (me) => ({ assigneeId: me, status: "OPEN" }),
  },
  unassigned: {
    label: t`Unassigned`,
    empty: t`Every open conversation is assigned to somebody.`,
    filter: () => ({ unassigned: true, status: "OPEN" }),
  },
  snoozed: {
    label: t`Snoozed`,
    empty: t`No conversation is snoozed.`,
    filter: () => ({ snoozed: true }),
  },
  closed: {
    label: t`Closed`,
    empty: t`No conversation is closed.`,
    filter: () => ({ status: "CLOSED", snoozed: false }),
  },
};

/** What is put away stands in a menu: six names side by side have no room on a phone. */
const putAway = ["snoozed", "closed"];
const lists = Object.entries(shelves).map(([value, { label }]) => ({ value, label }));

const step = 30;
const most = 200; // conversations that stand under one another; those before them come in their place

/** How far each list was read, and where it stood, for whoever comes back to it. */
type Place = { first: number; after: string | null; top: number };
const places = new Map<string, Place>();
const start: Place = { first: step, after: null, top: 0 };

export function ConversationList(props: {
  reading: string | undefined;
  search: Search;
  me: string;
  change: (next: Partial<Search>) => void;
  onRows: (ids: string[]) => void;
  actions?: ReactNode;
}) {
  const { reading, search, change, onRows } = props;
  const name = chosen(Object.keys(shelves), search.status) ?? "open";
  const shelf = shelves[name] as (typeof shelves)[string];
  const filter = {
    ...shelf.filter(props.me),
    ...(search.q ? { search: search.q } : {}),
    ...(search.label ? { labelIds: [search.label] } : {}),
  };
  const key = JSON.stringify(filter);
  const [text, setText] = useAddressText("q");
  const [, renew] = useState(0);
  const place = places.get(key) ?? start;
  const move = (to: Partial<Place>) => {
    places.set(key, { ...(places.get(key) ?? start), ...to });
    renew((n) => n + 1);
  };
  const [{ data, error, fetching }, load] = useQuery({
    query: InboxDocument,
    variables: { filter, first: place.first, after: place.after },
    requestPolicy: "cache-and-network",
  });
  // The first event says that the stream has begun: what came before is read again.
  // The longer the list, the dearer it is to read, and the less often it is.
  useHeard(InboxLiveDocument, {}, () => load({ requestPolicy: "network-only" }), (1000 * place.first) / step);

  // What was shown stays while more of the same list is read.
  const last = useRef<{ key: string; rows: readonly ConversationRowFragment[] }>({ key, rows: [] });
  const before = last.current.key === key ? last.current.rows : [];
  // The one that is read is known also when the list has it no more; its thread brings what is new of it.
  const [{ data: read }] = useQuery({
    query: ReadingDocument,
    variables: { id: reading ?? "" },
    pause: !reading,
    requestPolicy: "cache-first",
  });
  const now = real(read?.node, "Conversation");
  const known = keptInPlace(before, data?.conversations.nodes ?? before, reading);
  const rows = known.map((r) => (r.id === now?.id ? now : r));
  last.current = { key, rows };
  const ids = rows.map((r) => r.id).join();
  useEffect(() => onRows(ids ? ids.split(",") : []), [ids, onRows]);

  const view = useRef<HTMLDivElement>(null);
  const shown = rows.length > 0;
  // Where a list stood is taken up when its rows are there.
  useLayoutEffect(() => {
    if (shown && view.current) view.current.scrollTop = places.get(key)?.top ?? 0;
  }, [key, shown, place.after]);

  const time = useNow(30);
  const page = data?.conversations;
  return (
    <section className="inbox-pane inbox-list" aria-label={t`Conversations`}>
      <div className="inbox-list-head">
        <div className="inbox-row-line" style={{ alignItems: "center" }}>
          <Title order={1} size="h3">{t`Inbox`}</Title>
          <Text size="xs" c="dimmed" mr="auto">
            {page ? plural(page.totalCount, { one: "# conversation", other: "# conversations" }) : ""}
          </Text>
          <LabelFilter chosen={search.label} onChoose={(label) => change({ label })} />
          {props.actions}
        </div>
        <TextInput
          data-page-search
          aria-label={t`Search conversations`}
          placeholder={t`Name or number`}
          size="xs"
          leftSection={<IconSearch size={15} />}
          value={text}
          onChange={(e) => setText(e.currentTarget.value)}
        />
        {search.label && <ChosenLabel id={search.label} onRemove={() => change({ label: undefined })} />}
        <Group gap={6} wrap="nowrap">
          <SegmentedControl
            fullWidth
            flex={1}
            miw={0}
            size="xs"
            classNames={{ label: "inbox-shelf" }}
            aria-label={t`Which conversations`}
            value={name}
            onChange={(v) => change({ status: v === "open" ? undefined : v })}
            data={lists.filter((l) => !putAway.includes(l.value))}
          />
          <DropdownMenu
            position="bottom-end"
            target={
              <ActionIcon
                data-hint={t`Other lists`}
                variant={putAway.includes(name) ? "light" : "subtle"}
                color="gray"
                aria-label={t`Other lists`}
              >
                <IconDots size={17} />
              </ActionIcon>
            }
          >
            {(Menu) =>
              lists
                .filter((l) => putAway.includes(l.value))
                .map((l) => (
                  <Menu.Item key={l.value} onClick={() => change({ status: l.value })}>
                    {l.label}
                  </Menu.Item>
                ))
            }
          </DropdownMenu>
        </Group>
        {putAway.includes(name) && (
          <Group gap={6}>
            <Text size="xs" fw={550}>
              {shelf.label}
            </Text>
            <CloseButton size="md" aria-label={t`Back to what is open`} onClick={() => change({ status: undefined })} />
          </Group>
        )}
      </div>
      <div
        className="inbox-scroll"
        ref={view}
        onScroll={(e) => places.set(key, { ...(places.get(key) ?? start), top: e.currentTarget.scrollTop })}
      >
        {error && !shown ? (
          <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />
        ) : !data && !shown ? (
          <div style={{ padding: 12 }}>
            <Rows n={10} />
          </div>
        ) : !shown ? (
          <Empty icon={<IconInbox />} title={search.q ? t`Nobody found` : t`No conversations here`} bare>
            {search.q ? t`No conversation here matches that name or number.` : shelf.empty}
          </Empty>
        ) : (
          <nav aria-label={t`List of conversations`}>
            {rows.map((r) => (
              <Row key={r.id} of={r} current={r.id === reading} now={time} />
            ))}
          </nav>
        )}
        <div style={{ padding: 12 }}>
          {place.first < most ? (
            <LoadMore
              more={page?.pageInfo.hasNextPage}
              loading={fetching}
              onMore={() => move({ first: Math.min(place.first + step, most) })}
            />
          ) : (
            <LoadMore
              more={page?.pageInfo.hasNextPage}
              loading={fetching}
              onMore={() => move({ after: page?.pageInfo.endCursor ?? null, top: 0 })}
            >{t`Older conversations`}</LoadMore>
          )}
          <LoadMore
            more={place.after !== null}
            loading={false}
            onMore={() => move(start)}
          >{t`Back to the newest`}</LoadMore>
        </div>
      </div>
    </section>
  );
}

/** What the address says of the list, for a conversation of it that is opened. */
export const listOf = (before: Search): Search => ({ ...before, step: undefined });

function Row(props: { of: ConversationRowFragment; current: boolean; now: number }) {
  const { of: r, now } = props;
  return (
    <Link
      id={`row-${r.id}`}
      className="inbox-row"
      to="/inbox/$id"
      params={{ id: r.id }}
      search={listOf}
      resetScroll={false}
      aria-current={props.current ? "page" : undefined}
    >
      <Initials name={r.contact?.name ?? ""} size={36} />
      <div className="inbox-row-text">
        <div className="inbox-row-line">
          <Text size="sm" fw={r.unread ? 700 : 500} truncate>
            {r.contact ? nameOf(r.contact) : ""}
          </Text>
          {r.lastMessageAt && (
            <Text
              component="time"
              size="xs"
              c={r.unread ? "brand" : "dimmed"}
              dateTime={r.lastMessageAt}
              title={moment(r.lastMessageAt)}
              style={{ flex: "none" }}
            >
              {age(r.lastMessageAt, now)}
            </Text>
          )}
        </div>
        <div className="inbox-row-line" style={{ alignItems: "center" }}>
          <Text size="xs" c={r.unread ? undefined : "dimmed"} truncate>
            {r.lastMessage?.direction === "OUTBOUND" ? `${t`You:`} ` : ""}
            {r.lastMessage?.body ? (
              <bdi>{plainText(r.lastMessage.body)}</bdi>
            ) : (
              contentName(r.lastMessage?.content?.kind)
            )}
          </Text>
          {r.unread > 0 && (
            <Badge size="sm" circle={r.unread < 10} aria-label={t`${count(r.unread)} unread`} style={{ flex: "none" }}>
              {r.unread}
            </Badge>
          )}
        </div>
        {(r.assignee || r.snoozedUntil || r.labels.length > 0) && (
          <Group gap={4} mt={3} wrap="nowrap" style={{ overflow: "hidden" }}>
            {r.labels.map((l) => (
              <LabelBadge key={l.id} of={l} />
            ))}
            {r.assignee && (
              <Text size="xs" c="dimmed" className="inbox-assignee" title={t`Assigned to ${r.assignee.name}`}>
                <IconUserCheck size={13} role="img" aria-label={t`Assigned to`} />
                <bdi>{r.assignee.name}</bdi>
              </Text>
            )}
            {r.snoozedUntil && (
              <Text size="xs" c="dimmed" truncate>
                {r.assignee && "· "}
                {untilText(r.snoozedUntil)}
              </Text>
            )}
          </Group>
        )}
      </div>
    </Link>
  );
}

/** Which label narrows the list. */
function LabelFilter(props: { chosen?: string; onChoose: (id: string | undefined) => void }) {
  const [{ data }] = useQuery({ query: LabelsDocument });
  if (!data?.labels.length) return null;
  return (
    <DropdownMenu
      position="bottom-end"
      dropdown={{ mah: 300, style: { overflowY: "auto" } }}
      target={
        <ActionIcon
          data-hint={t`Only with a label`}
          variant={props.chosen ? "light" : "subtle"}
          color="gray"
          aria-label={t`Only with a label`}
        >
          <IconTag size={17} />
        </ActionIcon>
      }
    >
      {(Menu) => (
        <>
          {data.labels.map((l) => (
            <Menu.Item key={l.id} onClick={() => props.onChoose(l.id)}>
              <LabelBadge of={l} />
            </Menu.Item>
          ))}
          {props.chosen && <Menu.Item onClick={() => props.onChoose(undefined)}>{t`All conversations`}</Menu.Item>}
        </>
      )}
    </DropdownMenu>
  );
}

function ChosenLabel(props: { id: string; onRemove: () => void }) {
  const [{ data }] = useQuery({ query: LabelsDocument });
  const label = data?.labels.find((l) => l.id === props.id);
  return (
    <Group gap={6}>
      <Text size="xs" c="dimmed">{t`Only with`}</Text>
      {label && <LabelBadge of={label} />}
      <CloseButton size="md" aria-label={t`Show all conversations`} onClick={props.onRemove} />
    </Group>
  );
}
