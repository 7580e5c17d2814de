import { t } from "@lingui/core/macro";
import {
  ActionIcon,
  Autocomplete,
  Box,
  Button,
  Paper,
  Group as Row,
  SegmentedControl,
  Select,
  Stack,
  Text,
  TextInput,
} from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { lazy, Suspense } from "react";
import { DropdownMenu } from "../../components/Dropdown";
import { NumberField } from "../../components/NumberField";
import {
  type Condition,
  fields,
  type Group,
  hasOpposite,
  isCondition,
  isGroup,
  isNot,
  type Key,
  makeGroup,
  type Node,
  opsOf,
  opText,
  partsOf,
  startValue,
  takesNoValue,
  typeOf,
} from "./query";

const Values = lazy(async () => ({ default: (await import("./Values")).Values }));

import { Special } from "./Special";

type Props = { value: Group; onChange: (next: Group) => void; keys: readonly Key[]; depth?: number };

/** Edits nested all/any groups; what it has no editor for is shown and kept. */
export function QueryBuilder({ value, onChange, keys, depth = 1 }: Props) {
  const kind = "all" in value ? "all" : "any";
  const parts = partsOf(value);
  const set = (next: Node[]) => onChange(makeGroup(kind, next));
  const replace = (i: number, next: Node) => set(parts.map((p, j) => (j === i ? next : p)));
  const first = keys[0] ? `attributes.${keys[0].key}` : "name";
  return (
    <Paper
      withBorder
      p="sm"
      radius="md"
      bg={depth % 2 === 0 ? "light-dark(#f7f8f8, var(--mantine-color-dark-7))" : undefined}
    >
      <Stack gap="sm">
        <Row gap="xs">
          <SegmentedControl
            size="xs"
            value={kind}
            onChange={(v) => onChange(makeGroup(v as "all" | "any", parts))}
            data={[
              { value: "all", label: t`All of these` },
              { value: "any", label: t`Any of these` },
            ]}
          />
        </Row>
        {parts.length === 0 && (
          <Text size="sm" c="dimmed">
            {kind === "all" ? t`No condition: everybody.` : t`No condition: nobody.`}
          </Text>
        )}
        {parts.map((p, i) => (
          <Row key={i} className="condition" gap="xs" wrap="nowrap" align="flex-start">
            <Box miw={0}>
              {isNot(p) ? (
                <Part value={p.not} keys={keys} depth={depth} onChange={(next) => replace(i, { not: next })} />
              ) : (
                <Part value={p} keys={keys} depth={depth} onChange={(next) => replace(i, next)} />
              )}
            </Box>
            {(isNot(p) || !hasOpposite(p)) && (
              <Button
                variant={isNot(p) ? "filled" : "subtle"}
                color="gray"
                size="compact-sm"
                mt={4}
                aria-label={t`Negate condition ${i + 1}`}
                aria-pressed={isNot(p)}
                onClick={() => replace(i, isNot(p) ? p.not : { not: p })}
              >{t`Not`}</Button>
            )}
            <ActionIcon
              variant="subtle"
              color="gray"
              size="lg"
              aria-label={t`Remove condition ${i + 1}`}
              onClick={() => set(parts.filter((_, j) => j !== i))}
            >
              <IconTrash size={17} />
            </ActionIcon>
          </Row>
        ))}
        <Row gap="xs">
          <Button
            size="xs"
            variant="default"
            leftSection={<IconPlus size={14} />}
            onClick={() => set([...parts, { field: first, op: "eq", value: startValue(typeOf(first, keys), "eq") }])}
          >{t`Condition`}</Button>
          <DropdownMenu
            position="bottom-start"
            target={
              <Button
                size="xs"
                variant="default"
                leftSection={<IconPlus size={14} />}
              >{t`Behavior, segment or topic`}</Button>
            }
          >
            {(Menu) => (
              <>
                <Menu.Item
                  onClick={() => set([...parts, { event: "read", count: { op: "gte", value: 1 } }])}
                >{t`What they did with our messages`}</Menu.Item>
                <Menu.Item onClick={() => set([...parts, { segment: "" }])}>{t`In another segment`}</Menu.Item>
                <Menu.Item onClick={() => set([...parts, { import: "" }])}>{t`From an import`}</Menu.Item>
                <Menu.Item onClick={() => set([...parts, { topic: "" }])}>{t`Subscribed to a topic`}</Menu.Item>
                <Menu.Item
                  onClick={() => set([...parts, { random: { percent: 10, salt: "draw" } }])}
                >{t`A random share`}</Menu.Item>
              </>
            )}
          </DropdownMenu>
          {depth < 7 && (
            <Button
              size="xs"
              variant="default"
              leftSection={<IconPlus size={14} />}
              onClick={() => set([...parts, makeGroup(kind === "all" ? "any" : "all", [])])}
            >{t`Group`}</Button>
          )}
        </Row>
      </Stack>
    </Paper>
  );
}

/** One part of a group: a condition, a group within it, or something special. */
function Part(props: { value: Node; keys: readonly Key[]; depth: number; onChange: (next: Node) => void }) {
  const { value: p, keys, depth, onChange } = props;
  if (isCondition(p)) return <ConditionEditor value={p} keys={keys} onChange={onChange} />;
  if (isGroup(p)) return <QueryBuilder value={p} keys={keys} depth={depth + 1} onChange={onChange} />;
  return <Special value={p} onChange={onChange} />;
}

