import { useEffect, useRef, useSyncExternalStore } from "react";
import { defaultKeybindingsHandlerIgnore, tinykeys } from "tinykeys";

/** A key, or several one after another ("g c"), that does something on the page that is shown. */
export type Shortcut = { keys: string; label: string; run: () => void };
type Section = { name: string; shortcuts: Shortcut[] };

let sections: Section[] = [];
const listeners = new Set<() => void>();
function change(next: Section[]) {
  sections = next;
  for (const tell of listeners) tell();
}

/** Keys belong to a dialog while one is open, and without Ctrl or Cmd to a field while somebody types in it. */
const elsewhere = (e: KeyboardEvent) =>
  document.querySelector('[role="dialog"]') !== null ||
  (!e.ctrlKey &&
    !e.metaKey &&
    (defaultKeybindingsHandlerIgnore(e) ||
      e.isComposing ||
      (e.target instanceof HTMLElement && e.target.matches("input, textarea, select, [contenteditable]"))));

/** Binds the shortcuts of a page, or of a part of it, for as long as it is shown; `?` lists them under the name. */
export function useShortcuts(name: string, shortcuts: Shortcut[]) {
  const current = useRef(shortcuts);
  current.current = shortcuts;
  const shape = JSON.stringify(shortcuts.map((s) => [s.keys, s.label]));
  // What a key does may change with each render; which keys there are changes seldom.
  useEffect(() => {
    const bound = current.current.map((s, i) => ({ ...s, run: () => current.current[i]?.run() }));
    const section = { name, shortcuts: bound };
    change([...sections, section]);
    const unbind = tinykeys(
      window,
      Object.fromEntries(
        bound.map((s) => [
          s.keys,
          (e: KeyboardEvent) => {
            e.preventDefault(); // else "/" types itself into the field that it brings the focus to
            s.run();
          },
        ]),
      ),
      { ignore: elsewhere },
    );
    return () => {
      unbind();
      change(sections.filter((s) => s !== section));
    };
  }, [name, shape]);
}

/** What keys do now, page by page; those of the whole product first. */
export const useBoundShortcuts = () =>
  useSyncExternalStore(
    (tell) => {
      listeners.add(tell);
      return () => listeners.delete(tell);
    },
    () => sections,
  );

/** Moves the focus to the search field of the page, which carries data-page-search. */
export function focusSearch() {
  const field = document.querySelector<HTMLInputElement>("[data-page-search]");
  field?.focus();
  field?.select();
}
