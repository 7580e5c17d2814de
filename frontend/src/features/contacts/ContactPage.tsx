import {
  ActionIcon,
  Alert,
  Badge,
  Button,
  Card,
  Group,
  Modal,
  SimpleGrid,
  Stack,
  Table,
  Text,
  TextInput,
  Title,
} from "@mantine/core";
import { useForm } from "@mantine/form";
import { useDisclosure } from "@mantine/hooks";
import { IconTrash } from "@tabler/icons-react";
import { useParams } from "@tanstack/react-router";
import { useState } from "react";
import { useMutation, useQuery } from "urql";
import { useMay } from "../../app/session";
import { Failed } from "../../components/Failed";
import { nameOf, numberOf } from "../../components/Person";
import { Empty, Page, Rows, Status, scrollable } from "../../components/ui";
import { graphql } from "../../gql";
import { settled } from "../../lib/errors";
import { country, flag, languageName, moment, untilText } from "../../lib/format";
import { AttributeValue } from "../attributes/AttributeValue";
import { useAttributes } from "../attributes/useAttributes";
import { namedAttributes } from "../attributes/value";
import { Bubbles, Countdown } from "../inbox/Bubbles";
import { ContactAddresses } from "./ContactAddresses";
import { ConsentDialog, ContactConsent, type Decision } from "./ContactConsent";
import { ContactTimeline } from "./ContactTimeline";
import { ContactTools } from "./ContactTools";
import { ContactTopics } from "./ContactTopics";
import { WriteButton } from "./WriteButton";

const ContactDocument = graphql(`
  query Contact($id: ID!) {
    contact(id: $id) {
      id
      revision
      name
      address
      displayAddress
      region
      locale
      timeZone
      timeZoneSource
      attributes
      consentStatus
      consentAt
      reachable
      unreachableReason
      unreachableUntil
      marketingEligible
      ineligibleReason
      ineligibleUntil
      sessionWindow {
        open
        expiresAt
      }
      createdAt
      tags
      ...ContactAddresses
      ...ContactConsent
      ...ContactTopics
      suppressions {
        id
        reason
        until
        createdAt
      }
      possibleDuplicates {
        id
        name
        address
        displayAddress
      }
      messages(first: 30) {
        nodes {
          ...Bubble
        }
      }
    }
  }
`);

const ContactUpdateDocument = graphql(`
  mutation ContactUpdate($input: ContactUpdateInput!) {
    contactUpdate(input: $input) {
      contact {
        id
        revision
        name
        locale
        timeZone
        timeZoneSource
        attributes
      }
      userErrors {
        field
        message
      }
    }
  }
`);

type Attribute = { key: string; value: string };

/** A value as the form shows it: text as it is, all else as JSON. */
const shown = (v: unknown) => (typeof v === "string" ? v : JSON.stringify(v));

/** What a person typed: numbers, yes/no, lists and objects as such where the value was one before or reads as one. */
function typedValue(text: string, before: unknown): unknown {
  if (typeof before === "string") return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The attributes to send: changed ones, and null for those taken away. */
function changed(before: Record<string, unknown>, after: Attribute[]): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const key of Object.keys(before)) if (!after.some((a) => a.key.trim() === key)) out[key] = null;
  for (const a of after) {
    const key = a.key.trim();
    if (key && !(key in before && shown(before[key]) === a.value)) out[key] = typedValue(a.value, before[key]);
  }
  return out;
}

const zoneSources: Record<string, string> = {
  DECLARED: "somebody said so",
  NUMBER: "the number stands for it",
  UNKNOWN: "not known: messages keep to hours that suit every zone of the country",
};

const marketing = (c: { marketingEligible: boolean; ineligibleUntil?: string | null }) =>
  c.marketingEligible
    ? "deliverable"
    : c.ineligibleUntil
      ? `declined by WhatsApp ${untilText(c.ineligibleUntil)}`
      : "WhatsApp delivers none to US numbers";

const toEnd = (view: HTMLElement | null) => view?.scrollTo({ top: view.scrollHeight });

