import { t } from "@lingui/core/macro";
import { Box, Button, Checkbox, Divider, SegmentedControl, Stack, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import type { Attribute } from "../attributes/useAttributes";
import { columnOf, type Density, firstLayout, fixedColumns, type Layout, withColumn } from "./columns";

/** Which columns the table has, and how close its rows stand. */
export function ColumnsChoice(props: {
  layout: Layout;
  attributes: readonly Attribute[];
  onChange: (next: Layout) => void;
}) {
  const { layout, attributes, onChange } = props;
  const [search, setSearch] = useState("");
  const wanted = search.trim().toLowerCase();
  const box = (column: string, label: string) => (
    <Checkbox
      key={column}
      size="xs"
      label={label}
      checked={layout.columns.includes(column)}
      onChange={(e) => onChange({ ...layout, columns: withColumn(layout.columns, column, e.currentTarget.checked) })}
    />
  );
  const found = attributes.filter((a) => a.name.toLowerCase().includes(wanted) || a.key.includes(wanted));
  return (
    <Stack gap="xs">
      <SegmentedControl
        size="xs"
        fullWidth
        aria-label={t`Height of the rows`}
        value={layout.density}
        onChange={(v) => onChange({ ...layout, density: v as Density })}
        data={[
          { value: "comfortable", label: t`Comfortable` },
          { value: "compact", label: t`Compact` },
        ]}
      />
      {Object.entries(fixedColumns).map(([column, label]) => box(column, label))}
      {attributes.length > 0 && <Divider label={t`Attributes`} labelPosition="left" />}
      {attributes.length > 8 && (
        <TextInput
          size="xs"
          aria-label={t`Search attributes`}
          placeholder={t`Search attributes`}
          value={search}
          onChange={(e) => setSearch(e.currentTarget.value)}
        />
      )}
      <Box mah={220} style={{ overflowY: "auto" }}>
        <Stack gap="xs">
          {found.map((a) => box(columnOf(a.key), a.name))}
          {attributes.length > 0 && found.length === 0 && <Text size="xs" c="dimmed">{t`No attribute matches.`}</Text>}
        </Stack>
      </Box>
      <Button size="xs" variant="subtle" color="gray" onClick={() => onChange(firstLayout)}>{t`Reset`}</Button>
    </Stack>
  );
}
