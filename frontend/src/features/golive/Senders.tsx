import { t } from "@lingui/core/macro";
import { Badge, Button, Card, Code, Group, Modal, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { useMutation, useQuery } from "urql";
import { Failed } from "../../components/Failed";
import { Rows } from "../../components/ui";
import { graphql } from "../../gql";
import type { ChannelSendersQuery } from "../../gql/graphql";
import { settled } from "../../lib/errors";

const SendersDocument = graphql(`
  query ChannelSenders {
    channelSenders {
      sid
      address
      name
      status
      offlineReasons
      quality
      messagingLimit
      ours
      webhook {
        callbackUrl
        fallbackUrl
        version
      }
      wouldBe {
        callbackUrl
        fallbackUrl
      }
      sender {
        id
      }
      changed {
        id
        before {
          callbackUrl
          fallbackUrl
        }
      }
    }
  }
`);
const AddDocument = graphql(`
  mutation LiveSenderCreate($input: SenderCreateInput!) {
    senderCreate(input: $input) {
      sender {
        id
      }
      userErrors {
        field
        message
      }
    }
  }
`);
const SetDocument = graphql(`
  mutation ChannelSenderWebhookSet($input: ChannelSenderWebhookSetInput!) {
    channelSenderWebhookSet(input: $input) {
      channelSender {
        sid
      }
      userErrors {
        field
        message
      }
    }
  }
`);
const RestoreDocument = graphql(`
  mutation ChannelSenderWebhookRestore($input: ChannelSenderWebhookRestoreInput!) {
    channelSenderWebhookRestore(input: $input) {
      channelSender {
        sid
      }
      userErrors {
        field
        message
      }
    }
  }
`);

type Sender = ChannelSendersQuery["channelSenders"][number];

/** The senders of the account, read from Twilio, with where what people write to them goes. */
export function AccountSenders({ onDone }: { onDone: () => void }) {
  const [{ data, error }, load] = useQuery({ query: SendersDocument, requestPolicy: "cache-and-network" });
  const again = () => {
    load({ requestPolicy: "network-only" });
    onDone();
  };
  if (error && !data) return <Failed error={error} retry={again} />;
  if (!data) return <Rows />;
  return (
    <Stack gap="sm">
      {data.channelSenders.map((s) => (
        <One key={s.sid} of={s} onDone={again} />
      ))}
    </Stack>
  );
}

function One({ of: s, onDone }: { of: Sender; onDone: () => void }) {
  const [asking, setAsking] = useState<"set" | "restore">();
  const [{ fetching: adding }, add] = useMutation(AddDocument);
  const [{ fetching: setting }, set] = useMutation(SetDocument);
  const [{ fetching: restoring }, restore] = useMutation(RestoreDocument);
  const confirm = async () => {
    const result =
      asking === "set"
        ? await set({ input: { senderSid: s.sid, version: s.webhook.version } })
        : await restore({ input: { id: s.changed?.id ?? "", version: s.webhook.version } });
    settled(result);
    setAsking(undefined);
    onDone();
  };
  const next = asking === "set" ? s.wouldBe : s.changed?.before;
  return (
    <Card withBorder padding="sm">
      <Group justify="space-between" align="flex-start">
        <div>
          <Group gap="xs">
            <Text fw={550}>{s.address}</Text>
            <Badge color={s.status.startsWith("ONLINE") ? "green" : "red"} variant="light" autoContrast>
              {s.status}
            </Badge>
          </Group>
          <Text size="xs" c="dimmed">
            {[s.name, s.quality && t`Quality: ${s.quality}`, s.messagingLimit].filter(Boolean).join(" · ")}
          </Text>
          {s.offlineReasons.map((reason) => (
            <Text key={reason} size="xs" c="red">
              {reason}
            </Text>
          ))}
        </div>
        <Group gap="xs">
          {!s.sender && (
            <Button
              size="xs"
              loading={adding}
              onClick={async () => {
                settled(await add({ input: { address: s.address, displayName: s.name ?? s.address } }));
                onDone();
              }}
            >{t`Send from ${s.address}`}</Button>
          )}
          {!s.ours && (
            <Button
              size="xs"
              variant={s.sender ? "filled" : "default"}
              onClick={() => setAsking("set")}
            >{t`Set the webhook…`}</Button>
          )}
          {s.ours && s.changed && (
            <Button size="xs" variant="default" onClick={() => setAsking("restore")}>{t`Put the old one back…`}</Button>
          )}
        </Group>
      </Group>
      <Text size="xs" mt={6} style={{ overflowWrap: "anywhere" }}>
        {s.ours
          ? t`What people write comes here.`
          : s.webhook.callbackUrl
            ? t`What people write goes to ${s.webhook.callbackUrl}`
            : t`What people write goes nowhere.`}
      </Text>
      <Modal
        opened={asking !== undefined}
        onClose={() => setAsking(undefined)}
        size="lg"
        title={asking === "set" ? t`Set the webhook of ${s.address}?` : t`Put the old webhook of ${s.address} back?`}
      >
        <Stack>
          <Text size="sm">{t`Twilio will send what people write to another address. The present one is kept, and can be put back.`}</Text>
          <Address label={t`Now`} url={s.webhook.callbackUrl} />
          <Address label={t`Then`} url={next?.callbackUrl} />
          {s.webhook.fallbackUrl !== next?.fallbackUrl && (
            <>
              <Address label={t`What the first does not take, now`} url={s.webhook.fallbackUrl} />
              <Address label={t`What the first does not take, then`} url={next?.fallbackUrl} />
            </>
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={() => setAsking(undefined)}>{t`Leave it`}</Button>
            <Button loading={setting || restoring} onClick={confirm}>
              {asking === "set" ? t`Set the webhook` : t`Put it back`}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </Card>
  );
}

function Address({ label, url }: { label: string; url?: string | null }) {
  return (
    <div>
      <Text size="xs" c="dimmed">
        {label}
      </Text>
      <Code block style={{ overflowWrap: "anywhere", whiteSpace: "pre-wrap" }}>
        {url ?? t`nowhere`}
      </Code>
    </div>
  );
}
