import { t } from "@lingui/core/macro";
import { Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { useEffect, useEffectEvent, useState } from "react";
import { useClient, useMutation } from "urql";
import { graphql } from "../../gql";
import { byField, settled } from "../../lib/errors";

const TestDocument = graphql(`
  mutation LiveTestSend($input: LiveTestSendInput!) {
    liveTestSend(input: $input) {
      userErrors {
        field
        message
      }
    }
  }
`);

const ProgressDocument = graphql(`
  query LiveTestProgress {
    goingLive {
      test {
        answeredAt
        message {
          id
          status
        }
      }
    }
  }
`);

const pause = 5000; // ms between two looks

/** Asks what became of a test, and tells of what is new, until the answer to it was seen or the page is left. */
function useProgress(waits: boolean, onNews: (answered: boolean) => void) {
  const client = useClient();
  const tell = useEffectEvent(onNews);
  useEffect(() => {
    if (!waits) return;
    let status: string | undefined;
    const look = async () => {
      const { data } = await client.query(ProgressDocument, {}, { requestPolicy: "network-only" });
      if (timer === undefined) return;
      timer = setTimeout(look, pause);
      const test = data?.goingLive.test;
      if (!test) return;
      const answered = Boolean(test.answeredAt);
      if (answered || test.message?.status !== status) tell(answered);
      status = test.message?.status;
    };
    let timer: ReturnType<typeof setTimeout> | undefined = setTimeout(look, pause);
    return () => {
      clearTimeout(timer);
      timer = undefined;
    };
  }, [waits, client]);
}

/** A message to one's own number: the phone writes first, so that nothing need be approved. */
export function OwnNumber({ onDone }: { onDone: () => void }) {
  const [{ fetching }, send] = useMutation(TestDocument);
  const [address, setAddress] = useState("");
  const [problem, setProblem] = useState("");
  const [waits, setWaits] = useState(false);
  useProgress(waits, (answered) => {
    if (answered) setWaits(false);
    onDone();
  });
  const submit = async () => {
    setProblem("");
    const result = await send({ input: { address } });
    if (result.error) return void settled(result);
    const { fields, rest } = byField(result.data?.liveTestSend.userErrors ?? [], ["address"]);
    setProblem(fields.address ?? rest);
    if (!fields.address && !rest) setWaits(true);
    onDone();
  };
  return (
    <Stack gap="sm" maw={520}>
      <Text size="sm" c="dimmed">
        {t`Write any word from your phone to one of the senders on WhatsApp. Then have it answered here, and answer that on your phone.`}
      </Text>
      <Group align="flex-end">
        <TextInput
          flex={1}
          label={t`Your own number`}
          placeholder="+4930123456"
          value={address}
          error={problem}
          onChange={(e) => setAddress(e.currentTarget.value)}
        />
        <Button loading={fetching} onClick={submit} mb={problem ? 24 : 0}>{t`Send the test`}</Button>
      </Group>
    </Stack>
  );
}
