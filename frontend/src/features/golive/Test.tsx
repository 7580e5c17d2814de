import { t } from "@lingui/core/macro";
import { Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { useInterval } from "@mantine/hooks";
import { useEffect, useState } from "react";
import { useMutation } from "urql";
import { graphql } from "../../gql";
import { byField, settled } from "../../lib/errors";

const TestDocument = graphql(`
  mutation LiveTestSend($input: LiveTestSendInput!) {
    liveTestSend(input: $input) {
      test {
        message {
          id
        }
      }
      userErrors {
        field
        message
      }
    }
  }
`);

/** A message to one's own number: the phone writes first, so that nothing need be approved. */
export function OwnNumber({ answered, onDone }: { answered: boolean; onDone: () => void }) {
  const [{ fetching }, send] = useMutation(TestDocument);
  const [address, setAddress] = useState("");
  const [problem, setProblem] = useState("");
  const [sent, setSent] = useState(false);
  const { start, stop } = useInterval(onDone, 5000);
  const waits = sent && !answered;
  useEffect(() => {
    if (waits) start(); // until the answer was seen, or the page is left
    return stop;
  }, [waits, start, stop]);
  const submit = async () => {
    setProblem("");
    const result = await send({ input: { address } });
    if (result.error) return void settled(result);
    const { fields, rest } = byField(result.data?.liveTestSend.userErrors ?? [], ["address"]);
    setProblem(fields.address ?? rest);
    if (!fields.address && !rest) setSent(true);
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
