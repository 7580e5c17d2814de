import {
  Alert,
  Button,
  Card,
  Code,
  Group,
  Modal,
  SimpleGrid,
  Stack,
  Table,
  Text,
  Textarea,
  TextInput,
  Timeline,
  Title,
} from "@mantine/core";
import { useForm } from "@mantine/form";
import { useDisclosure } from "@mantine/hooks";
import { notifications } from "@mantine/notifications";
import { useParams } from "@tanstack/react-router";
import { useState } from "react";
import { useMutation, useQuery } from "urql";
import { useMay } from "../../app/session";
import { Empty, Failed, Page, Rows, Status } from "../../components/ui";
import { graphql } from "../../gql";
import type { ConsentStatus } from "../../gql/graphql";
import { settled } from "../../lib/errors";
import { moment, skipText, words } from "../../lib/format";

const ContactDocument = graphql(`
  query Contact($id: ID!) {
    contact(id: $id) {
      id
      name
      address
      region
      locale
      timeZone
      timeZoneSource
      attributes
      consentStatus
      consentAt
      reachable
      unreachableReason
      marketingEligible
      sessionWindow {
        open
        expiresAt
      }
      createdAt
      consentEvents(first: 20) {
        nodes {
          id
          status
          source
          evidence
          occurredAt
          operator {
            id
            name
          }
        }
      }
      messages(first: 30) {
        nodes {
          id
          direction
          purpose
          status
          body
          skipReason
          errorMessage
          createdAt
          campaign {
            id
            name
          }
        }
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
      }
      userErrors {
        field
        message
      }
    }
  }
`);

const ContactUpdateDocument = graphql(`
  mutation ContactUpdate($input: ContactUpdateInput!) {
    contactUpdate(input: $input) {
      contact {
        id
        name
        timeZone
        timeZoneSource
      }
      userErrors {
        field
        message
      }
    }
  }
`);

