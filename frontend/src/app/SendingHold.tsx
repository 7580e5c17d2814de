import { t } from "@lingui/core/macro";
import { Alert, Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { useDisclosure, useInterval } from "@mantine/hooks";
import { IconHandStop } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { useMutation, useQuery } from "urql";
import { Dialog } from "../components/Dialog";
import { graphql } from "../gql";
import { byField, payloadOf, settled } from "../lib/errors";
import { localInput, moment, momentOf, noMoment } from "../lib/format";
import { useMay } from "./session";

const HoldDocument = graphql(`
  query SendingHold {
    sendingHold {
      backupAt
      endsAt
      notice
    }
  }
`);

const ReleaseDocument = graphql(`
  mutation SendingRelease($input: SendingReleaseInput!) {
    sendingRelease(input: $input) {
      hold {
        endsAt
      }
      userErrors {
        field
        message
      }
    }
  }
`);

/** Stands above every page of a restored installation until it sends. */
export function SendingHold() {
  const [{ data }, load] = useQuery({ query: HoldDocument, requestPolicy: "cache-and-network" });
  const [opened, { open, close }] = useDisclosure();
  const may = useMay("ADMIN");
  const hold = data?.sendingHold;
  const held = Boolean(hold);
  const { start, stop } = useInterval(() => load({ requestPolicy: "network-only" }), 15_000);
  useEffect(() => {
    if (held) start(); // it ends by itself; none begins while an installation runs
    return stop;
  }, [held, start, stop]);
  if (!hold) return null;
  return (
    <Alert
      color="orange"
      icon={<IconHandStop />}
      title={t`Sending is on hold`}
      mb="md"
      styles={{ title: { color: "var(--mantine-color-text)" } }}
    >
      <Stack gap="xs" align="flex-start">
        <Text size="sm">{t`This installation was restored from a backup of ${moment(hold.backupAt)}. Campaigns, replies, confirmations and tests wait, because the original may have sent some of them since.`}</Text>
        {hold.notice && <Text size="sm">{hold.notice}</Text>}
        {hold.endsAt ? (
          <Text size="sm">{t`The original is stopped. Sending begins after ${moment(hold.endsAt)}, as soon as Twilio's log shows what the original sent.`}</Text>
        ) : may ? (
          <Button size="xs" variant="default" onClick={open}>{t`The original is stopped…`}</Button>
        ) : (
          <Text size="sm">{t`An admin can say here when the original is stopped.`}</Text>
        )}
      </Stack>
      <Dialog opened={opened} onClose={close} title={t`Since when is the original stopped?`}>
        <Release close={close} />
      </Dialog>
    </Alert>
  );
}

function Release({ close }: { close: () => void }) {
  const [opened] = useState(() => new Date());
  const [at, setAt] = useState(() => localInput(opened, "second"));
  const [wrong, setWrong] = useState("");
  const [{ fetching }, release] = useMutation(ReleaseDocument);
  return (
    <form
      onSubmit={async (e) => {
        e.preventDefault();
        const originalStoppedAt = momentOf(at, opened.toISOString(), "second");
        if (!originalStoppedAt) return setWrong(noMoment(at));
        const result = await release({ input: { originalStoppedAt } });
        const { fields } = byField(payloadOf(result.data)?.userErrors ?? [], ["originalStoppedAt"]);
        setWrong(fields.originalStoppedAt ?? "");
        if (!fields.originalStoppedAt && settled(result)) close();
      }}
    >
      <Stack>
        <Text size="sm">{t`Make sure that no server and no worker of the original runs any more, and that nobody will start one. What Twilio's log shows after this moment keeps sending held.`}</Text>
        <TextInput
          type="datetime-local"
          step={1}
          label={t`Stopped since`}
          description={t`In your time. The earlier it was, the sooner sending begins.`}
          required
          value={at}
          onChange={(e) => setAt(e.currentTarget.value)}
          error={wrong}
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>{t`Cancel`}</Button>
          <Button type="submit" loading={fetching}>{t`It is stopped`}</Button>
        </Group>
      </Stack>
    </form>
  );
}
