import { plural, t } from "@lingui/core/macro";
import { Button, Select, Stack, Table, Text, Title } from "@mantine/core";
import { useState } from "react";
import { type Attribute, useAttributes } from "../attributes/useAttributes";
import { type Column, conflicts, fieldNames, keyOf } from "./wizard";

/** What each column is imported as, to be corrected. */
export function Columns(props: { columns: readonly Column[]; onChange: (name: string, field: string) => void }) {
  const [all, setAll] = useState(false);
  const attributes = useAttributes();
  const problems = conflicts(props.columns);
  const empty = props.columns.filter((c) => c.samples.length === 0);
  const hidden = all || empty.length < 4 ? [] : empty;
  return (
    <Stack gap="sm">
      <div>
        <Title order={3} size="h5">{t`Columns`}</Title>
        <Text
          size="sm"
          c="dimmed"
          maw={760}
        >{t`Several columns may be phone numbers. Each row then uses one of them: the number of a WhatsApp column first, then a mobile number, then any other valid number.`}</Text>
      </div>
      <Table className="cards">
        <Table.Thead>
          <Table.Tr>
            {[t`Column`, t`Examples`, t`Import as`].map((h) => (
              <Table.Th key={h}>{h}</Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {props.columns
            .filter((c) => !hidden.includes(c))
            .map((c) => (
              <Table.Tr key={c.name}>
                <Table.Td data-label={t`Column`} fw={550}>
                  {c.name}
                </Table.Td>
                <Table.Td data-label={t`Examples`}>
                  <Text size="sm" c="dimmed" truncate className="sample">
                    {c.samples.join(" · ") || t`Empty`}
                  </Text>
                </Table.Td>
                <Table.Td data-label={t`Import as`}>
                  <Select
                    aria-label={t`Import ${c.name} as`}
                    size="xs"
                    data={choices(c, attributes)}
                    value={c.field}
                    error={problems[c.name]}
                    onChange={(v) => props.onChange(c.name, v ?? "")}
                    allowDeselect={false}
                    maxDropdownHeight={320}
                    maw={230}
                    miw={170}
                  />
                </Table.Td>
              </Table.Tr>
            ))}
        </Table.Tbody>
      </Table>
      {hidden.length > 0 && (
        <Button
          variant="subtle"
          size="xs"
          onClick={() => setAll(true)}
          style={{ alignSelf: "flex-start" }}
        >{t`Show ${plural(hidden.length, { one: "# empty column", other: "# empty columns" })}`}</Button>
      )}
    </Stack>
  );
}

function choices(c: Column, known: readonly Attribute[]) {
  const attribute = c.field.startsWith("attributes.") ? c.field : `attributes.${keyOf(c.name)}`;
  const key = attribute.slice("attributes.".length);
  return [
    ...fieldNames,
    { value: attribute, label: t`Attribute “${known.find((k) => k.key === key)?.name ?? key}”` },
    { value: "", label: t`Do not import` },
  ];
}
