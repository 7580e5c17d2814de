import { Button, Card, Group, Table, Text, Timeline, Title } from "@mantine/core";
import { ConsentEvidence } from "../../components/ConsentEvidence";
import { Status } from "../../components/ui";
import { graphql } from "../../gql";
import type { ConsentPurpose, ConsentStatus, ContactConsentFragment } from "../../gql/graphql";
import { consentText, moment, words } from "../../lib/format";

graphql(`
  fragment ContactConsent on Contact {
    id
    consents {
      purpose
      status
      since
    }
    consentEvents(first: 20) {
      nodes {
        id
        purpose
        status
        source
        occurredAt
        operator {
          id
          name
        }
        ...ConsentEvidence
      }
    }
  }
`);

/** Where a contact stands with each purpose, and every decision with its proof. */
export function ContactConsent(props: {
  contact: ContactConsentFragment;
  /** Absent: this operator may not. */
  onRecord?: (status: ConsentStatus, purpose: ConsentPurpose) => void;
}) {
  const { contact: c, onRecord: record } = props;
  return (
    <Card>
      <Title order={2} size="h4" mb="sm">
        Consent
      </Title>
      <Table withRowBorders={false} verticalSpacing={4} mb="sm">
        <Table.Tbody>
          {c.consents.map((s) => (
            <Table.Tr key={s.purpose}>
              <Table.Td c="dimmed" w={140}>
                {words(s.purpose)}
              </Table.Td>
              <Table.Td>
                <Group gap="xs">
                  <Status value={s.status} />
                  {s.since && (
                    <Text size="xs" c="dimmed">
                      since {moment(s.since)}
                    </Text>
                  )}
                </Group>
              </Table.Td>
              <Table.Td>
                {record && s.purpose === "UTILITY" && (
                  <Group gap="xs" justify="flex-end">
                    {s.status !== "OPTED_IN" && (
                      <Button
                        size="compact-xs"
                        variant="default"
                        aria-label="Record opt-in to utility messages"
                        onClick={() => record("OPTED_IN", "UTILITY")}
                      >
                        Opt in
                      </Button>
                    )}
                    {s.status !== "OPTED_OUT" && (
                      <Button
                        size="compact-xs"
                        variant="default"
                        aria-label="Opt out of utility messages"
                        onClick={() => record("OPTED_OUT", "UTILITY")}
                      >
                        Opt out
                      </Button>
                    )}
                  </Group>
                )}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Title order={3} size="h5" mb="xs">
        Consent history
      </Title>
      {c.consentEvents.nodes.length === 0 ? (
        <Text c="dimmed" size="sm">
          Nothing recorded: this contact gets no campaign.
        </Text>
      ) : (
        <Timeline bulletSize={16} lineWidth={2} active={-1}>
          {c.consentEvents.nodes.map((e) => (
            <Timeline.Item key={e.id} title={consentText(e.status, e.purpose, e.source)}>
              <ConsentEvidence event={e} none="no evidence" />
              <Text size="xs" c="dimmed">
                {moment(e.occurredAt)}
                {e.operator && ` · recorded by ${e.operator.name}`}
              </Text>
            </Timeline.Item>
          ))}
        </Timeline>
      )}
    </Card>
  );
}
