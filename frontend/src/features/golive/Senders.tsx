import { plural, t } from "@lingui/core/macro";
import { Button, Card, Code, Group, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { useMutation, useQuery } from "urql";
import { Dialog } from "../../components/Dialog";
import { Failed } from "../../components/Failed";
import { Rows, Status } from "../../components/ui";
import { graphql } from "../../gql";
import type { ChannelSendersQuery } from "../../gql/graphql";
import { settled } from "../../lib/errors";
import { midSentence, words } from "../../lib/format";
import { SenderCreateDocument } from "../settings/senders";
import { useRound } from "./round";

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
const SetDocument = graphql(`
  mutation ChannelSenderWebhookSet($input: ChannelSenderWebhookSetInput!) {
    channelSenderWebhookSet(input: $input) {
      userErrors {
        message
      }
    }
  }
`);
const RestoreDocument = graphql(`
  mutation ChannelSenderWebhookRestore($input: ChannelSenderWebhookRestoreInput!) {
    channelSenderWebhookRestore(input: $input) {
      userErrors {
        message
      }
    }
  }
`);

type Sender = ChannelSendersQuery["channelSenders"][number];

/** How many people it may write to first within a day: Twilio says "1K Customers/24hr". */
function limitText(limit: string): string {
  const [, n, thousands] = /^(\d+)(K?) Customers\/24hr$/i.exec(limit) ?? [];
  if (/^unlimited/i.test(limit)) return t`Limit: none on new contacts`;
  if (n === undefined) return t`Limit: ${limit}`;
  return plural(Number(n) * (thousands ? 1000 : 1), {
    one: "Limit: # new contact in 24 hours",
    other: "Limit: # new contacts in 24 hours",
  });
}

/** The senders of the account, read from Twilio, with where what people write to them goes. */
export function AccountSenders({ round, onDone }: { round: number; onDone: () => void }) {
  const [{ data, error }, load] = useQuery({ query: SendersDocument, requestPolicy: "cache-and-network" });
  useRound(round, () => load({ requestPolicy: "network-only" }));
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
  const [{ fetching: adding }, add] = useMutation(SenderCreateDocument);
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
            <Status value={s.status} />
          </Group>
          <Text size="xs" c="dimmed">
            {[
              s.name,
              s.quality && t`Quality: ${midSentence(words(s.quality))}`,
              s.messagingLimit && limitText(s.messagingLimit),
            ]
              .filter(Boolean)
              .join(" · ")}
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
            <Button
              size="xs"
              variant="default"
              h="auto"
              py={6}
              styles={{ label: { whiteSpace: "normal" } }}
              onClick={() => setAsking("restore")}
            >{t`Restore the previous webhook…`}</Button>
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
      <Dialog
        opened={asking !== undefined}
        onClose={() => setAsking(undefined)}
        size="lg"
        title={
          asking === "set" ? t`Set the webhook of ${s.address}?` : t`Restore the previous webhook of ${s.address}?`
        }
      >
        <Stack>
          <Text size="sm">{t`Twilio will send what people write to another address. The present one is kept and can be restored.`}</Text>
          <Text size="sm">{t`Twilio applies the change a little later. Until then, messages still go to the present address.`}</Text>
          <Address label={t`Now`} url={s.webhook.callbackUrl} />
          <Address label={t`Then`} url={next?.callbackUrl} />
          {s.webhook.fallbackUrl !== next?.fallbackUrl && (
            <>
              <Address label={t`Fallback address, now`} url={s.webhook.fallbackUrl} />
              <Address label={t`Fallback address, then`} url={next?.fallbackUrl} />
            </>
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={() => setAsking(undefined)}>{t`Cancel`}</Button>
            <Button loading={setting || restoring} onClick={confirm}>
              {asking === "set" ? t`Set the webhook` : t`Restore`}
            </Button>
          </Group>
        </Stack>
      </Dialog>
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
