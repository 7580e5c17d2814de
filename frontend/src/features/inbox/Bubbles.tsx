import { t } from "@lingui/core/macro";
import "./bubbles.css";
import { Text } from "@mantine/core";
import { useInterval } from "@mantine/hooks";
import {
  IconAlertCircle,
  IconCheck,
  IconChecks,
  IconClock,
  IconHelpCircle,
  IconMessage2,
  IconNote,
  IconRobot,
} from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { Fragment, type ReactNode, useEffect, useState } from "react";
import { WhatsAppText } from "../../components/WhatsAppText";
import { graphql } from "../../gql";
import type { BubbleFragment, BubbleNoteFragment } from "../../gql/graphql";
import { dayText, midSentence, moment, sentence, skipText, timeOnly, words } from "../../lib/format";
import { dayKey } from "../../lib/zone";
import { ContentHead, ContentParts, contentName } from "./Content";
import { grouped, leftToReply, type Tick, tickOf, withNotes } from "./thread";

/** The time, read again every so many seconds. */
export function useNow(seconds: number) {
  const [now, setNow] = useState(Date.now());
  const tick = useInterval(() => setNow(Date.now()), seconds * 1000);
  useEffect(() => {
    tick.start();
    return tick.stop;
  }, [tick]);
  return now;
}

/** "3 h left to reply", counting down. */
export function Countdown(props: { until: string }) {
  return <>{leftToReply(props.until, useNow(20)) || t`Closed: only approved templates`}</>;
}

graphql(`
  fragment Bubble on Message {
    id
    direction
    purpose
    status
    body
    media
    content {
      ...BubbleContent
    }
    skipReason
    errorMessage
    createdAt
    campaign {
      id
      name
    }
    sentBy {
      id
      name
    }
  }
`);

graphql(`
  fragment BubbleNote on Note {
    id
    body
    createdAt
    author {
      id
      name
    }
  }
`);

/** What its parts say already: a place by its name, a document by that of its file. */
const showsItself = (m: BubbleFragment) =>
  !!m.content && (!!m.content.location || (m.media.length > 0 && (!m.body || m.content.files[0]?.name === m.body)));

const tickIcons: Record<Tick, (of: { label: string }) => ReactNode> = {
  waiting: ({ label }) => <IconClock size={13} role="img" aria-label={label} />,
  sent: ({ label }) => <IconCheck size={15} role="img" aria-label={label} />,
  delivered: ({ label }) => <IconChecks size={15} role="img" aria-label={label} />,
  read: ({ label }) => <IconChecks size={15} color="light-dark(#0277a8, #53bdeb)" role="img" aria-label={label} />,
  failed: ({ label }) => (
    <IconAlertCircle size={14} color="light-dark(#8f1d14, #ffb4ab)" role="img" aria-label={label} />
  ),
  unclear: ({ label }) => <IconHelpCircle size={14} role="img" aria-label={label} />,
};

/** Who or what wrote one of ours. */
function From(props: { of: BubbleFragment }) {
  const m = props.of;
  if (m.campaign)
    return (
      <>
        <IconMessage2 size={13} aria-hidden style={{ verticalAlign: -2 }} />{" "}
        <Link to="/campaigns/$id" params={{ id: m.campaign.id }}>
          {m.campaign.name}
        </Link>
      </>
    );
  if (m.purpose === "CONFIRMATION")
    return (
      <>
        <IconRobot size={13} aria-hidden style={{ verticalAlign: -2 }} /> {t`Automatic reply`}
      </>
    );
  if (m.purpose === "OPT_IN_QUESTION" || m.purpose === "TEST")
    return <>{[words(m.purpose), m.sentBy?.name].filter(Boolean).join(" · ")}</>;
  return m.sentBy?.name ?? null;
}

/** Why one of ours did not reach them. */
const failure = (m: BubbleFragment) =>
  m.skipReason
    ? t`Not sent: ${midSentence(skipText(m.skipReason))}`
    : m.errorMessage
      ? sentence(m.errorMessage)
      : tickOf(m.status) === "failed"
        ? words(m.status)
        : "";

function Bubble(props: { of: BubbleFragment; first: boolean; last: boolean }) {
  const m = props.of;
  const ours = m.direction !== "INBOUND" && m.purpose !== "INBOUND";
  const tick = tickOf(m.status);
  const wrong = ours ? failure(m) : "";
  const from = ours && props.first && (m.purpose !== "REPLY" || m.sentBy) ? <From of={m} /> : null;
  const Icon = tickIcons[tick];
  return (
    <div
      className="thread-row"
      data-first={props.first || undefined}
      data-ours={ours || undefined}
      data-failed={(wrong && true) || undefined}
    >
      <div className="thread-bubble">
        {from && <div className="thread-from">{from}</div>}
        {m.content && <ContentHead content={m.content} />}
        {!showsItself(m) && (
          <div className="thread-text">
            {m.body ? <WhatsAppText links>{m.body}</WhatsAppText> : contentName(m.content?.kind)}
          </div>
        )}
        {m.content && <ContentParts message={m.id} content={m.content} media={m.media} />}
        {wrong && <div className="thread-reason">{wrong}</div>}
        {(props.last || wrong || (ours && tick !== "read")) && (
          <div className="thread-meta">
            <time dateTime={m.createdAt} title={moment(m.createdAt)}>
              {timeOnly(m.createdAt)}
            </time>
            {ours && m.direction === "OUTBOUND" && <Icon label={words(m.status)} />}
          </div>
        )}
      </div>
    </div>
  );
}

/** What colleagues noted: no message, and in another colour, so that nobody takes it for one. */
function Note(props: { of: BubbleNoteFragment }) {
  const n = props.of;
  return (
    <article className="thread-note" aria-label={t`Note`}>
      <div className="thread-from">
        <IconNote size={13} aria-hidden style={{ verticalAlign: -2 }} /> {t`Note by ${n.author?.name ?? t`a program`}`}
      </div>
      <div className="thread-text">{n.body ? <div dir="auto">{n.body}</div> : t`The text was erased.`}</div>
      <div className="thread-meta">
        <time dateTime={n.createdAt} title={moment(n.createdAt)}>
          {timeOnly(n.createdAt)}
        </time>
      </div>
    </article>
  );
}

const day = (s: string) => dayKey(new Date(s));

/**
 * What was said, oldest first, with the days and the notes of colleagues between; whole: there is nothing older.
 */
export function Bubbles(props: {
  messages: readonly BubbleFragment[];
  notes?: readonly BubbleNoteFragment[];
  whole?: boolean;
}) {
  const groups = new Map(grouped(props.messages).map((g) => [g.message.id, g]));
  const items = withNotes(props.messages, props.notes ?? [], props.whole ?? true);
  if (items.length === 0) return <Text c="dimmed" size="sm" p="md" ta="center">{t`No messages yet.`}</Text>;
  let before = "";
  return (
    <>
      {items.map((item) => {
        const at = "note" in item ? item.note.createdAt : item.message.createdAt;
        const begins = day(at) !== before;
        before = day(at);
        const group = "message" in item ? groups.get(item.message.id) : undefined;
        return (
          <Fragment key={"note" in item ? item.note.id : item.message.id}>
            {begins && <div className="thread-day">{dayText(at)}</div>}
            {"note" in item ? (
              <Note of={item.note} />
            ) : (
              <Bubble of={item.message} first={group?.first ?? true} last={group?.last ?? true} />
            )}
          </Fragment>
        );
      })}
    </>
  );
}
