import { t } from "@lingui/core/macro";
import { Button, Group, Stack, TagsInput } from "@mantine/core";
import { useState } from "react";
import { useMutation, useQuery } from "urql";
import { graphql } from "../../gql";
import { errorText, payloadOf, sentences } from "../../lib/errors";
import { CampaignLabelsDocument } from "./Labels";

const CampaignLabelDocument = graphql(`
  mutation CampaignLabel($input: CampaignLabelInput!) {
    campaignLabel(input: $input) {
      campaign {
        id
        revision
        labels
      }
      userErrors {
        message
      }
    }
  }
`);

/** All labels of a campaign, made by typing. */
export function LabelForm(props: { id: string; labels: readonly string[]; onDone: () => void }) {
  const [labels, setLabels] = useState<string[]>([...props.labels]);
  const [problem, setProblem] = useState("");
  const [{ data }] = useQuery({ query: CampaignLabelsDocument });
  const [{ fetching }, save] = useMutation(CampaignLabelDocument);
  return (
    <Stack>
      <TagsInput
        label={t`Labels of this campaign`}
        description={t`At most ten, each of at most 40 characters. Enter adds what is typed.`}
        data={data?.campaignLabels.map((l) => l.name) ?? []}
        value={labels}
        onChange={(v) => {
          setProblem("");
          setLabels(v);
        }}
        maxTags={10}
        acceptValueOnBlur
        clearable
        error={problem}
        data-autofocus
      />
      <Group justify="flex-end">
        <Button
          loading={fetching}
          onClick={async () => {
            const result = await save({ input: { id: props.id, labels } });
            if (result.error) return setProblem(errorText(result.error));
            const errors = payloadOf(result.data)?.userErrors ?? [];
            if (errors.length) return setProblem(sentences(errors));
            props.onDone();
          }}
        >{t`Save labels`}</Button>
      </Group>
    </Stack>
  );
}
