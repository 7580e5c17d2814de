import { plural, t } from "@lingui/core/macro";
import { Group } from "@mantine/core";
import { NumberField } from "../../components/NumberField";

export type Cap = { messages: number; days: number };

/** What a new cap begins with. */
export const firstCap: Cap = { messages: 3, days: 7 };

/** As the API takes it. */
export const capInput = ({ messages, days }: Cap): Cap => ({ messages, days });

/** At most so many messages within so many days. */
export function CapForm(props: { value: Cap; onChange: (c: Cap) => void; error?: string; disabled?: boolean }) {
  const { value: c, onChange } = props;
  return (
    <Group align="flex-start">
      <NumberField
        label={t`At most`}
        suffix={` ${plural(Number(c.messages), { one: "message", other: "messages" })}`}
        min={1}
        max={100}
        value={c.messages}
        onChange={(v) => onChange({ ...c, messages: Number(v) || 1 })}
        error={props.error}
        disabled={props.disabled}
        w={160}
      />
      <NumberField
        label={t`Within`}
        suffix={` ${plural(Number(c.days), { one: "day", other: "days" })}`}
        min={1}
        max={90}
        value={c.days}
        onChange={(v) => onChange({ ...c, days: Number(v) || 1 })}
        disabled={props.disabled}
        w={160}
      />
    </Group>
  );
}
