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
  IconRobot,
} from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { Fragment, type ReactNode, useEffect, useState } from "react";
import { graphql } from "../../gql";
import type { BubbleFragment } from "../../gql/graphql";
import { dayText, moment, sentence, skipText, timeOnly, words } from "../../lib/format";
import { ContentHead, ContentParts, contentName } from "./Content";
import { grouped, leftToReply, type Tick, tickOf } from "./thread";

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
  return <>{leftToReply(props.until, useNow(20)) || "Closed: only approved templates"}</>;
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

/** Who or what wrote one of ours, where it was no person's reply. */
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
        <IconRobot size={13} aria-hidden style={{ verticalAlign: -2 }} /> Automatic reply
      </>
    );
  if (m.purpose === "OPT_IN_QUESTION" || m.purpose === "TEST") return <>{words(m.purpose)}</>;
  return null;
}

/** Why one of ours did not reach them. */
const failure = (m: BubbleFragment) =>
  m.skipReason
    ? `Not sent: ${skipText(m.skipReason).toLowerCase()}`
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
  const from = ours && props.first && m.purpose !== "REPLY" ? <From of={m} /> : null;
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
        {!showsItself(m) && <div className="thread-text">{m.body || contentName(m.content?.kind)}</div>}
        {m.content && <ContentParts content={m.content} media={m.media} />}
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

/** What was said, oldest first, with the days between. */
export function Bubbles(props: { messages: readonly BubbleFragment[] }) {
  if (props.messages.length === 0)
    return (
      <Text c="dimmed" size="sm" p="md" ta="center">
        No messages yet.
      </Text>
    );
  return (
    <>
      {grouped(props.messages).map(({ message: m, day, first, last }) => (
        <Fragment key={m.id}>
          {day && <div className="thread-day">{dayText(day)}</div>}
          <Bubble of={m} first={first} last={last} />
        </Fragment>
      ))}
    </>
  );
}
