import { plural, t } from "@lingui/core/macro";
import { Box, Group as Row, Select, Text, TextInput } from "@mantine/core";
import { useQuery } from "urql";
import { NumberField } from "../../components/NumberField";
import { SearchSelect } from "../../components/SearchSelect";
import { graphql } from "../../gql";
import { percentSign } from "../../lib/format";
import { CampaignChoicesDocument } from "../campaigns/choices";
import { useTopics } from "../topics/useTopics";
import { SegmentChoicesDocument } from "./choices";
import { type Behaviour, events, isBehaviour, isMember, isRandom, type Member, type Node, type Random } from "./query";

const ImportChoicesDocument = graphql(`
  query ImportChoices {
    imports(first: 200) {
      nodes {
        id
        fileName
      }
    }
  }
`);

/** Edits what is no comparison of a field: behaviour, membership, chance. */
export function Special(props: { value: Node; onChange: (next: Node) => void }) {
  const { value: n, onChange } = props;
  if (isBehaviour(n)) return <BehaviourEditor value={n} onChange={onChange} />;
  if (isMember(n)) return <MemberEditor value={n} onChange={onChange} />;
  if (isRandom(n)) return <RandomEditor value={n} onChange={onChange} />;
  return (
    <Text size="sm" ff="monospace" style={{ overflowWrap: "anywhere" }}>
      {JSON.stringify(n)}
    </Text>
  );
}

function BehaviourEditor(props: { value: Behaviour; onChange: (next: Node) => void }) {
  const { value: b, onChange } = props;
  const set = (next: Partial<Behaviour>) => {
    const merged = { ...b, ...next };
    for (const key of ["campaign", "within_last", "reason"] as const) if (!merged[key]) delete merged[key];
    onChange(merged);
  };
  const many = b.count ?? { op: "gte", value: 1 };
  return (
    <Row gap="xs" align="flex-start">
      <Select
        aria-label={t`What happened`}
        data={[...events]}
        value={b.event}
        onChange={(v) => v && set({ event: v, reason: undefined })}
        allowDeselect={false}
        w={{ base: "100%", xs: 190 }}
      />
      {(b.event === "failed" || b.event === "skipped") && (
        <TextInput
          aria-label={t`For which reason`}
          placeholder={t`any reason`}
          description={b.event === "failed" ? t`Error code, such as 63024` : t`Such as opted_out`}
          inputWrapperOrder={["label", "input", "description", "error"]}
          value={b.reason ?? ""}
          onChange={(e) => set({ reason: e.currentTarget.value })}
          w={{ base: "100%", xs: 160 }}
        />
      )}
      <Select
        aria-label={t`How often`}
        data={[
          { value: "gte", label: t`at least` },
          { value: "eq", label: t`exactly` },
          { value: "lte", label: t`at most` },
        ]}
        value={many.op}
        onChange={(v) => v && set({ count: { ...many, op: v } })}
        allowDeselect={false}
        w={110}
      />
      <NumberField
        aria-label={t`Times`}
        min={0}
        max={1000}
        value={many.value}
        onChange={(v) => set({ count: { ...many, value: Number(v) || 0 } })}
        suffix={` ${plural(Number(many.value), { one: "time", other: "times" })}`}
        w={110}
      />
      <SearchSelect
        document={CampaignChoicesDocument}
        aria-label={t`Of which campaign`}
        placeholder={t`any campaign`}
        nothingFoundMessage={t`No campaign matches.`}
        clearable
        value={b.campaign ?? null}
        onChange={(v) => set({ campaign: v ?? undefined })}
        w={{ base: "100%", xs: 180 }}
      />
      <Box>
        <TextInput
          aria-label={t`Within the last`}
          placeholder={t`ever`}
          description={t`30d, 12h; empty: ever`}
          inputWrapperOrder={["label", "input", "description", "error"]}
          value={b.within_last ?? ""}
          onChange={(e) => set({ within_last: e.currentTarget.value })}
          w={130}
        />
      </Box>
    </Row>
  );
}

function MemberEditor(props: { value: Member; onChange: (next: Node) => void }) {
  const { value: m, onChange } = props;
  const [{ data }] = useQuery({ query: ImportChoicesDocument });
  const topics = useTopics();
  const kinds = {
    segment: { sentence: t`is in the segment`, label: t`Segment`, choices: undefined },
    import: {
      sentence: t`came with the import`,
      label: t`Import`,
      choices: data?.imports.nodes.map((i) => ({ value: i.id, label: i.fileName })),
    },
    topic: {
      sentence: t`is subscribed to`,
      label: t`Topic`,
      choices: topics,
    },
  };
  const [kind, id] = Object.entries(m)[0] as [keyof typeof kinds, string];
  const { sentence, label, choices } = kinds[kind];
  const field = {
    "aria-label": label,
    placeholder: t`Choose one`,
    allowDeselect: false,
    w: { base: "100%", xs: 260 },
  };
  return (
    <Row gap="xs">
      <Text size="sm">{sentence}</Text>
      {kind === "segment" ? (
        <SearchSelect
          document={SegmentChoicesDocument}
          value={id || null}
          onChange={(v) => v && onChange({ segment: v })}
          nothingFoundMessage={t`No segment with that name`}
          {...field}
        />
      ) : (
        <Select data={choices ?? []} value={id} onChange={(v) => v && onChange({ [kind]: v })} searchable {...field} />
      )}
    </Row>
  );
}

function RandomEditor(props: { value: Random; onChange: (next: Node) => void }) {
  const { percent, salt } = props.value.random;
  return (
    <Row gap="xs" align="flex-start">
      <Text size="sm" mt={8}>{t`a random`}</Text>
      <NumberField
        aria-label={t`Percent`}
        min={0}
        max={100}
        decimalScale={2}
        suffix={percentSign}
        value={percent}
        onChange={(v) => props.onChange({ random: { percent: Number(v) || 0, salt } })}
        w={100}
      />
      <TextInput
        aria-label={t`Draw`}
        description={t`Another word draws others`}
        value={salt}
        onChange={(e) => props.onChange({ random: { percent, salt: e.currentTarget.value } })}
        w={200}
      />
    </Row>
  );
}
