import { plural, t } from "@lingui/core/macro";
import { Alert, Button, Group, List, Loader, Stack, Text } from "@mantine/core";
import { useInterval } from "@mantine/hooks";
import { useEffect, useState } from "react";
import { useClient, useMutation } from "urql";
import { Dialog } from "../../components/Dialog";
import { graphql } from "../../gql";
import type { CountsFragment } from "../../gql/graphql";
import { settled } from "../../lib/errors";

graphql(`
  fragment Counts on GoingLiveCounts {
    campaigns
    messages
    questions
    consents
    subscriptions
    windows
    marks
    templates
    senders
  }
`);
const GoLiveDocument = graphql(`
  mutation GoLive($input: GoLiveInput!) {
    goLive(input: $input) {
      userErrors {
        field
        message
      }
    }
  }
`);
const LiveDocument = graphql(`
  query IsLive {
    setup {
      live
    }
  }
`);

/** What belongs to the sandbox, in words; what there is none of is left out. */
export function countsOf(c: CountsFragment): string[] {
  return [
    c.campaigns > 0 && plural(c.campaigns, { one: "# campaign", other: "# campaigns" }),
    c.messages > 0 && plural(c.messages, { one: "# waiting message", other: "# waiting messages" }),
    c.questions > 0 && plural(c.questions, { one: "# opt-in question", other: "# opt-in questions" }),
    c.consents > 0 &&
      plural(c.consents, { one: "# opt-in received by the sandbox", other: "# opt-ins received by the sandbox" }),
    c.subscriptions > 0 &&
      plural(c.subscriptions, {
        one: "# topic subscription received by the sandbox",
        other: "# topic subscriptions received by the sandbox",
      }),
    c.windows > 0 && plural(c.windows, { one: "# open reply window", other: "# open reply windows" }),
    c.marks > 0 &&
      plural(c.marks, {
        one: "# delivery block reported by the sandbox",
        other: "# delivery blocks reported by the sandbox",
      }),
    c.templates > 0 && plural(c.templates, { one: "# template’s approval", other: "# templates’ approvals" }),
    c.senders > 0 && plural(c.senders, { one: "# sender of the sandbox", other: "# senders of the sandbox" }),
  ].filter((text) => text !== false);
}

/** Asks once more, naming in numbers what ends, and waits until the server has started again. */
export function Switch(props: { ends: CountsFragment; onDone: () => void }) {
  const [open, setOpen] = useState(false);
  const [waiting, setWaiting] = useState(false);
  const [{ fetching }, go] = useMutation(GoLiveDocument);
  const client = useClient();
  const list = countsOf(props.ends);
  const { start, stop } = useInterval(async () => {
    const { data } = await client.query(LiveDocument, {}, { requestPolicy: "network-only" });
    if (data?.setup.live) window.location.reload(); // all pages say who is live
  }, 1000);
  useEffect(() => stop, [stop]);
  const confirm = async () => {
    const done = settled(await go({ input: { campaigns: props.ends.campaigns } }));
    setOpen(false);
    if (!done) return props.onDone();
    setWaiting(true);
    start();
  };
  if (waiting)
    return (
      <Alert color="blue" role="status">
        <Group gap="sm">
          <Loader size="sm" />
          <Text size="sm">{t`The server starts again with Twilio. This page follows by itself.`}</Text>
        </Group>
      </Alert>
    );
  return (
    <>
      <Button color="red" onClick={() => setOpen(true)}>{t`Go live…`}</Button>
      <Dialog opened={open} onClose={() => setOpen(false)} title={t`Go live with Twilio?`} size="lg">
        <Stack>
          <Text size="sm">
            {t`From then on messages reach people and cost money. There is no way back to the sandbox on this database; trying out goes on in one of its own.`}
          </Text>
          {list.length > 0 ? (
            <>
              <Text size="sm">{t`What was made while trying out ends, and is never sent:`}</Text>
              <List size="sm">
                {list.map((text) => (
                  <List.Item key={text}>{text}</List.Item>
                ))}
              </List>
              <Text size="sm" c="dimmed">
                {t`Contacts, segments and the words of templates stay; campaigns can be duplicated.`}
              </Text>
            </>
          ) : (
            <Text size="sm">{t`Nothing was made while trying out that would end.`}</Text>
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={() => setOpen(false)}>{t`Not yet`}</Button>
            <Button color="red" loading={fetching} onClick={confirm}>{t`Go live`}</Button>
          </Group>
        </Stack>
      </Dialog>
    </>
  );
}
