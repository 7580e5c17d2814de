import { t } from "@lingui/core/macro";
import { Button, Card, Group, Stack, Table, Text, Textarea, Timeline, Title } from "@mantine/core";
import { useState } from "react";
import { useMutation } from "urql";
import { AskToConfirm } from "../../components/AskToConfirm";
import { ConsentEvidence } from "../../components/ConsentEvidence";
import { Dialog } from "../../components/Dialog";
import { isOpen, OptInRequestText, WaitingBadge } from "../../components/OptInRequest";
import { Status } from "../../components/ui";
import { graphql } from "../../gql";
import type { ConsentPurpose, ConsentStatus, ContactConsentFragment } from "../../gql/graphql";
import { settled } from "../../lib/errors";
import { consentText, midSentence, moment, words } from "../../lib/format";
import { notifications } from "../../lib/notifications";
import { ConsentButtons } from "./ConsentButtons";

graphql(`
  fragment ContactConsent on Contact {
    id
    consents {
      purpose
      status
      since
    }
    optInRequest {
      ...OptInRequestState
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

const ConsentSetDocument = graphql(`
  mutation ContactConsentSet($input: ContactConsentSetInput!) {
    contactConsentSet(input: $input) {
      contact {
        id
        consentStatus
        optInRequest {
          ...OptInRequestState
        }
      }
      userErrors {
        field
        message
      }
    }
  }
`);

/** A purpose and what was decided about it. */
export type Decision = `${ConsentPurpose} ${"OPTED_IN" | "OPTED_OUT"}`;

const decisions: Record<Decision, { title: string; about?: string }> = {
  "MARKETING OPTED_IN": { title: t`Record opt-in` },
  "MARKETING OPTED_OUT": {
    title: t`Opt this contact out`,
    about: t`They get no more messages, and their number is suppressed until they opt in again.`,
  },
  "UTILITY OPTED_IN": {
    title: t`Record opt-in to utility messages`,
    about: t`Utility messages are about an order, an account or an appointment of theirs. This is no consent to marketing, and templates go only to people who have that one.`,
  },
  "UTILITY OPTED_OUT": {
    title: t`Opt this contact out of utility messages`,
    about: t`They get no more templates of the category utility. Their consent to marketing stays.`,
  },
};

type Person = Pick<ContactConsentFragment, "id" | "consents" | "optInRequest"> & { suppressions: readonly object[] };

/** Why somebody is not asked to confirm; undefined: they are. */
function refusalOf(c: Person): string | undefined {
  if (c.optInRequest && isOpen(c.optInRequest)) return t`They are being asked already.`;
  const marketing = c.consents.find((s) => s.purpose === "MARKETING")?.status;
  if (marketing === "OPTED_IN") return t`They have opted in already: there is nothing to confirm.`;
  if (marketing === "OPTED_OUT") return t`They have opted out, and are not asked.`;
  if (c.suppressions.length > 0) return t`They are suppressed, and cannot be asked.`;
}

/** Records a decision with its evidence. */
export function ConsentDialog(props: { contact: Person; decision: Decision | null; onClose: () => void }) {
  const { decision, onClose } = props;
  return (
    <Dialog opened={decision !== null} onClose={onClose} title={decision && decisions[decision].title}>
      {decision && <Evidence contact={props.contact} decision={decision} onClose={onClose} />}
    </Dialog>
  );
}

function Evidence(props: { contact: Person; decision: Decision; onClose: () => void }) {
  const { contact, decision, onClose } = props;
  const [purpose, status] = decision.split(" ") as [ConsentPurpose, ConsentStatus];
  const { about } = decisions[decision];
  const [note, setNote] = useState("");
  const [asks, setAsks] = useState(false);
  const [{ fetching }, setConsent] = useMutation(ConsentSetDocument);
  const record = async () => {
    const result = await setConsent({
      input: { id: contact.id, status, purpose, evidence: { note }, doubleOptIn: asks },
    });
    if (!settled(result)) return;
    notifications.show({
      message: asks ? t`They will be asked on WhatsApp to confirm` : t`Consent recorded: ${midSentence(words(status))}`,
      color: "green",
    });
    onClose();
  };
  return (
    <Stack>
      {about && <Text size="sm">{about}</Text>}
      <Textarea
        label={t`Evidence`}
        description={
          status === "OPTED_IN" ? t`What did they agree to, where and when?` : t`How did they tell you? Optional.`
        }
        value={note}
        onChange={(e) => setNote(e.currentTarget.value)}
        data-autofocus
      />
      {decision === "MARKETING OPTED_IN" && (
        <AskToConfirm checked={asks} onChange={setAsks} refusal={refusalOf(contact)} />
      )}
      <Group justify="flex-end">
        <Button variant="default" onClick={onClose}>{t`Cancel`}</Button>
        <Button
          onClick={record}
          loading={fetching}
          color={status === "OPTED_OUT" ? "red" : undefined}
        >{t`Record`}</Button>
      </Group>
    </Stack>
  );
}

/** Where a contact stands with each purpose, and every decision with its proof. */
export function ContactConsent(props: {
  contact: ContactConsentFragment;
  /** Absent: this operator may not. */
  onRecord?: (decision: Decision) => void;
}) {
  const { contact: c, onRecord: record } = props;
  return (
    <Card>
      <Title order={2} size="h4" mb="sm">{t`Consent`}</Title>
      <Table withRowBorders={false} verticalSpacing={8} horizontalSpacing={0} highlightOnHover={false} mb="sm">
        <Table.Tbody>
          {c.consents.map((s) => (
            <Table.Tr key={s.purpose}>
              <Table.Td c="dimmed" w={84} style={{ verticalAlign: "top" }}>
                {words(s.purpose)}
              </Table.Td>
              <Table.Td>
                <Group gap="xs" justify="space-between">
                  <Group gap="xs">
                    <Status value={s.status} />
                    {s.since && <Text size="xs" c="dimmed">{t`since ${moment(s.since)}`}</Text>}
                    {s.purpose === "MARKETING" && <WaitingBadge of={c.optInRequest} />}
                  </Group>
                  {record && <ConsentButtons purpose={s.purpose} status={s.status} onRecord={record} />}
                </Group>
                {s.purpose === "MARKETING" && c.optInRequest && (
                  <OptInRequestText of={c.optInRequest} optedIn={s.status === "OPTED_IN"} />
                )}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Title order={3} size="h5" mb="xs">{t`Consent history`}</Title>
      {c.consentEvents.nodes.length === 0 ? (
        <Text c="dimmed" size="sm">{t`No consent recorded: campaigns skip this contact.`}</Text>
      ) : (
        <Timeline bulletSize={16} lineWidth={2} active={-1}>
          {c.consentEvents.nodes.map((e) => (
            <Timeline.Item key={e.id} title={consentText(e.status, e.purpose, e.source)}>
              <ConsentEvidence event={e} none={t`no evidence`} />
              <Text size="xs" c="dimmed">
                {moment(e.occurredAt)}
                {e.operator && ` · ${t`recorded by ${e.operator.name}`}`}
              </Text>
            </Timeline.Item>
          ))}
        </Timeline>
      )}
    </Card>
  );
}
