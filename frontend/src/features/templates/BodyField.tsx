import { t } from "@lingui/core/macro";
import { Input, Text } from "@mantine/core";
import { type ComponentProps, type ReactNode, useId, useState } from "react";
import { later, useLater } from "../../lib/later";
import { fieldName, findPlaceholders, type Known } from "../../lib/placeholders";
import type { Composer } from "./Composer";
import classes from "./Composer.module.css";
import { exampleText, pillText, readPlaceholder } from "./placeholders";

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
        {!props.readOnly && <div className={classes.toolbar} />}
        <div className={classes.box}>
          {/* biome-ignore lint/a11y/useSemanticElements: a button has no paragraphs and pills in it */}
          <div
            role="button"
            tabIndex={0}
            aria-labelledby={`${id}-label`}
            aria-describedby={`${id}-text`}
            id={`${id}-text`}
            className={classes.still}
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

/** A text with its placeholders as pills. */
function shown(text: string, known: readonly Known[]): ReactNode {
  let from = 0;
  const parts: ReactNode[] = [];
  for (const place of findPlaceholders(text)) {
    const pill = pillText(place.source, (name) => fieldName(name, known));
    parts.push(
      text.slice(from, place.from),
      <span key={place.from} className={readPlaceholder(place.source) ? "pill" : "pill pill-odd"}>
        {pill.field}
        {pill.fallback && <span className="pill-or"> {t`or “${pill.fallback}”`}</span>}
      </span>,
    );
    from = place.to;
  }
  return [...parts, text.slice(from)];
}
