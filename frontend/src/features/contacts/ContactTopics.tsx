import { t } from "@lingui/core/macro";
import { Button, Card, Group, Stack, Text, Title } from "@mantine/core";
import { useMutation } from "urql";
import { useMay } from "../../app/session";
import { LinkButton } from "../../components/ui";
import { graphql } from "../../gql";
import type { ContactTopicsFragment } from "../../gql/graphql";
import { settled } from "../../lib/errors";
import { midSentence, moment, words } from "../../lib/format";
import { useTopics } from "../topics/useTopics";

export const ContactTopicsFields = graphql(`
  fragment ContactTopics on Contact {
    id
    consentStatus
    topics {
      topic {
        id
        name
      }
      status
      source
      since
    }
  }
`);

const SetDocument = graphql(`
  mutation ContactTopicSet($input: ContactTopicSetInput!) {
    contactTopicSet(input: $input) {
      contact {
        ...ContactTopics
      }
      userErrors {
        field
        message
      }
    }
  }
`);

/** Which topics a contact subscribed to, left, or never had. */
export function ContactTopics({ contact: c }: { contact: ContactTopicsFragment }) {
  const may = useMay("MARKETER");
  const all = useTopics();
  const [{ fetching }, set] = useMutation(SetDocument);
  const standing = new Map(c.topics.map((s) => [s.topic.id, s]));
  return (
    <Card>
      <Title order={2} size="h4" mb="sm">{t`Topics`}</Title>
      {c.consentStatus !== "OPTED_IN" && c.topics.length > 0 && (
        <Text
          size="sm"
          c="dimmed"
          mb="xs"
        >{t`They get nothing while they have not opted in, whatever they are subscribed to.`}</Text>
      )}
      {all.length === 0 ? (
        <Group>
          <Text size="sm" c="dimmed">{t`There are no topics.`}</Text>
          {may && <LinkButton to="/topics" size="xs" variant="default">{t`Add one`}</LinkButton>}
        </Group>
      ) : (
        <Stack gap="xs">
          {all.map(({ value: topicId, label }) => {
            const s = standing.get(topicId);
            const on = s?.status === "SUBSCRIBED";
            return (
              <Group key={topicId} justify="space-between" wrap="nowrap">
                <div>
                  <Text size="sm" fw={550}>
                    {label}
                  </Text>
                  <Text size="xs" c="dimmed">
                    {s
                      ? t`${words(s.status)} by ${midSentence(words(s.source))}, ${moment(s.since)}`
                      : t`Never subscribed`}
                  </Text>
                </div>
                {may && (
                  <Button
                    size="xs"
                    variant="default"
                    disabled={fetching}
                    aria-label={on ? t`Have them leave ${label}` : t`Subscribe to ${label}`}
                    onClick={async () =>
                      settled(await set({ input: { id: c.id, topicId, status: on ? "LEFT" : "SUBSCRIBED" } }))
                    }
                  >
                    {on ? t`Leave` : t`Subscribe`}
                  </Button>
                )}
              </Group>
            );
          })}
        </Stack>
      )}
    </Card>
  );
}
