import { t } from "@lingui/core/macro";
import { Button, Card, Group, Text, Timeline, Title } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useQuery } from "urql";
import { Failed } from "../../components/Failed";
import { Rows } from "../../components/ui";
import { graphql } from "../../gql";
import { actionText } from "../../lib/actions";
import { consentText, moment, skipText, words } from "../../lib/format";
import { plainText } from "../../lib/whatsapp";

const TimelineDocument = graphql(`
  query ContactTimeline($id: ID!, $before: DateTime) {
    contact(id: $id) {
      id
      timeline(first: 30, before: $before) {
        at
        kind
        deliveryStatus
        errorCode
        button
        destination
        consentStatus
        consentPurpose
        consentSource
        action
        operator {
          id
          name
        }
        message {
          id
          direction
          purpose
          body
          status
          skipReason
          campaign {
            id
            name
          }
        }
      }
    }
  }
`);

/** All that happened with a contact: messages, delivery, consent, changes. */
export function ContactTimeline(props: { id: string }) {
  const [before, setBefore] = useState<string | null>(null);
  const [{ data, error, fetching }, load] = useQuery({
    query: TimelineDocument,
    variables: { id: props.id, before },
    requestPolicy: "cache-and-network",
  });
  if (error) return <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />;
  const rows = data?.contact?.timeline;
  return (
    <Card>
      <Group justify="space-between" mb="sm">
        <Title order={2} size="h4">{t`Timeline`}</Title>
        {before && <Button size="xs" variant="default" onClick={() => setBefore(null)}>{t`Newest`}</Button>}
      </Group>
      {!rows ? (
        <Rows n={4} />
      ) : rows.length === 0 ? (
        <Text size="sm" c="dimmed">
          {before ? t`Nothing before that.` : t`Nothing yet.`}
        </Text>
      ) : (
        <Timeline bulletSize={14} lineWidth={2} active={-1}>
          {rows.map((h, i) => {
            const m = h.message;
            const of = m?.campaign?.name ?? (m ? words(m.purpose) : "");
            const title =
              h.kind === "MESSAGE"
                ? m?.direction === "INBOUND"
                  ? t`Message received`
                  : m?.skipReason
                    ? t`Not sent: ${skipText(m.skipReason)}`
                    : t`Message: ${of}`
                : h.kind === "DELIVERY"
                  ? `${words(h.deliveryStatus ?? "")}${h.errorCode ? `, ${t`error ${h.errorCode}`}` : ""}`
                  : h.kind === "CLICK"
                    ? t`Opened the link “${h.button ?? ""}”`
                    : h.kind === "CONSENT"
                      ? consentText(h.consentStatus ?? "", h.consentPurpose ?? "", h.consentSource ?? "")
                      : actionText(h.action ?? "");
            return (
              <Timeline.Item key={`${h.at}${h.kind}${i}`} title={title} lineVariant="solid">
                {h.kind === "MESSAGE" && m?.body && (
                  <Text dir="auto" size="sm" style={{ overflowWrap: "anywhere" }} lineClamp={3}>
                    {plainText(m.body)}
                  </Text>
                )}
                {h.kind === "CLICK" && (
                  <Text size="sm" style={{ overflowWrap: "anywhere" }} lineClamp={2}>
                    {h.destination}
                  </Text>
                )}
                <Text size="xs" c="dimmed">
                  {h.kind === "MESSAGE" && m ? (
                    <Link to="/messages/$id" params={{ id: m.id }} className="plain">
                      {moment(h.at)}
                    </Link>
                  ) : (
                    moment(h.at)
                  )}
                  {(h.kind === "DELIVERY" || h.kind === "CLICK") && of ? ` · ${of}` : ""}
                  {h.operator ? ` · ${h.operator.name}` : ""}
                </Text>
              </Timeline.Item>
            );
          })}
        </Timeline>
      )}
      {rows?.length === 30 && (
        <Button
          mt="sm"
          size="xs"
          variant="default"
          loading={fetching}
          onClick={() => setBefore(rows[rows.length - 1]?.at ?? null)}
        >{t`Older`}</Button>
      )}
    </Card>
  );
}
