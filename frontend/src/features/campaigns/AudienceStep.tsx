import { t } from "@lingui/core/macro";
import { Select, Stack, TextInput } from "@mantine/core";
import { NumberField } from "../../components/NumberField";
import { SearchSelect } from "../../components/SearchSelect";
import { count, percentSign } from "../../lib/format";
import { SegmentChoicesDocument } from "../segments/choices";
import { useTopics } from "../topics/useTopics";
import type { Draft } from "./draft";
import { SegmentDrawer } from "./MakeHere";

export type StepProps = {
  draft: Draft;
  errors: Record<string, string>;
  onChange: (changed: Partial<Draft>) => void;
};

/** Who gets it. */
export function AudienceStep(props: StepProps) {
  const { draft: d, errors, onChange } = props;
  const topics = useTopics();
  return (
    <Stack>
      <TextInput
        label={t`Name`}
        description={t`For you and your colleagues`}
        value={d.name}
        onChange={(e) => onChange({ name: e.currentTarget.value })}
        error={errors.name}
        maxLength={150}
      />
      <SearchSelect
        document={SegmentChoicesDocument}
        label={t`Segment`}
        placeholder={t`Choose a segment`}
        shown={(s) => `${s.name} · ${count(s.lastCount)}`}
        value={d.segmentId}
        onChange={(segmentId) => onChange({ segmentId })}
        error={errors.segmentId}
        nothingFoundMessage={t`No segment with that name`}
      />
      <SegmentDrawer onMade={(segmentId) => onChange({ segmentId })} />
      {topics.length > 0 && (
        <Select
          label={t`Topic`}
          description={t`Only subscribers of the topic get it. Leave empty for the whole segment`}
          placeholder={t`None`}
          searchable
          clearable
          data={topics}
          value={d.topicId}
          onChange={(topicId) => onChange({ topicId })}
          error={errors.topicId}
        />
      )}
      <NumberField
        label={t`Holdout`}
        description={t`A random share that gets no message, to measure what the campaign changed. 0 to 50%; leave empty for none`}
        suffix={percentSign}
        decimalScale={2}
        value={d.holdout}
        onChange={(holdout) => onChange({ holdout })}
        error={errors.holdoutPercent}
        w={340}
        maw="100%"
      />
    </Stack>
  );
}
