import { t } from "@lingui/core/macro";
import { TagsInput } from "@mantine/core";

/** Several values of a condition. */
export const Values = (props: { samples: string[]; value: string[]; onChange: (value: string[]) => void }) => (
  <TagsInput
    aria-label={t`Values`}
    data={props.samples}
    value={props.value}
    onChange={props.onChange}
    placeholder={t`Enter adds one`}
  />
);
