import { t } from "@lingui/core/macro";
import { MultiSelect, Select, SimpleGrid } from "@mantine/core";
import type { ImportDateOrder, ImportNumbers } from "../../gql/graphql";
import { useTopics } from "../topics/useTopics";
import { CountrySelect } from "./CountrySelect";
import type { Options } from "./wizard";

type Props = { value: Options; onChange: (change: Partial<Options>) => void };

/** How a file is read where it does not tell by itself. What is asked elsewhere is left out. */
export function OptionsForm(props: Props & { asksNumbers: boolean; asksDates: boolean }) {
  const o = props.value;
  const topics = useTopics();
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }}>
      <CountrySelect {...props} />
      <Select
        label={t`Existing contacts`}
        description={t`Contacts are recognized by their number.`}
        value={o.mode}
        onChange={(v) => v && props.onChange({ mode: v })}
        data={[
          { value: "UPSERT", label: t`Add new and update existing` },
          { value: "CREATE_ONLY", label: t`Add new only` },
          { value: "UPDATE_ONLY", label: t`Update existing only` },
        ]}
        allowDeselect={false}
      />
      {!props.asksNumbers && (
        <Select
          label={t`Numbers without +`}
          description={t`A number that could be both is rejected.`}
          value={o.numbers ?? ""}
          onChange={(v) => props.onChange({ numbers: (v || null) as ImportNumbers | null })}
          data={[
            { value: "", label: t`Detect for each number` },
            { value: "NATIONAL", label: t`Without the country code` },
            { value: "INTERNATIONAL", label: t`With the country code` },
          ]}
          allowDeselect={false}
        />
      )}
      {!props.asksDates && (
        <Select
          label={t`Dates such as 03/04/2025`}
          description={t`Used where a column’s own dates do not tell.`}
          value={o.dateOrder ?? ""}
          onChange={(v) => props.onChange({ dateOrder: (v || null) as ImportDateOrder | null })}
          data={[
            { value: "", label: t`Detect for each column` },
            { value: "DAY_FIRST", label: t`Day first` },
            { value: "MONTH_FIRST", label: t`Month first` },
          ]}
          allowDeselect={false}
        />
      )}
      {topics.length > 0 && (
        <MultiSelect
          label={t`Subscribe everyone in this file to`}
          description={t`People who left a topic are not subscribed again.`}
          data={topics}
          value={o.topics}
          onChange={(v) => props.onChange({ topics: v })}
          clearable
        />
      )}
    </SimpleGrid>
  );
}
