import { Button, Group, Select, Stack, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { share } from "../attributes/value";
import { contactFields, type Filter, fieldName, type Known, type Placeholder, writePlaceholder } from "./placeholders";

const formats = [
  { value: "2 Jan", label: "24 Dec" },
  { value: "2 January 2006", label: "24 December 2026" },
  { value: "02.01.2006", label: "24.12.2026" },
  { value: "01/02/2006", label: "12/24/2026" },
  { value: "2006-01-02", label: "2026-12-24" },
];

const shapes: { value: string; label: string }[] = [
  { value: "", label: "As it is" },
  { value: "title", label: "Capital First Letters" },
  { value: "upper", label: "ALL CAPITALS" },
  { value: "lower", label: "all lower case" },
  { value: "number", label: "Number: 1,234" },
  ...formats.map((f) => ({ value: `date ${f.value}`, label: `Date: ${f.label}` })),
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
    { group: "Contact", items: contactFields },
    {
      group: "Attributes",
      items: attributes.map((a) => ({
        value: `attributes.${a.key}`,
        label: fieldName(`attributes.${a.key}`, attributes),
      })),
    },
  ];
  if (p && !fields.some((g) => g.items.some((i) => i.value === p.name)))
    fields.push({ group: "Other", items: [{ value: p.name, label: fieldName(p.name, attributes) }] });
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
              label="Field"
              size="sm"
              data={fields}
              value={p.name}
              onChange={(name) => name && setP({ ...p, name })}
              searchable
              allowDeselect={false}
              comboboxProps={{ withinPortal: false }}
              description={coverage === undefined ? undefined : `${share(coverage)} of contacts have it`}
              inputWrapperOrder={["label", "input", "description"]}
            />
            <TextInput
              label="Fallback"
              size="sm"
              description={
                p.fallback?.trim()
                  ? "For contacts without a value"
                  : "Without one, contacts who have no value are skipped"
              }
              inputWrapperOrder={["label", "input", "description"]}
              value={p.fallback ?? ""}
              onChange={(e) => setP({ ...p, fallback: e.currentTarget.value })}
              data-autofocus
            />
            <Select
              label="Written as"
              size="sm"
              data={
                shapes.some((s) => s.value === shape) ? shapes : [...shapes, { value: shape, label: `Now: ${shape}` }]
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
            label="Placeholder"
            description="A field, a bar, and what stands there without it: name | there"
            value={text}
            onChange={(e) => setText(e.currentTarget.value)}
            data-autofocus
          />
        )}
        <Group justify="space-between" gap="xs">
          <Button size="compact-sm" variant="subtle" color="red" onClick={() => props.onDone("")}>
            Remove
          </Button>
          <Group gap="xs">
            <Button size="compact-sm" variant="default" onClick={() => props.onDone()}>
              Cancel
            </Button>
            <Button size="compact-sm" type="submit">
              Done
            </Button>
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
