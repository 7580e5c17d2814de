import { t } from "@lingui/core/macro";
import { Button, Group, Popover, SegmentedControl, Stack, TextInput } from "@mantine/core";
import { useState } from "react";
import { useAddress } from "../../lib/address";
import { localInput } from "../../lib/format";
import { mostDays, type Range, type RangeKey, ranges } from "./range";

/** Which time the page is about; it stands in the address bar. */
export function RangePicker({ range }: { range: Range }) {
  const { search, change } = useAddress();
  const [open, setOpen] = useState(false);
  const go = (next: { range?: string; from?: string; to?: string }) =>
    change({ from: undefined, to: undefined, ...next }, { replace: true });
  return (
    <Popover opened={open} onChange={setOpen} position="bottom-end" trapFocus withArrow>
      <Popover.Target>
        <SegmentedControl
          size="xs"
          aria-label={t`Range`}
          data={ranges.map((r) => ({ ...r }))}
          value={open ? "own" : range.key}
          onChange={(v) => {
            setOpen(v === "own");
            if (v !== "own") go({ range: v as RangeKey });
          }}
        />
      </Popover.Target>
      <Popover.Dropdown>
        <Days
          from={search.from ?? localInput(range.from).slice(0, 10)}
          to={search.to ?? localInput(range.to).slice(0, 10)}
          onChoose={(from, to) => {
            setOpen(false);
            go({ range: "own", from, to });
          }}
        />
      </Popover.Dropdown>
    </Popover>
  );
}

function Days(props: { from: string; to: string; onChoose: (from: string, to: string) => void }) {
  const [from, setFrom] = useState(props.from);
  const [to, setTo] = useState(props.to);
  const days = Math.round((Date.parse(to) - Date.parse(from)) / 86_400_000) + 1;
  const wrong =
    Number.isNaN(days) || days < 1
      ? t`The last day is not before the first.`
      : days > mostDays
        ? t`At most ${mostDays} days; these are ${days}.`
        : from > localInput(new Date()).slice(0, 10)
          ? t`The first day is in the future.`
          : null;
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault();
        if (!wrong) props.onChoose(from, to);
      }}
    >
      <Stack gap="sm">
        <TextInput type="date" label={t`First day`} value={from} onChange={(e) => setFrom(e.currentTarget.value)} />
        <TextInput
          type="date"
          label={t`Last day`}
          value={to}
          onChange={(e) => setTo(e.currentTarget.value)}
          error={wrong}
        />
        <Group justify="flex-end">
          <Button type="submit" size="xs" disabled={wrong !== null}>{t`Show`}</Button>
        </Group>
      </Stack>
    </form>
  );
}
