import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { ActionIcon, Box, Button, Group, Select, Stack, TagsInput, Text, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { NumberField } from "../../components/NumberField";
import type { AttributeType } from "../../gql/graphql";
import { AttributeValue } from "./AttributeValue";
import { type Edited, keyFor } from "./edit";
import type { Attribute } from "./useAttributes";
import { typeNames } from "./value";

const blank: Record<AttributeType, unknown> = { TEXT: "", NUMBER: "", DATE: "", BOOLEAN: true, LIST: [] };

/** What is known about a contact, each value with its name and the field that its type has. */
export function AttributeFields(props: {
  value: readonly Edited[];
  known: readonly Attribute[];
  onChange: (next: Edited[]) => void;
}) {
  const { value, known, onChange } = props;
  const [adding, setAdding] = useState(false);
  return (
    <Stack gap="xs">
      <Text size="sm" fw={600}>{t`Attributes`}</Text>
      {value.map((a) => (
        <Group key={a.key} gap="xs" wrap="nowrap" align="flex-end">
          <Box flex={1} miw={0}>
            <ValueField
              of={a}
              onChange={(v) => onChange(value.map((o) => (o.key === a.key ? { ...o, value: v } : o)))}
            />
          </Box>
          <ActionIcon
            variant="subtle"
            color="gray"
            size="lg"
            aria-label={t`Remove ${a.name}`}
            onClick={() => onChange(value.filter((o) => o.key !== a.key))}
          >
            <IconTrash size={16} />
          </ActionIcon>
        </Group>
      ))}
      {adding ? (
        <NewAttribute
          others={known.filter((k) => !value.some((a) => a.key === k.key || a.key.startsWith(`${k.key}.`)))}
          taken={value.map((a) => a.key)}
          onCancel={() => setAdding(false)}
          onAdd={(a) => {
            setAdding(false);
            onChange([...value, a]);
          }}
        />
      ) : (
        <Group>
          <Button
            size="xs"
            variant="default"
            leftSection={<IconPlus size={14} />}
            onClick={() => setAdding(true)}
          >{t`Add an attribute`}</Button>
        </Group>
      )}
    </Stack>
  );
}

function ValueField({ of: a, onChange }: { of: Edited; onChange: (value: unknown) => void }) {
  if (a.fixed)
    return (
      <div>
        <Text size="sm" fw={500}>
          {a.name}
        </Text>
        <Text size="sm" c="dimmed" lineClamp={2}>
          <Trans>
            <AttributeValue value={a.value} type={a.type} /> · set by a program
          </Trans>
        </Text>
      </div>
    );
  switch (a.type) {
    case "NUMBER":
      // As it is written: it may be a year or a customer number.
      return (
        <NumberField
          label={a.name}
          value={(a.value as number | string) ?? ""}
          onChange={onChange}
          hideControls
          thousandSeparator={false}
        />
      );
    case "BOOLEAN":
      return (
        <Select
          label={a.name}
          allowDeselect={false}
          data={[
            { value: "true", label: t`Yes` },
            { value: "false", label: t`No` },
          ]}
          value={String(a.value)}
          onChange={(v) => onChange(v === "true")}
        />
      );
    case "LIST":
      return (
        <TagsInput
          label={a.name}
          placeholder={t`Type and press Enter`}
          value={(a.value as string[]) ?? []}
          onChange={onChange}
        />
      );
    default:
      return (
        <TextInput
          label={a.name}
          type={a.type === "DATE" ? "date" : undefined}
          value={String(a.value ?? "")}
          onChange={(e) => onChange(e.currentTarget.value)}
        />
      );
  }
}

const another = "another";

/** An attribute that others have, or a new one with a name of its own. */
function NewAttribute(props: {
  others: readonly Attribute[];
  taken: readonly string[];
  onAdd: (a: Edited) => void;
  onCancel: () => void;
}) {
  const { others } = props;
  const [chosen, setChosen] = useState<string | null>(others.length ? null : another);
  const [name, setName] = useState("");
  const [type, setType] = useState<AttributeType>("TEXT");
  const of = others.find((a) => a.key === chosen);
  const key = of?.key ?? keyFor(name);
  const known = !of && (props.taken.includes(key) || others.some((a) => a.key === key));
  const ready = chosen !== null && key !== "" && !known;
  return (
    <Stack gap="xs" p="sm" style={{ border: "1px solid var(--mantine-color-default-border)", borderRadius: 8 }}>
      <Select
        label={t`Attribute`}
        placeholder={t`Choose one`}
        searchable
        data={[...others.map((a) => ({ value: a.key, label: a.name })), { value: another, label: t`A new attribute…` }]}
        value={chosen}
        onChange={setChosen}
        data-autofocus
      />
      {chosen === another && (
        <Group grow align="flex-start">
          <TextInput
            label={t`Name`}
            value={name}
            onChange={(e) => setName(e.currentTarget.value)}
            maxLength={60}
            error={known ? t`This name is already in use` : undefined}
          />
          <Select
            label={t`Type`}
            allowDeselect={false}
            data={Object.entries(typeNames).map(([value, label]) => ({ value, label }))}
            value={type}
            onChange={(v) => setType((v ?? "TEXT") as AttributeType)}
          />
        </Group>
      )}
      <Group gap="xs" justify="flex-end">
        <Button size="xs" variant="default" onClick={props.onCancel}>{t`Cancel`}</Button>
        <Button
          size="xs"
          disabled={!ready}
          onClick={() => {
            const is = of?.type ?? type;
            props.onAdd({ key, name: of?.name ?? name.trim(), type: is, value: blank[is] });
          }}
        >{t`Add`}</Button>
      </Group>
    </Stack>
  );
}