export function ContactPage() {
  const { id } = useParams({ from: "/contacts/$id" });
  const may = useMay("MARKETER");
  const [{ data, error }, load] = useQuery({ query: ContactDocument, variables: { id } });
  const [, update] = useMutation(ContactUpdateDocument);
  const [asking, ask] = useState<Decision | null>(null);
  const [editing, edit] = useDisclosure();
  const known = useAttributes();
  const form = useForm({
    initialValues: { name: "", locale: "", timeZone: "", attributes: [] as Attribute[], revision: 0 },
  });
  if (error) return <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />;
  if (!data) return <Rows />;
  const c = data.contact;
  if (!c)
    return (
      <Empty icon="?" title="There is no such contact">
        It may have been erased.
      </Empty>
    );
  const attributes = Object.entries(c.attributes as Record<string, unknown>).sort(([a], [b]) => a.localeCompare(b));
  const rows = namedAttributes(c.attributes as Record<string, unknown>, known);
  return (
    <Page
      title={nameOf(c)}
      description={numberOf(c)}
      actions={
        may && (
          <>
            <WriteButton contact={c.id} />
            <Button
              variant="default"
              onClick={() => {
                form.setValues({
                  name: c.name,
                  locale: c.locale,
                  timeZone: c.timeZoneSource === "DECLARED" ? (c.timeZone ?? "") : "",
                  attributes: attributes.map(([key, value]) => ({ key, value: shown(value) })),
                  revision: c.revision,
                });
                edit.open();
              }}
            >
              Edit
            </Button>
            {c.consentStatus !== "OPTED_IN" && <Button onClick={() => ask("MARKETING OPTED_IN")}>Record opt-in</Button>}
            {c.consentStatus !== "OPTED_OUT" && (
              <Button color="red" variant="outline" onClick={() => ask("MARKETING OPTED_OUT")}>
                Opt out
              </Button>
            )}
          </>
        )
      }
    >
      <ConsentDialog contact={c} decision={asking} onClose={() => ask(null)} />
      <Modal opened={editing} onClose={edit.close} title="Edit contact">
        <form
          onSubmit={form.onSubmit(async (v) => {
            const input = {
              id,
              name: v.name,
              locale: v.locale,
              timeZone: v.timeZone,
              attributes: changed(c.attributes as Record<string, unknown>, v.attributes),
              expectedVersion: v.revision,
            };
            if (settled(await update({ input }))) edit.close();
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
            <TextInput label="Language" placeholder="de" {...form.getInputProps("locale")} />
            <Text size="sm" fw={500}>
              Attributes
            </Text>
            {form.values.attributes.map((_, i) => (
              <Group key={i} gap="xs" wrap="nowrap">
                <TextInput aria-label={`Attribute ${i + 1}`} {...form.getInputProps(`attributes.${i}.key`)} w={150} />
                <TextInput
                  aria-label={`Value of attribute ${i + 1}`}
                  flex={1}
                  {...form.getInputProps(`attributes.${i}.value`)}
                />
                <ActionIcon
                  variant="subtle"
                  color="gray"
                  aria-label={`Remove attribute ${i + 1}`}
                  onClick={() => form.removeListItem("attributes", i)}
                >
                  <IconTrash size={16} />
                </ActionIcon>
              </Group>
            ))}
            <Button
              size="xs"
              variant="default"
              onClick={() => form.insertListItem("attributes", { key: "", value: "" })}
            >
              Add an attribute
            </Button>
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
        <Alert
          color="red"
          title={`Not reachable on WhatsApp ${untilText(c.unreachableUntil)}${c.unreachableReason ? ` (${c.unreachableReason})` : ""}`}
        >
          Campaigns skip them until then; after that they are tried again.
        </Alert>
      )}
      {c.ineligibleUntil && (
        <Alert
          color="yellow"
          title={`No marketing ${untilText(c.ineligibleUntil)}${c.ineligibleReason ? ` (${c.ineligibleReason})` : ""}`}
        >
          WhatsApp declined marketing to them. Marketing campaigns skip them until then; other messages go.
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
                ["Country", c.region ? `${flag(c.region)} ${country(c.region)}` : "–"],
                ["Time zone", `${c.timeZone ?? "unknown"} (${zoneSources[c.timeZoneSource]})`],
                ["Marketing", marketing(c)],
                [
                  "24-hour window",
                  c.sessionWindow.open && c.sessionWindow.expiresAt ? (
                    <Countdown key="w" until={c.sessionWindow.expiresAt} />
                  ) : (
                    "closed: only approved templates"
                  ),
                ],
                ["Language", languageName(c.locale) || "unknown"],
                [
                  "Tags",
                  c.tags.length ? (
                    <Group key="t" gap={4}>
                      {c.tags.map((t) => (
                        <Badge key={t} variant="light" tt="none">
                          {t}
                        </Badge>
                      ))}
                    </Group>
                  ) : (
                    "none"
                  ),
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
          {rows.length === 0 ? (
            <Text c="dimmed" size="sm">
              None
            </Text>
          ) : (
            <Table withRowBorders={false} verticalSpacing={4}>
              <Table.Tbody>
                {rows.map(({ key, value, name, type }) => (
                  <Table.Tr key={key}>
                    <Table.Td c="dimmed" w={140} title={key}>
                      {name}
                    </Table.Td>
                    <Table.Td style={{ overflowWrap: "anywhere" }}>
                      <AttributeValue value={value} type={type} />
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          )}
        </Card>
        <Stack>
          <ContactConsent contact={c} onRecord={may ? ask : undefined} />
          <ContactAddresses contact={c} />
          <ContactTopics contact={c} />
        </Stack>
      </SimpleGrid>
      {may && <ContactTools contact={c} onChanged={() => load({ requestPolicy: "network-only" })} />}
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Card>
          <Title order={2} size="h4" mb="sm">
            Conversation
          </Title>
          <div className="thread-box" ref={toEnd} {...scrollable("Messages")}>
            <div className="thread">
              <Bubbles messages={c.messages.nodes.filter((m) => m.direction === "INBOUND" || m.body).toReversed()} />
            </div>
          </div>
        </Card>
        <ContactTimeline id={id} />
      </SimpleGrid>
    </Page>
  );
}
