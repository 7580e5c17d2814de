import { Paper, ScrollArea, Stack, Text } from "@mantine/core";
import { useInterval } from "@mantine/hooks";
import { useEffect, useRef, useState } from "react";
import { graphql } from "../../gql";
import type { BubbleFragment } from "../../gql/graphql";
import { duration, moment, words } from "../../lib/format";
import { ContentHead, ContentParts, contentName } from "./Content";

/** "3 h 20 min left", counting down. */
export function Countdown(props: { until: string }) {
  const [now, setNow] = useState(Date.now());
  const tick = useInterval(() => setNow(Date.now()), 1000);
  useEffect(() => {
    tick.start();
    return tick.stop;
  }, [tick]);
  const seconds = (new Date(props.until).getTime() - now) / 1000;
  return <>{seconds > 0 ? `open, ${duration(seconds)} left` : "closed: only approved templates"}</>;
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

/** What was said, oldest first; it stays at the newest. */
export function Bubbles(props: { messages: readonly BubbleFragment[]; tall?: string }) {
  const view = useRef<HTMLDivElement>(null);
  const newest = props.messages.at(-1)?.id;
  useEffect(() => {
    if (newest) view.current?.scrollTo({ top: view.current.scrollHeight });
  }, [newest]);
  if (props.messages.length === 0)
    return (
      <Text c="dimmed" size="sm">
        No messages yet.
      </Text>
    );
  return (
    <ScrollArea.Autosize
      mah={props.tall ?? 480}
      viewportRef={view}
      viewportProps={{ tabIndex: 0, role: "region", "aria-label": "Conversation" }}
    >
      <Stack gap="xs">
        {props.messages.map((m) => {
          const theirs = m.direction === "INBOUND";
          return (
            <Paper
              key={m.id}
              p="xs"
              radius="md"
              withBorder
              maw="85%"
              style={{ alignSelf: theirs ? "flex-start" : "flex-end" }}
              bg={theirs ? undefined : "light-dark(#eef6f1, #1f2b25)"}
            >
              {m.content && <ContentHead content={m.content} />}
              {!showsItself(m) && (
                <Text size="sm" style={{ overflowWrap: "anywhere", whiteSpace: "pre-wrap" }}>
                  {m.body || contentName(m.content?.kind)}
                </Text>
              )}
              {m.content && <ContentParts content={m.content} media={m.media} />}
              <Text size="xs" c="dimmed">
                {moment(m.createdAt)}
                {theirs ? "" : ` · ${m.campaign?.name ?? words(m.purpose)} · ${words(m.status).toLowerCase()}`}
              </Text>
              {m.errorMessage && (
                <Text size="xs" c="red">
                  {m.errorMessage}
                </Text>
              )}
            </Paper>
          );
        })}
      </Stack>
    </ScrollArea.Autosize>
  );
}
