import { t } from "@lingui/core/macro";
import { ActionIcon, Badge, Group, Stack, Text, Title } from "@mantine/core";
import { IconX } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { useQuery } from "urql";
import { useMay } from "../../app/session";
import { Failed } from "../../components/Failed";
import { WaitingBadge } from "../../components/OptInRequest";
import { nameOf } from "../../components/Person";
import { LinkButton, Rows, Status } from "../../components/ui";
import { graphql } from "../../gql";
import type { ContactCardQuery } from "../../gql/graphql";
import { age, country, languageName, midSentence, moment, words, zoneText } from "../../lib/format";
import { locale } from "../../lib/language";
import { real } from "../../lib/node";
import { AttributeValue } from "../attributes/AttributeValue";
import { useAttributes } from "../attributes/useAttributes";
import { namedAttributes } from "../attributes/value";
import { ConsentButtons } from "../contacts/ConsentButtons";
import { ConsentDialog, type Decision } from "../contacts/ContactConsent";
import { useNow } from "./Bubbles";

const ContactCardDocument = graphql(`
  query ContactCard($id: ID!) {
    node(id: $id) {
      ... on Conversation {
        id
        contact {
          id
          name
          displayAddress
          region
          locale
          timeZone
          attributes
          tags
          consentStatus
          consentAt
          consents {
            purpose
            status
            since
          }
          optInRequest {
            ...OptInRequestState
          }
          suppressions {
            id
            reason
          }
          topics {
            topic {
              id
              name
            }
            status
          }
          messages(first: 50) {
            nodes {
              id
              status
              createdAt
              campaign {
                id
                name
              }
            }
          }
        }
      }
    }
  }
`);

type Card = NonNullable<NonNullable<Extract<ContactCardQuery["node"], { __typename: "Conversation" }>>["contact"]>;

/** "2:05 PM, Tuesday" where they live */
function localTime(zone: string, now: number): string {
  try {
    return new Intl.DateTimeFormat(locale, {
      weekday: "long",
      hour: "numeric",
      minute: "2-digit",
      timeZone: zone,
    }).format(now);
  } catch {
    return ""; // a zone that this browser does not know
  }
}

/** The last campaigns that they got, each once. */
const campaignsOf = (c: Card) =>
  c.messages.nodes
    .filter((m, i, all) => m.campaign && all.findIndex((x) => x.campaign?.id === m.campaign?.id) === i)
    .slice(0, 5);

/** Who a conversation is with. */
export function ContactCard(props: { conversation: string; onClose: () => void }) {
  const may = useMay("MARKETER");
  const now = useNow(20);
  const [asking, ask] = useState<Decision | null>(null);
  const [{ data, error }, load] = useQuery({ query: ContactCardDocument, variables: { id: props.conversation } });
  const c = real(data?.node, "Conversation")?.contact;
  return (
    <aside className="inbox-pane inbox-card" aria-label={t`Contact`}>
      <div className="inbox-head">
        <Title order={2} size="h5" flex={1}>{t`Contact`}</Title>
        <ActionIcon variant="subtle" color="gray" aria-label={t`Hide the contact`} onClick={props.onClose}>
          <IconX size={18} />
        </ActionIcon>
      </div>
      <div className="inbox-scroll">
        {error && !c ? (
          <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />
        ) : !c ? (
          <Stack p="md">
            <Rows n={5} />
          </Stack>
        ) : (
          <div className="inbox-card-body">
            <ConsentDialog contact={c} decision={asking} onClose={() => ask(null)} />
            <div>
              <Text fw={600}>{nameOf(c)}</Text>
              {c.name && (
                <Text size="sm" c="dimmed">
                  {c.displayAddress}
                </Text>
              )}
            </div>
            <Part title={t`Consent`}>
              <Group gap="xs">
                <Status value={c.consentStatus} />
                {c.consentAt && (
                  <Text size="xs" c="dimmed" title={moment(c.consentAt)}>
                    {c.consentStatus === "UNKNOWN" ? "" : `${age(c.consentAt, now)}`}
                  </Text>
                )}
                <WaitingBadge of={c.optInRequest} />
              </Group>
              {c.suppressions.map((s) => (
                <Text key={s.id} size="xs" c="red" mt={4}>{t`Suppressed: ${midSentence(words(s.reason))}`}</Text>
              ))}
              {may && <ConsentButtons purpose="MARKETING" status={c.consentStatus} onRecord={ask} mt="xs" />}
            </Part>
            <Part title={t`Profile`}>
              <Facts
                of={[
                  [t`Local time`, c.timeZone && localTime(c.timeZone, now)],
                  [t`Time zone`, c.timeZone && zoneText(c.timeZone)],
                  [t`Country`, country(c.region)],
                  [t`Language`, languageName(c.locale)],
                ]}
              />
            </Part>
            {c.tags.length > 0 && (
              <Part title={t`Tags`}>
                <Chips of={c.tags} />
              </Part>
            )}
            <Attributes of={c} />
            {c.topics.length > 0 && (
              <Part title={t`Topics`}>
                <Facts of={c.topics.map((topic) => [topic.topic.name, words(topic.status)])} />
              </Part>
            )}
            <Part title={t`Last campaigns`}>
              {campaignsOf(c).length === 0 ? (
                <Text size="sm" c="dimmed">{t`No recent campaigns.`}</Text>
              ) : (
                <Stack gap={6}>
                  {campaignsOf(c).map((m) => (
                    <Group key={m.id} gap="xs" wrap="nowrap" justify="space-between">
                      <Text size="sm" truncate>
                        <Link to="/campaigns/$id" params={{ id: m.campaign?.id ?? "" }} className="plain">
                          {m.campaign?.name}
                        </Link>
                      </Text>
                      <Text size="xs" c="dimmed" title={moment(m.createdAt)} style={{ flex: "none" }}>
                        {words(m.status)} · {age(m.createdAt, now)}
                      </Text>
                    </Group>
                  ))}
                </Stack>
              )}
            </Part>
            <LinkButton
              to="/contacts/$id"
              params={{ id: c.id }}
              variant="default"
              size="xs"
            >{t`Open the contact`}</LinkButton>
          </div>
        )}
      </div>
    </aside>
  );
}

function Part(props: { title: string; children: ReactNode }) {
  return (
    <section>
      <Title order={3} fz="xs" c="dimmed" mb={6}>
        {props.title}
      </Title>
      {props.children}
    </section>
  );
}

function Facts(props: { of: [string, ReactNode][] }) {
  const known = props.of.filter(([, value]) => value);
  if (known.length === 0) return <Text size="sm" c="dimmed">{t`Nothing is known.`}</Text>;
  return (
    <dl className="inbox-fact">
      {known.map(([name, value]) => (
        <div key={name} style={{ display: "contents" }}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Chips(props: { of: readonly string[] }) {
  return (
    <Group gap={4}>
      {props.of.map((topic) => (
        <Badge key={topic} variant="light" tt="none" fw={500} maw="100%">
          {topic}
        </Badge>
      ))}
    </Group>
  );
}

function Attributes(props: { of: Card }) {
  const rows = namedAttributes(props.of.attributes as Record<string, unknown>, useAttributes());
  if (rows.length === 0) return null;
  return (
    <Part title={t`Attributes`}>
      <Facts of={rows.map((r) => [r.name, <AttributeValue key={r.key} value={r.value} type={r.type} />])} />
    </Part>
  );
}
