import { t } from "@lingui/core/macro";
import { Button, Group } from "@mantine/core";
import { useState } from "react";
import { useMutation } from "urql";
import { NumberField } from "../../components/NumberField";
import { graphql } from "../../gql";
import { settled } from "../../lib/errors";
import { notifications } from "../../lib/notifications";

const CampaignRateDocument = graphql(`
    mutation CampaignRate($input: CampaignUpdateInput!) {
      campaignUpdate(input: $input) {
        campaign {
          id
          revision
          rateLimitPerSecond
        }
        userErrors {
          field
          message
        }
      }
    }
  `);

/** How fast it sends, while it does. */
export function Pace(props: { id: string; revision: number; rate: number | null }) {
  const [value, setValue] = useState<number | "">(props.rate ?? "");
  const [{ fetching }, update] = useMutation(CampaignRateDocument);
  return (
    <Group align="flex-end" gap="xs">
      <NumberField
        label={t`Messages a second`}
        description={t`Changes at once`}
        min={0.01}
        max={2000}
        value={value}
        onChange={(v) => setValue(v === "" ? "" : Number(v))}
        w={150}
      />
      <Button
        variant="default"
        loading={fetching}
        onClick={async () => {
          const rateLimitPerSecond = value === "" ? null : value;
          const input = { id: props.id, rateLimitPerSecond, expectedVersion: props.revision };
          if (settled(await update({ input }))) notifications.show({ message: t`Pace changed`, color: "green" });
        }}
      >{t`Set`}</Button>
    </Group>
  );
}
