import { t } from "@lingui/core/macro";
import { Alert, Badge, Button, Card, Grid, Group, Stack, Table, Text, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useParams } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { useQuery } from "urql";
import { useMay } from "../../app/session";
import { Failed } from "../../components/Failed";
import { nameOf, numberOf } from "../../components/Person";
import { Missing, Page, Rows, Status, scrollable } from "../../components/ui";
import { graphql } from "../../gql";
import { country, flag, languageName, moment, untilText, zoneText } from "../../lib/format";
import { AttributeValue } from "../attributes/AttributeValue";
import { useAttributes } from "../attributes/useAttributes";
import { namedAttributes } from "../attributes/value";
import { Bubbles, Countdown } from "../inbox/Bubbles";
import { ContactAddresses } from "./ContactAddresses";
import { ConsentDialog, ContactConsent, type Decision } from "./ContactConsent";
import { ContactMenu, type Tool } from "./ContactMenu";
import { ContactTimeline } from "./ContactTimeline";
import { ContactTools } from "./ContactTools";
import { ContactTopics } from "./ContactTopics";
import { WriteButton } from "./WriteButton";

// The fields are there before the form that changes them.
const ContactEdit = lazy(async () => ({ default: (await import("./ContactEdit")).ContactEdit }));

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

const zoneSources: Record<string, string> = {
  DECLARED: t`as declared`,
  NUMBER: t`from the number`,
};

const refusedMarketing = (c: { ineligibleUntil?: string | null }) =>
  c.ineligibleUntil ? t`Declined by WhatsApp ${untilText(c.ineligibleUntil)}` : t`WhatsApp delivers none to US numbers`;

const withReason = (text: string, reason: string | null | undefined) => (reason ? `${text} (${reason})` : text);

const toEnd = (view: HTMLElement | null) => view?.scrollTo({ top: view.scrollHeight });

export function ContactPage() {
  const { id } = useParams({ from: "/contacts/$id" });
  const may = useMay("MARKETER");
  const [{ data, error }, load] = useQuery({ query: ContactDocument, variables: { id } });
  const [asking, ask] = useState<Decision | null>(null);
  const [editing, edit] = useDisclosure();
  const [tool, take] = useState<Tool | null>(null);
  const known = useAttributes();
  if (error) return <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />;
  if (!data) return <Rows />;
  const c = data.contact;
  if (!c) return <Missing title={t`Contact not found`}>{t`It may have been erased.`}</Missing>;
  const rows = namedAttributes(c.attributes as Record<string, unknown>, known);
  return (
    <Page
      up={{ to: "/contacts", label: t`Contacts` }}
      title={nameOf(c)}
      description={
        <Group gap="xs">
          {numberOf(c)}
          <Status value={c.consentStatus} />
        </Group>
      }
      actions={
        may && (
          <>
            <WriteButton contact={c.id} />
            <Button variant="default" onClick={edit.open}>{t`Edit`}</Button>
            <ContactMenu contact={c} onConsent={ask} onTool={take} />
          </>
        )
      }
    >
      <ConsentDialog contact={c} decision={asking} onClose={() => ask(null)} />
      <Suspense>{editing && <ContactEdit contact={c} known={known} onClose={edit.close} />}</Suspense>
      {!c.reachable && (
        <Alert
          color="red"
          title={withReason(t`Not reachable on WhatsApp ${untilText(c.unreachableUntil)}`, c.unreachableReason)}
        >{t`Campaigns skip them until then; after that they are tried again.`}</Alert>
      )}
      {c.ineligibleUntil && (
        <Alert
          color="yellow"
          title={withReason(t`No marketing ${untilText(c.ineligibleUntil)}`, c.ineligibleReason)}
        >{t`WhatsApp declined marketing to them. Marketing campaigns skip them until then; other messages go.`}</Alert>
      )}
      {may && (
        <ContactTools contact={c} tool={tool} onTool={take} onChanged={() => load({ requestPolicy: "network-only" })} />
      )}
      <Grid>
        <Grid.Col span={{ base: 12, md: 7 }}>
          <Stack>
            <Card>
              <Title order={2} size="h4" mb="sm">{t`Conversation`}</Title>
              <div className="thread-box" ref={toEnd} {...scrollable(t`Messages`)}>
                <div className="thread">
                  <Bubbles
                    messages={c.messages.nodes
                      .filter((m) => m.direction === "INBOUND" || m.body || m.media.length > 0)
                      .toReversed()}
                  />
                </div>
              </div>
            </Card>
            <ContactTimeline id={id} />
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 5 }}>
          <Stack>
            <Card>
              <Title order={2} size="h4" mb="sm">{t`Profile`}</Title>
              <Table withRowBorders={false} verticalSpacing={4} horizontalSpacing={0} highlightOnHover={false}>
                <Table.Tbody>
                  {[
                    [t`Country`, c.region ? `${flag(c.region)} ${country(c.region)}` : "–"],
                    [
                      t`Time zone`,
                      c.timeZone
                        ? withReason(zoneText(c.timeZone), zoneSources[c.timeZoneSource])
                        : t`Unknown: messages keep to hours that suit every zone of the country`,
                    ],
                    ...(c.marketingEligible ? [] : [[t`Marketing`, refusedMarketing(c)]]),
                    [
                      t`24-hour window`,
                      c.sessionWindow.open && c.sessionWindow.expiresAt ? (
                        <Countdown key="w" until={c.sessionWindow.expiresAt} />
                      ) : (
                        t`Closed: only approved templates`
                      ),
                    ],
                    [t`Language`, languageName(c.locale) || t`Unknown`],
                    [
                      t`Tags`,
                      c.tags.length ? (
                        <Group key="t" gap={4}>
                          {c.tags.map((tag) => (
                            <Badge key={tag} variant="light" tt="none">
                              {tag}
                            </Badge>
                          ))}
                        </Group>
                      ) : (
                        t`None`
                      ),
                    ],
                    [t`Added`, moment(c.createdAt)],
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
              <Title order={3} size="h5" mt="md" mb="xs">{t`Attributes`}</Title>
              {rows.length === 0 ? (
                <Text c="dimmed" size="sm">{t`None`}</Text>
              ) : (
                <Table withRowBorders={false} verticalSpacing={4} horizontalSpacing={0} highlightOnHover={false}>
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
            <ContactConsent contact={c} onRecord={may ? ask : undefined} />
            <ContactTopics contact={c} />
            <ContactAddresses contact={c} />
          </Stack>
        </Grid.Col>
      </Grid>
    </Page>
  );
}
