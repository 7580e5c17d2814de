import { MultiSelect, Radio, Select, Stack, Textarea, TextInput } from "@mantine/core";
import type { ImportConsentSource, ImportMode } from "../../gql/graphql";
import { useTopics } from "../topics/useTopics";

/** How a file is read. */
export type Options = {
  mode: ImportMode;
  consent: ImportConsentSource;
  consentText: string;
  region: string;
  topics: string[];
};

export const firstOptions: Options = { mode: "UPSERT", consent: "COLUMNS", consentText: "", region: "", topics: [] };

/** As the API takes them. */
export const optionsInput = (o: Options) => ({
  mode: o.mode,
  consentSource: o.consent,
  consentText: o.consentText || null,
  defaultRegion: o.region || null,
  topicIds: o.topics,
});

export function OptionsForm(props: { value: Options; onChange: (o: Options) => void }) {
  const o = props.value;
  const topics = useTopics();
  const set = (change: Partial<Options>) => props.onChange({ ...o, ...change });
  return (
    <Stack>
      <Select
        label="Known contacts"
        value={o.mode}
        onChange={(v) => v && set({ mode: v })}
        data={[
          { value: "UPSERT", label: "Add new ones, update known ones" },
          { value: "CREATE_ONLY", label: "Add new ones, leave known ones as they are" },
          { value: "UPDATE_ONLY", label: "Update known ones only" },
        ]}
        allowDeselect={false}
      />
      <TextInput
        label="Country of national numbers"
        description="Two letters, where the row has no country of its own"
        placeholder="DE"
        value={o.region}
        onChange={(e) => set({ region: e.currentTarget.value.toUpperCase() })}
        maxLength={2}
        w={260}
      />
      <Radio.Group
        label="Consent"
        description="Who has not agreed gets no campaign. Nobody who opted out comes back without newer proof."
        value={o.consent}
        onChange={(v) => set({ consent: v as ImportConsentSource })}
      >
        <Stack gap="xs" mt="xs">
          <Radio value="COLUMNS" label="As the file's consent columns say, row by row" />
          <Radio value="ALL" label="Everybody in this file agreed" />
          <Radio value="NONE" label="Record none" />
        </Stack>
      </Radio.Group>
      {o.consent === "ALL" && (
        <Textarea
          label="What did they agree to, and where?"
          description="Kept as evidence with each contact"
          value={o.consentText}
          onChange={(e) => set({ consentText: e.currentTarget.value })}
        />
      )}
      {topics.length > 0 && (
        <MultiSelect
          label="Subscribe everybody in this file to"
          description="Who left a topic is not brought back. A column of topics counts beside it."
          data={topics}
          value={o.topics}
          onChange={(v) => set({ topics: v })}
          clearable
        />
      )}
    </Stack>
  );
}
