import { t } from "@lingui/core/macro";
import { Button, Group, Select, Stack, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { count } from "../../lib/format";
import { fieldName, type Known } from "../../lib/placeholders";
import { share } from "../attributes/value";
import { contactFields, type Filter, type Placeholder, writePlaceholder } from "./placeholders";

const formats = [
  { value: "2 Jan", label: t`24 Dec` },
  { value: "2 January 2006", label: t`24 December 2026` },
  { value: "02.01.2006", label: "24.12.2026" },
  { value: "01/02/2006", label: "12/24/2026" },
  { value: "2006-01-02", label: "2026-12-24" },
];

const shapes: { value: string; label: string }[] = [
  { value: "", label: t`As it is` },
  { value: "title", label: t`Capital First Letters` },
  { value: "upper", label: t`ALL CAPITALS` },
  { value: "lower", label: t`all lower case` },
  { value: "number", label: t`Number: ${count(1234)}` },
  ...formats.map((f) => ({ value: `date ${f.value}`, label: t`Date: ${f.label}` })),
];

/** Edits one placeholder: its field, what stands there for those who have none, and how it is written. */
export function PlaceholderForm(props: {
  source: string;
  /** undefined: the form has no fields for it, and it is edited as text. */
  placeholder?: Placeholder;
  attributes: readonly Known[];
  /** The placeholder with its braces; "" takes it out, undefined leaves it. */
  onDone: (text?: string) => void;
}) {
  const { attributes } = props;
  const [p, setP] = useState(props.placeholder);
  const [text, setText] = useState(props.source);
  const coverage = attributes.find((a) => `attributes.${a.key}` === p?.name)?.coverage;
  const done = () => props.onDone(p ? writePlaceholder(p) : `{{${text.replace(/[{}]/g, "")}}}`);
  const shape = p?.filter ? (p.filter.name === "date" ? `date ${p.filter.format}` : p.filter.name) : "";
  const fields = [
    { group: t`Contact`, items: contactFields },
    {
      group: t`Attributes`,
      items: attributes.map((a) => ({
        value: `attributes.${a.key}`,
        label: fieldName(`attributes.${a.key}`, attributes),
      })),
    },
  ];
  if (p && !fields.some((g) => g.items.some((i) => i.value === p.name)))
    fields.push({ group: t`Other`, items: [{ value: p.name, label: fieldName(p.name, attributes) }] });
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault();
        done();
      }}
    >
      <Stack gap="sm" w={260}>
        {p ? (
          <>
            <Select
              label={t`Field`}
              size="sm"
              data={fields}
              value={p.name}
              onChange={(name) => name && setP({ ...p, name })}
              searchable
              allowDeselect={false}
              comboboxProps={{ withinPortal: false }}
              description={coverage == null ? undefined : t`${share(coverage)} of contacts have it`}
              inputWrapperOrder={["label", "input", "description"]}
            />
            <TextInput
              label={t`Fallback`}
              size="sm"
              description={
                p.fallback?.trim()
                  ? t`For contacts without a value`
                  : t`Without one, contacts who have no value are skipped`
              }
              inputWrapperOrder={["label", "input", "description"]}
              value={p.fallback ?? ""}
              onChange={(e) => setP({ ...p, fallback: e.currentTarget.value })}
              data-autofocus
            />
            <Select
              label={t`Written as`}
              size="sm"
              data={
                shapes.some((s) => s.value === shape) ? shapes : [...shapes, { value: shape, label: t`Now: ${shape}` }]
              }
              value={shape}
              onChange={(v) => {
                const [name = "", ...format] = (v ?? "").split(" ");
                setP({
                  ...p,
                  filter: name ? { name: name as Filter, format: format.join(" ") || undefined } : undefined,
                });
              }}
              allowDeselect={false}
              comboboxProps={{ withinPortal: false }}
            />
          </>
        ) : (
          <TextInput
            label={t`Placeholder`}
            description={t`A field, a bar, and what stands there without it: name | there`}
            value={text}
            onChange={(e) => setText(e.currentTarget.value)}
            data-autofocus
          />
        )}
        <Group justify="space-between" gap="xs">
          <Button size="compact-sm" variant="subtle" color="red" onClick={() => props.onDone("")}>{t`Remove`}</Button>
          <Group gap="xs">
            <Button size="compact-sm" variant="default" onClick={() => props.onDone()}>{t`Cancel`}</Button>
            <Button size="compact-sm" type="submit">{t`Done`}</Button>
          </Group>
        </Group>
        {p && (
          <Text size="xs" c="dimmed" ff="monospace" style={{ overflowWrap: "anywhere" }}>
            {writePlaceholder(p)}
          </Text>
        )}
      </Stack>
    </form>
  );
}
