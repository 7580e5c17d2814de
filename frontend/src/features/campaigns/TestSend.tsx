import { t } from "@lingui/core/macro";
import { Select, Stack } from "@mantine/core";
import { useState } from "react";
import { useMutation } from "urql";
import { TestRecipients } from "../../components/TestRecipients";
import { graphql } from "../../gql";
import { problemOf } from "../../lib/errors";

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

/** Sends the campaign's template to the team or to one contact, outside its numbers. */
export function TestSend(props: { id: string; variants: readonly { label: string }[]; onDone: () => void }) {
  const [variant, setVariant] = useState(props.variants[0]?.label ?? null);
  const [, send] = useMutation(CampaignTestSendDocument);
  return (
    <Stack>
      {variant && (
        <Select
          label={t`Variant`}
          allowDeselect={false}
          data={props.variants.map((v) => v.label)}
          value={variant}
          onChange={(v) => v && setVariant(v)}
        />
      )}
      <TestRecipients
        send={async (contactId) => problemOf(await send({ input: { id: props.id, contactId, variant } }))}
        onDone={props.onDone}
      />
    </Stack>
  );
}
