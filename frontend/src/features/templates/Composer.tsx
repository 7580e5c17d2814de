import { defaultKeymap, history, historyKeymap, isolateHistory } from "@codemirror/commands";
import { Compartment, EditorState } from "@codemirror/state";
import { EditorView, placeholder as hint, keymap } from "@codemirror/view";
import { t } from "@lingui/core/macro";
import { ActionIcon, Divider, Group, Input, Popover, Text } from "@mantine/core";
import { IconMoodSmile, IconPencil } from "@tabler/icons-react";
import { lazy, type ReactNode, Suspense, useEffect, useId, useRef, useState } from "react";
import { fieldName, findPlaceholders, type Known } from "../../lib/placeholders";
import classes from "./Composer.module.css";
import { formatting } from "./formatting";
import { InsertPlaceholder } from "./InsertPlaceholder";
import { marks } from "./marks";
import { PlaceholderForm } from "./PlaceholderForm";
import { naming, pills, placeholderAt } from "./pills";
import { exampleText, freshPlaceholder, readPlaceholder, toggleMark, writePlaceholder } from "./placeholders";

const EmojiPicker = lazy(() => import("./EmojiPicker"));

/** What a button does is a step of its own for undo, also right before or after typing. */
const step = isolateHistory.of("full");

function mark(view: EditorView, sign: string): boolean {
  const { from, to } = view.state.selection.main;
  const c = toggleMark(view.state.doc.toString(), from, to, sign);
  view.dispatch({
    changes: { from: c.from, to: c.to, insert: c.insert },
    selection: { anchor: c.select[0], head: c.select[1] },
    annotations: step,
  });
  return true;
}

type Edited = { from: number; to: number; source: string; left: number; top: number };

/**
 * The text of a template. What is edited is the text itself, with placeholders in the engine's language; they only look
 * like pills, so that undo, copying, pasting and the keyboard work on the text.
 */