function ConditionEditor(props: { value: Condition; keys: readonly Key[]; onChange: (next: Condition) => void }) {
  const { value: c, keys, onChange } = props;
  const type = typeOf(c.field, keys);
  const samples = keys.find((k) => `attributes.${k.key}` === c.field)?.samples ?? [];
  const known = [...fields.map((f) => f.value as string), ...keys.map((k) => `attributes.${k.key}`)];
  const data = [
    { group: t`Attributes`, items: keys.map((k) => ({ value: `attributes.${k.key}`, label: k.name })) },
    { group: t`Contact`, items: fields.map((f) => ({ value: f.value as string, label: f.label as string })) },
  ];
  if (!known.includes(c.field)) data.push({ group: t`Other`, items: [{ value: c.field, label: c.field }] });
  const choose = (field: string) => {
    const nextType = typeOf(field, keys);
    const op = opsOf(field, keys)[0] ?? "eq";
    onChange({ field, op, value: startValue(nextType, op) });
  };
  const compare = (op: string) => {
    const keep =
      !takesNoValue(op) &&
      !takesNoValue(c.op) &&
      Array.isArray(c.value) === (op === "in" || op === "not_in") &&
      !op.includes("last") &&
      !c.op.includes("last");
    onChange({ field: c.field, op, value: keep ? c.value : startValue(type, op) });
  };
  return (
    <Row gap="xs" align="flex-start">
      <Select
        aria-label={t`Field`}
        data={data}
        value={c.field}
        onChange={(v) => v && choose(v)}
        searchable
        allowDeselect={false}
        w={{ base: "100%", xs: 190 }}
      />
      <Select
        aria-label={t`Comparison`}
        data={[...new Set([...opsOf(c.field, keys), c.op])].map((o) => ({ value: o, label: opText(o) }))}
        value={c.op}
        onChange={(v) => v && compare(v)}
        allowDeselect={false}
        w={{ base: "100%", xs: 170 }}
      />
      <Box w={{ base: "100%", xs: 240 }}>
        <ValueEditor condition={c} type={type} samples={samples} onChange={(value) => onChange({ ...c, value })} />
      </Box>
    </Row>
  );
}

function ValueEditor(props: { condition: Condition; type: string; samples: string[]; onChange: (v: unknown) => void }) {
  const { condition: c, type, samples, onChange } = props;
  if (takesNoValue(c.op)) return null;
  if (c.op === "in" || c.op === "not_in")
    return (
      <Suspense fallback={<TextInput aria-label={t`Values`} readOnly />}>
        <Values
          samples={samples}
          value={(c.value as unknown[]).map(String)}
          onChange={(v) => onChange(type === "number" ? v.map(Number) : v)}
        />
      </Suspense>
    );
  if (c.op === "within_last" || c.op === "not_within_last")
    return (
      <TextInput
        aria-label={t`Duration`}
        description={t`30d, 12h, 2w or 45m`}
        value={String(c.value ?? "")}
        onChange={(e) => onChange(e.currentTarget.value)}
      />
    );
  if (c.op === "between") {
    const [low, high] = (Array.isArray(c.value) ? c.value : ["", ""]) as unknown[];
    return (
      <Row gap={4} wrap="nowrap">
        {[low, high].map((v, i) => {
          const put = (next: unknown) => onChange(i === 0 ? [next, high] : [low, next]);
          return type === "number" ? (
            <NumberField
              key={i}
              aria-label={i ? t`To` : t`From`}
              value={Number(v)}
              onChange={(x) => put(Number(x))}
              thousandSeparator={false}
            />
          ) : (
            <TextInput
              key={i}
              aria-label={i ? t`To` : t`From`}
              type="date"
              value={String(v ?? "").slice(0, 10)}
              onChange={(e) => put(e.currentTarget.value)}
            />
          );
        })}
      </Row>
    );
  }
  if (type === "boolean")
    return (
      <Select
        aria-label={t`Value`}
        data={[
          { value: "true", label: t`yes` },
          { value: "false", label: t`no` },
        ]}
        value={String(c.value)}
        onChange={(v) => onChange(v === "true")}
        allowDeselect={false}
      />
    );
  if (type === "status")
    return (
      <Select
        aria-label={t`Value`}
        data={[
          { value: "opted_in", label: t`Opted in` },
          { value: "unknown", label: t`Unknown` },
          { value: "opted_out", label: t`Opted out` },
        ]}
        value={String(c.value)}
        onChange={(v) => onChange(v)}
        allowDeselect={false}
      />
    );
  if (type === "number")
    return (
      <NumberField
        aria-label={t`Value`}
        value={Number(c.value)}
        onChange={(v) => onChange(Number(v))}
        thousandSeparator={false}
      />
    );
  if (c.op === "before" || c.op === "after" || type === "time")
    return (
      <TextInput
        aria-label={t`Date`}
        type="date"
        value={String(c.value ?? "").slice(0, 10)}
        onChange={(e) => onChange(e.currentTarget.value)}
      />
    );
  return <Autocomplete aria-label={t`Value`} data={samples} value={String(c.value ?? "")} onChange={onChange} />;
}
