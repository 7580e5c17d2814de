import { t } from "@lingui/core/macro";
import { Alert, Button, Group, Select, Stack, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useState } from "react";
import { useClient, useMutation } from "urql";
import { nameOf } from "../../components/Person";
import { graphql } from "../../gql";
import { errorText, payloadOf, sentences } from "../../lib/errors";

const WhoDocument = graphql(`
  query TestSendContact($address: String!) {
    contact(address: $address) {
      id
      name
      displayAddress
    }
  }
`);

const CampaignTestSendDocument = graphql(`
  mutation CampaignTestSend($input: CampaignTestSendInput!) {
    campaignTestSend(input: $input) {
      message {
        id
      }
      userErrors {
        message
      }
    }
  }
`);

/** Sends the campaign's template to one contact, outside its numbers. */
export function TestSend(props: { id: string; variants: readonly { label: string }[]; onDone: () => void }) {
  const client = useClient();
  const [address, setAddress] = useState("");
  const [variant, setVariant] = useState(props.variants[0]?.label ?? null);
  const [problem, setProblem] = useState("");
  const [{ fetching }, send] = useMutation(CampaignTestSendDocument);
  const go = async () => {
    setProblem("");
    const found = await client.query(WhoDocument, { address }).toPromise();
    if (found.error) return setProblem(errorText(found.error));
    const contact = found.data?.contact;
    if (!contact) return setProblem(t`There is no contact ${address}: add them first.`);
    const result = await send({ input: { id: props.id, contactId: contact.id, variant } });
    if (result.error) return setProblem(errorText(result.error));
    const errors = payloadOf(result.data)?.userErrors ?? [];
    if (errors.length) return setProblem(sentences(errors));
    notifications.show({ message: t`On its way to ${nameOf(contact)}`, color: "green" });
    props.onDone();
  };
  return (
    <Stack>
      {problem && (
        <Alert color="red" role="alert">
          {problem}
        </Alert>
      )}
      {variant && (
        <Select
          label={t`Variant`}
          allowDeselect={false}
          data={props.variants.map((v) => v.label)}
          value={variant}
          onChange={(v) => v && setVariant(v)}
        />
      )}
      <TextInput
        label={t`Number`}
        description={t`Of a contact who opted in`}
        placeholder="+49 151 12345678"
        value={address}
        onChange={(e) => setAddress(e.currentTarget.value)}
        data-autofocus
      />
      <Group justify="flex-end">
        <Button onClick={go} loading={fetching} disabled={!address.trim()}>{t`Send`}</Button>
      </Group>
    </Stack>
  );
}
