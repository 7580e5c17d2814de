import { t } from "@lingui/core/macro";
import { ActionIcon, Box, Button, Divider, Group, Input, Text } from "@mantine/core";
import { IconBraces, IconMoodSmile } from "@tabler/icons-react";
import { type ComponentProps, type ReactNode, useId, useState } from "react";
import { later, useLater } from "../../lib/later";
import { fieldName, findPlaceholders, type Known } from "../../lib/placeholders";
import type { Composer } from "./Composer";
import classes from "./Composer.module.css";
import { marks } from "./marks";
import { exampleText, formatsOf, pillText, readPlaceholder } from "./placeholders";

const editor = later(() => import("./Composer"));

/**
 * The text of a template. Its editor is a third of the page, and comes as soon as somebody does anything here; until then
 * the text stands there as the editor shows it.
 */
export function BodyField(props: Omit<ComponentProps<typeof Composer>, "begin">) {
  const id = useId();
  const [begin, setBegin] = useState<ComponentProps<typeof Composer>["begin"]>();
  const there = useLater(editor, begin !== undefined);
  if (there) return <there.Composer {...props} begin={begin} />;
  return (
    <Input.Wrapper
      label={t`Text`}
      labelProps={{ id: `${id}-label`, htmlFor: undefined }}
      description={props.description}
      error={props.error}
      labelElement="div"
      inputWrapperOrder={["label", "input", "error", "description"]}
    >
      <div className={classes.frame} data-invalid={Boolean(props.error) || undefined}>
        {!props.readOnly && <StillToolbar onPress={() => setBegin({})} />}
        <div className={classes.box}>
          {/* biome-ignore lint/a11y/useSemanticElements: a button has no paragraphs and pills in it */}
          <div
            role="button"
            tabIndex={0}
            aria-labelledby={`${id}-label`}
            aria-describedby={`${id}-text`}
            id={`${id}-text`}
            className={classes.still}
            dir="auto"
            lang={(props.lang ?? "").replace("_", "-")}
            onPointerDown={(e) => setBegin({ x: e.clientX, y: e.clientY })}
            onFocus={() => setBegin((at) => at ?? {})}
          >
            {props.value ? (
              shown(props.value, props.attributes)
            ) : (
              <Text span inherit c="var(--mantine-color-placeholder)">
                {exampleText()}
              </Text>
            )}
          </div>
        </div>
      </div>
    </Input.Wrapper>
  );
}

/** What the editor offers, before it is there: whoever presses it opens the editor. The keyboard opens it by the text. */
function StillToolbar(props: { onPress: () => void }) {
  const look = { component: "span", variant: "subtle", color: "gray" } as const;
  const icon = { size: 18, stroke: 1.8 };
  return (
    <Group className={classes.toolbar} gap={2} aria-hidden onPointerDown={props.onPress}>
      {marks.map((m) => (
        <ActionIcon key={m.mark} {...look}>
          <m.icon {...icon} />
        </ActionIcon>
      ))}
      <Divider orientation="vertical" mx={4} visibleFrom="xs" />
      <ActionIcon {...look}>
        <IconMoodSmile {...icon} />
      </ActionIcon>
      <Divider orientation="vertical" mx={4} visibleFrom="xs" />
      <Button {...look} size="compact-sm" leftSection={<IconBraces size={17} stroke={1.8} />}>
        <Box component="span" visibleFrom="xs">{t`Placeholder`}</Box>
      </Button>
    </Group>
  );
}

/** A text with its formatting, and its placeholders as pills. */
function shown(text: string, known: readonly Known[]): ReactNode {
  const places = findPlaceholders(text);
  const looks = formatsOf(text);
  const edges = [...places, ...looks].flatMap(({ from, to }) => [from, to]);
  const cuts = [...new Set([0, ...edges, text.length])].sort((a, b) => a - b);
  return cuts.slice(1).map((to, i) => {
    const from = cuts[i] ?? 0;
    const place = places.find((p) => p.from === from);
    const look = looks.filter((l) => l.from <= from && to <= l.to).map((l) => `format-${l.kind}`);
    const piece = place ? <Pill source={place.source} known={known} /> : text.slice(from, to);
    return (
      <span key={from} className={look.join(" ") || undefined}>
        {piece}
      </span>
    );
  });
}

function Pill(props: { source: string; known: readonly Known[] }) {
  const pill = pillText(props.source, (name) => fieldName(name, props.known));
  return (
    <span className={readPlaceholder(props.source) ? "pill" : "pill pill-odd"}>
      {pill.field}
      {pill.fallback && <span className="pill-or"> {t`or “${pill.fallback}”`}</span>}
    </span>
  );
}
