import groups from "virtual:emojis";
import { t } from "@lingui/core/macro";
import { SegmentedControl, Stack, Text, TextInput } from "@mantine/core";
import { useMemo, useState } from "react";
import classes from "./EmojiPicker.module.css";

const tabs = [
  { group: 0, sign: "😀", name: t`Smileys` },
  { group: 1, sign: "👋", name: t`People` },
  { group: 3, sign: "🌱", name: t`Nature` },
  { group: 4, sign: "🍎", name: t`Food` },
  { group: 5, sign: "✈️", name: t`Travel` },
  { group: 6, sign: "🎉", name: t`Activities` },
  { group: 7, sign: "💡", name: t`Objects` },
  { group: 8, sign: "❤️", name: t`Symbols` },
  { group: 9, sign: "🏁", name: t`Flags` },
];

const columns = 8;
const mostFound = 120;

type Emoji = { sign: string; name: string; words: string };

const read = (group: string): Emoji[] =>
  (group ? group.split("\n") : []).map((line) => {
    const [sign = "", name = "", ...more] = line.split("\t");
    return { sign, name, words: ` ${[name, ...more].join(" ").toLowerCase()}` };
  });

/** All emojis, by group or by what they are called. */
export default function EmojiPicker(props: { onPick: (emoji: string) => void }) {
  const [group, setGroup] = useState(0);
  const [search, setSearch] = useState("");
  const all = useMemo(() => groups.map(read), []);
  const words = search.toLowerCase().trim().split(/\s+/);
  const shown = search.trim()
    ? all
        .flat()
        .filter((e) => words.every((w) => e.words.includes(` ${w}`)))
        .slice(0, mostFound)
    : (all[group] ?? []);
  const move = (e: React.KeyboardEvent<HTMLDivElement>) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[e.key];
    if (!step) return;
    e.preventDefault();
    const buttons = Array.from(e.currentTarget.querySelectorAll("button"));
    buttons[buttons.indexOf(document.activeElement as HTMLButtonElement) + step]?.focus();
  };
  return (
    <Stack gap="xs" w={300}>
      <TextInput
        size="xs"
        aria-label={t`Search emojis`}
        placeholder={t`Search emojis`}
        value={search}
        onChange={(e) => setSearch(e.currentTarget.value)}
        data-autofocus
      />
      {!search.trim() && (
        <SegmentedControl
          size="xs"
          fullWidth
          aria-label={t`Group`}
          className={classes.groups}
          value={String(group)}
          onChange={(v) => setGroup(Number(v))}
          data={tabs.map((t) => ({
            value: String(t.group),
            label: (
              <span role="img" aria-label={t.name} title={t.name}>
                {t.sign}
              </span>
            ),
          }))}
        />
      )}
      {/* biome-ignore lint/a11y/useSemanticElements: no element is a grid of buttons */}
      <div role="group" aria-label={t`Emojis`} className={classes.grid} onKeyDown={move}>
        {shown.map((e, i) => (
          <button
            key={e.sign}
            type="button"
            tabIndex={i === 0 ? 0 : -1}
            title={e.name}
            aria-label={e.name}
            onClick={() => props.onPick(e.sign)}
          >
            {e.sign}
          </button>
        ))}
      </div>
      {shown.length === 0 && <Text size="xs" c="dimmed">{t`No emoji with this name.`}</Text>}
    </Stack>
  );
}