export function Composer(props: {
  value: string;
  onChange: (text: string) => void;
  attributes: readonly Known[];
  description?: ReactNode;
  error?: string;
  readOnly?: boolean;
  lang?: string;
  /** It has the focus at once, and the cursor at this place of the window, where there is one. */
  begin?: { x?: number; y?: number };
}) {
  const box = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const id = useId();
  const [parts] = useState(() => ({ naming: new Compartment(), rights: new Compartment() }));
  const [edited, setEdited] = useState<Edited | null>(null);
  const [touches, setTouches] = useState(false);
  const [picking, setPicking] = useState(false);
  const latest = useRef(props);
  latest.current = props;
  const nameOf = (name: string) => fieldName(name, props.attributes);
  const rights = () => [
    EditorState.readOnly.of(Boolean(props.readOnly)),
    EditorView.editable.of(!props.readOnly),
    EditorView.contentAttributes.of({
      dir: "auto",
      "aria-labelledby": `${id}-label`,
      "aria-describedby": `${id}-description ${id}-keys${props.error ? ` ${id}-error` : ""}`,
      "aria-invalid": String(Boolean(props.error)),
      "aria-multiline": "true",
      lang: (props.lang ?? "").replace("_", "-"),
      spellcheck: "true",
      autocapitalize: "sentences",
      autocorrect: "on",
    }),
  ];

  const open = (at: { from: number; to: number; source: string }): boolean => {
    const v = view.current;
    const place = v?.coordsAtPos(at.from, 1);
    const frame = box.current?.getBoundingClientRect();
    if (!v || !frame || latest.current.readOnly) return false;
    setEdited({ ...at, left: (place?.left ?? frame.left) - frame.left, top: (place?.bottom ?? frame.top) - frame.top });
    return true;
  };

  useEffect(() => {
    if (!box.current) return;
    const made = new EditorView({
      parent: box.current,
      state: EditorState.create({
        doc: props.value,
        extensions: [
          history(),
          keymap.of([
            ...marks.map((m) => ({ key: m.keys, run: (v: EditorView) => mark(v, m.mark), preventDefault: true })),
            { key: "F2", run: (v) => open(placeholderAt(v.state) ?? { from: 0, to: 0, source: "" }) },
            ...historyKeymap,
            ...defaultKeymap,
          ]),
          parts.naming.of(naming.of(nameOf)),
          parts.rights.of(rights()),
          pills,
          formatting,
          EditorView.lineWrapping,
          hint(exampleText()),
          EditorView.domEventHandlers({
            click: (event, v) => {
              const pill = (event.target as Element | null)?.closest(".pill");
              if (!pill) return false;
              const at = v.posAtDOM(pill);
              const found = findPlaceholders(v.state.doc.toString()).find((p) => p.from <= at && at < p.to);
              return found ? open(found) : false;
            },
          }),
          EditorView.updateListener.of((u) => {
            if (u.docChanged) latest.current.onChange(u.state.doc.toString());
            if (u.docChanged || u.selectionSet) setTouches(Boolean(placeholderAt(u.state)));
          }),
        ],
      }),
    });
    view.current = made;
    if (props.begin) {
      const { x, y } = props.begin;
      const at = x !== undefined && y !== undefined ? made.posAtCoords({ x, y }) : null;
      made.focus();
      made.dispatch({ selection: { anchor: at ?? made.state.doc.length } });
    }
    return () => {
      view.current = null;
      made.destroy();
    };
  }, []);

  // Another text than the one that is edited: it was discarded, or loaded anew.
  useEffect(() => {
    const v = view.current;
    if (v && v.state.doc.toString() !== props.value)
      v.dispatch({ changes: { from: 0, to: v.state.doc.length, insert: props.value } });
  }, [props.value]);
  useEffect(() => {
    view.current?.dispatch({
      effects: [parts.naming.reconfigure(naming.of(nameOf)), parts.rights.reconfigure(rights())],
    });
  }, [props.attributes, props.readOnly, props.error, props.lang]);

  const insert = (text: string) => {
    const v = view.current;
    if (!v) return;
    v.dispatch({ ...v.state.replaceSelection(text), scrollIntoView: true, annotations: step });
    v.focus();
  };
  const finish = (text?: string) => {
    const v = view.current;
    if (v && edited && text !== undefined && v.state.sliceDoc(edited.from, edited.to) === `{{${edited.source}}}`)
      v.dispatch({
        changes: { from: edited.from, to: edited.to, insert: text },
        selection: { anchor: edited.from + text.length },
        annotations: step,
      });
    setEdited(null);
    // After the popover has given its focus back.
    requestAnimationFrame(() => v?.focus());
  };
  const current = () => (view.current ? placeholderAt(view.current.state) : undefined);
  /** Pressing a button keeps the selection that it works on. */
  const press = { onMouseDown: (e: React.MouseEvent) => e.preventDefault() };

  return (
    <Input.Wrapper
      label={t`Text`}
      labelProps={{ id: `${id}-label`, htmlFor: undefined, onClick: () => view.current?.focus() }}
      description={props.description}
      descriptionProps={{ id: `${id}-description` }}
      error={props.error}
      errorProps={{ id: `${id}-error` }}
      labelElement="div"
      inputWrapperOrder={["label", "input", "error", "description"]}
    >
      <div className={classes.frame} data-invalid={Boolean(props.error) || undefined}>
        {!props.readOnly && (
          <Group className={classes.toolbar} gap={2} role="toolbar" aria-label={t`Formatting`}>
            {marks.map((m) => (
              <ActionIcon
                key={m.mark}
                data-hint={`${m.label} (${m.shown})`}
                variant="subtle"
                color="gray"
                aria-label={m.label}
                {...press}
                onClick={() => {
                  if (view.current) mark(view.current, m.mark);
                  view.current?.focus();
                }}
              >
                <m.icon size={18} stroke={1.8} />
              </ActionIcon>
            ))}
            <Divider orientation="vertical" mx={4} visibleFrom="xs" />
            <Popover opened={picking} onChange={setPicking} position="bottom-start" trapFocus returnFocus>
              <Popover.Target>
                <ActionIcon
                  data-hint={t`Emoji`}
                  variant="subtle"
                  color="gray"
                  aria-label={t`Insert an emoji`}
                  aria-expanded={picking}
                  onClick={() => setPicking(!picking)}
                >
                  <IconMoodSmile size={18} stroke={1.8} />
                </ActionIcon>
              </Popover.Target>
              <Popover.Dropdown p="xs">
                <Suspense fallback={<div className={classes.loading} />}>
                  <EmojiPicker
                    onPick={(emoji) => {
                      setPicking(false);
                      insert(emoji);
                    }}
                  />
                </Suspense>
              </Popover.Dropdown>
            </Popover>
            <Divider orientation="vertical" mx={4} visibleFrom="xs" />
            <InsertPlaceholder
              attributes={props.attributes}
              onChoose={(name) => {
                const text = writePlaceholder(freshPlaceholder(name, props.attributes));
                insert(text);
                const at = view.current?.state.selection.main.head ?? 0;
                // The new pill has to be there before the form can open at it.
                if (name !== "name")
                  requestAnimationFrame(() => open({ from: at - text.length, to: at, source: text.slice(2, -2) }));
              }}
            />
            {touches && (
              <ActionIcon
                data-hint={t`Edit this placeholder (F2)`}
                variant="subtle"
                color="gray"
                aria-label={t`Edit this placeholder`}
                aria-keyshortcuts="F2"
                {...press}
                onClick={() => {
                  const at = current();
                  if (at) open(at);
                }}
              >
                <IconPencil size={18} stroke={1.8} />
              </ActionIcon>
            )}
          </Group>
        )}
        <div className={classes.box} ref={box}>
          <Popover
            opened={edited !== null}
            onDismiss={() => finish()}
            position="bottom-start"
            trapFocus
            closeOnEscape
            withRoles={false} // what it opens at is no button
            withArrow
            shadow="md"
          >
            <Popover.Target>
              <span className={classes.anchor} style={{ left: edited?.left, top: edited?.top }} />
            </Popover.Target>
            <Popover.Dropdown role="dialog" aria-label={t`Placeholder`}>
              {edited && (
                <PlaceholderForm
                  key={edited.from}
                  source={edited.source}
                  placeholder={readPlaceholder(edited.source)}
                  attributes={props.attributes}
                  onDone={finish}
                />
              )}
            </Popover.Dropdown>
          </Popover>
        </div>
      </div>
      <Text
        size="xs"
        c="dimmed"
        id={`${id}-keys`}
        className="visually-hidden"
      >{t`Placeholders are single signs in the text: the arrow keys step over them, F2 edits the one at the cursor, and they can be typed in double braces as well.`}</Text>
    </Input.Wrapper>
  );
}