export function ContactPage() {
  const { id } = useParams({ from: "/contacts/$id" });
  const may = useMay("MARKETER");
  const [{ data, error }, load] = useQuery({ query: ContactDocument, variables: { id } });
  const [, setConsent] = useMutation(ConsentSetDocument);
  const [, update] = useMutation(ContactUpdateDocument);
  const [asking, ask] = useState<ConsentStatus | null>(null);
  const [editing, edit] = useDisclosure();
  const [note, setNote] = useState("");
  const form = useForm({ initialValues: { name: "", timeZone: "" } });
  if (error) return <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />;
  if (!data) return <Rows />;
  const c = data.contact;
  if (!c)
    return (
      <Empty icon="?" title="There is no such contact">
        It may have been erased.
      </Empty>
    );
  const record = async () => {
    if (!asking) return;
    if (settled(await setConsent({ input: { id, status: asking, evidence: { note } } }))) {
      notifications.show({ message: `Consent recorded: ${words(asking).toLowerCase()}`, color: "green" });
      ask(null);
      setNote("");
      load({ requestPolicy: "network-only" });
    }
  };
  const attributes = Object.entries(c.attributes as Record<string, unknown>).sort(([a], [b]) => a.localeCompare(b));
  return (
    <Page
      title={c.name || c.address}
      description={c.address}
      actions={
        may && (
          <>
            <Button
              variant="default"
              onClick={() => {
                form.setValues({ name: c.name, timeZone: c.timeZoneSource === "DECLARED" ? (c.timeZone ?? "") : "" });
                edit.open();
              }}
            >
              Edit
            </Button>
            {c.consentStatus !== "OPTED_IN" && <Button onClick={() => ask("OPTED_IN")}>Record opt-in</Button>}
            {c.consentStatus !== "OPTED_OUT" && (
              <Button color="red" variant="outline" onClick={() => ask("OPTED_OUT")}>
                Opt out
              </Button>
            )}
          </>
        )
      }
    >
      <Modal
        opened={asking !== null}
        onClose={() => ask(null)}
        title={asking === "OPTED_IN" ? "Record opt-in" : "Opt this contact out"}
      >
        <Stack>
          {asking === "OPTED_OUT" && (
            <Text size="sm">They get no more messages, and their number is suppressed until they opt in again.</Text>
          )}
          <Textarea
            label="Evidence"
            description={
              asking === "OPTED_IN" ? "What did they agree to, where and when?" : "How did they tell you? Optional."
            }
            value={note}
            onChange={(e) => setNote(e.currentTarget.value)}
            data-autofocus
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={() => ask(null)}>
              Cancel
            </Button>
            <Button onClick={record} color={asking === "OPTED_OUT" ? "red" : undefined}>
              Record
            </Button>
          </Group>
        </Stack>
      </Modal>
      <Modal opened={editing} onClose={edit.close} title="Edit contact">
        <form
          onSubmit={form.onSubmit(async (v) => {
            if (settled(await update({ input: { id, name: v.name, timeZone: v.timeZone } }))) edit.close();
          })}
        >
          <Stack>
            <TextInput label="Name" {...form.getInputProps("name")} />
            <TextInput
              label="Time zone"
              description="IANA name; empty: as the number says"
              placeholder="Europe/Berlin"
              {...form.getInputProps("timeZone")}
            />
            <Group justify="flex-end">
              <Button variant="default" onClick={edit.close}>
                Cancel
              </Button>
              <Button type="submit">Save</Button>
            </Group>
          </Stack>
        </form>
      </Modal>
      {!c.reachable && (
        <Alert color="red" title="Unreachable">
          {c.unreachableReason}
        </Alert>
      )}
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Card>
          <Title order={2} size="h4" mb="sm">
            Profile
          </Title>
          <Table withRowBorders={false} verticalSpacing={4}>
            <Table.Tbody>
              {[
                ["Consent", <Status key="s" value={c.consentStatus} />],
                ["Country", c.region || "–"],
                [
                  "Time zone",
                  c.timeZone
                    ? `${c.timeZone} (${c.timeZoneSource === "DECLARED" ? "declared" : "by number"})`
                    : "unknown",
                ],
                ["Marketing", c.marketingEligible ? "deliverable" : "WhatsApp delivers none to this number"],
                [
                  "24-hour window",
                  c.sessionWindow.open
                    ? `open until ${moment(c.sessionWindow.expiresAt)}`
                    : "closed: only approved templates",
                ],
                ["Added", moment(c.createdAt)],
              ].map(([k, v]) => (
                <Table.Tr key={String(k)}>
                  <Table.Td c="dimmed" w={140}>
                    {k}
                  </Table.Td>
                  <Table.Td>{v}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
          <Title order={3} size="h5" mt="md" mb="xs">
            Attributes
          </Title>
          {attributes.length === 0 ? (
            <Text c="dimmed" size="sm">
              None
            </Text>
          ) : (
            <Table withRowBorders={false} verticalSpacing={4}>
              <Table.Tbody>
                {attributes.map(([k, v]) => (
                  <Table.Tr key={k}>
                    <Table.Td c="dimmed" w={140}>
                      {k}
                    </Table.Td>
                    <Table.Td style={{ overflowWrap: "anywhere" }}>
                      {typeof v === "object" ? <Code>{JSON.stringify(v)}</Code> : String(v)}
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          )}
        </Card>
        <Card>
          <Title order={2} size="h4" mb="sm">
            Consent history
          </Title>
          {c.consentEvents.nodes.length === 0 ? (
            <Text c="dimmed" size="sm">
              Nothing recorded: this contact gets no campaign.
            </Text>
          ) : (
            <Timeline bulletSize={16} lineWidth={2} active={-1}>
              {c.consentEvents.nodes.map((e) => (
                <Timeline.Item key={e.id} title={`${words(e.status)} by ${e.source.toLowerCase()}`}>
                  <Text size="sm">
                    {Object.entries(e.evidence as Record<string, unknown>)
                      .map(([k, v]) => `${k}: ${String(v)}`)
                      .join(" · ") || "no evidence"}
                  </Text>
                  <Text size="xs" c="dimmed">
                    {moment(e.occurredAt)}
                    {e.operator && ` · recorded by ${e.operator.name}`}
                  </Text>
                </Timeline.Item>
              ))}
            </Timeline>
          )}
        </Card>
      </SimpleGrid>
      <Card>
        <Title order={2} size="h4" mb="sm">
          Messages
        </Title>
        {c.messages.nodes.length === 0 ? (
          <Text c="dimmed" size="sm">
            None yet.
          </Text>
        ) : (
          <Stack gap="sm">
            {c.messages.nodes.map((m) => (
              <Group key={m.id} justify="space-between" wrap="nowrap" align="flex-start">
                <div>
                  <Text size="sm" fw={550}>
                    {m.direction === "INBOUND" ? "They wrote" : m.campaign ? m.campaign.name : words(m.purpose)}
                  </Text>
                  <Text size="sm" style={{ overflowWrap: "anywhere" }}>
                    {m.body || (m.skipReason ? skipText(m.skipReason) : "not sent yet")}
                  </Text>
                  {m.errorMessage && (
                    <Text size="xs" c="red">
                      {m.errorMessage}
                    </Text>
                  )}
                </div>
                <Stack gap={2} align="flex-end">
                  <Status value={m.status} />
                  <Text size="xs" c="dimmed">
                    {moment(m.createdAt)}
                  </Text>
                </Stack>
              </Group>
            ))}
          </Stack>
        )}
      </Card>
    </Page>
  );
}
