import { t } from "@lingui/core/macro";
import { Button, Group, TextInput } from "@mantine/core";
import { useState } from "react";
import { money, sentence } from "../../lib/format";

/** "$", "CHF": what stands beside an amount. */
const symbolOf = (currency: string) => money({ amount: "0", currency }).replace(/[\d.,\s]/g, "");

/** A budget, empty for none; save gives what is wrong with it, or nothing. */
export function BudgetForm(props: {
  label: string;
  description: string;
  value: string;
  /** Where the field says in which. */
  currency?: string;
  disabled?: boolean;
  onSave: (budget: string | null) => Promise<string>;
}) {
  const [value, setValue] = useState(props.value);
  const [wrong, setWrong] = useState("");
  const [saving, setSaving] = useState(false);
  const symbol = props.currency && symbolOf(props.currency);
  return (
    <Group align="flex-end" gap="xs">
      <TextInput
        label={props.label}
        description={props.description}
        placeholder={t`No limit`}
        inputMode="decimal"
        leftSection={symbol}
        leftSectionWidth={symbol && symbol.length > 1 ? 48 : undefined}
        value={value}
        onChange={(e) => {
          setValue(e.currentTarget.value);
          setWrong("");
        }}
        error={wrong}
        disabled={props.disabled}
        w={300}
      />
      {!props.disabled && (
        <Button
          loading={saving}
          disabled={value.trim() === props.value}
          onClick={async () => {
            setSaving(true);
            const problem = await props.onSave(value.trim() || null);
            setSaving(false);
            setWrong(problem && sentence(problem));
          }}
        >{t`Save`}</Button>
      )}
    </Group>
  );
}
