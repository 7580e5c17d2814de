import { t } from "@lingui/core/macro";
import { Select, Stack, Switch, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { useQuery } from "urql";
import { NumberField } from "../../components/NumberField";
import { SearchSelect } from "../../components/SearchSelect";
import { graphql } from "../../gql";
import { contacts, count, percentSign } from "../../lib/format";
import { SegmentChoicesDocument } from "../segments/choices";
import { useTopics } from "../topics/useTopics";
import type { Draft } from "./draft";
import { SegmentDrawer } from "./MakeHere";

export type StepProps = {
  draft: Draft;
  errors: Record<string, string>;
  onChange: (changed: Partial<Draft>) => void;
};

const SegmentReachDocument = graphql(`
  query SegmentReach($query: SegmentQuery!) {
    segmentPreview(query: $query, sample: 0) {
      count
      reachable
    }
  }
`);

/** How many of a segment a campaign can reach now: those who agreed and whose number works. */
function Reach({ segmentId }: { segmentId: string }) {
  const [{ data }] = useQuery({
    query: SegmentReachDocument,
    variables: { query: { segment: segmentId } },
    requestPolicy: "cache-and-network",
  });
  const p = data?.segmentPreview;
  return (
    <Text size="sm" c="dimmed" mt={-8} data-testid="reach">
      {p ? t`${count(p.reachable)} of ${contacts(p.count)} opted in and reachable now` : "\u00a0"}
    </Text>
  );
}

/** The share that is offered first. */
const firstHoldout = 10;

/** Who gets it. */
export function AudienceStep(props: StepProps) {
  const { draft: d, errors, onChange } = props;
  const topics = useTopics();
  const [held, setHeld] = useState(d.holdout !== "" && Number(d.holdout) !== 0);
  const shown = held || Number(d.holdout) > 0; // of another draft, too, that took this one's place
  return (
    <Stack>
      <TextInput
        label={t`Name`}
        description={t`For your team; contacts do not see it`}
        inputWrapperOrder={["label", "input", "error", "description"]}
        value={d.name}
        onChange={(e) => onChange({ name: e.currentTarget.value })}
        error={errors.name}
        maxLength={150}
      />
      <SearchSelect
        document={SegmentChoicesDocument}
        label={t`Segment`}
        placeholder={t`Choose a segment`}
        shown={(s) => (s.lastCount == null ? s.name : `${s.name} · ${contacts(s.lastCount)}`)}
        value={d.segmentId}
        onChange={(segmentId) => onChange({ segmentId })}
        error={errors.segmentId}
        nothingFoundMessage={t`No segment with that name`}
        openOnFocus={false} // which comes by an error, too: the list would cover it
      />
      {d.segmentId && <Reach key={d.segmentId} segmentId={d.segmentId} />}
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
      <Switch
        label={t`Keep back a share to measure the effect`}
        description={t`A random part of the audience gets no message, to compare with`}
        checked={shown}
        onChange={(e) => {
          setHeld(e.currentTarget.checked);
          onChange({ holdout: e.currentTarget.checked ? firstHoldout : "" });
        }}
      />
      {shown && (
        <NumberField
          label={t`Holdout`}
          description={t`More than 0, at most 50%`}
          suffix={percentSign}
          decimalScale={2}
          value={d.holdout}
          onChange={(holdout) => onChange({ holdout })}
          error={errors.holdoutPercent}
          w={340}
          maw="100%"
        />
      )}
    </Stack>
  );
}
