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

/** The key before the one that is pressed, and when it was. */
let before = { key: "", at: 0 };
let last = before;
if (typeof window !== "undefined")
  window.addEventListener(
    "keydown",
    (e) => {
      before = last;
      last = { key: e.key, at: e.timeStamp };
    },
    true,
  );
/** Whether a key is the second of several, as "e" in "g e": then it is no command of its own. */
const follows = (e: KeyboardEvent) =>
  e.timeStamp - before.at < 1000 && sections.some((s) => s.shortcuts.some((k) => k.keys.startsWith(`${before.key} `)));

/**
 * Keys belong to a dialog while one is open, to a menu or a list that has the focus, and without Ctrl or Cmd to a field
 * while somebody types in it. Arrows also belong to what they scroll.
 */
const elsewhere = (e: KeyboardEvent) => {
  const at = e.target instanceof Element ? e.target : null;
  return (
    document.querySelector('[role="dialog"]') !== null ||
    Boolean(at?.closest('[role="menu"], [role="listbox"]')) ||
    (e.key.startsWith("Arrow") && Boolean(at?.closest('[role="region"], [role="radiogroup"], [role="tablist"]'))) ||
    (!e.ctrlKey &&
      !e.metaKey &&
      (defaultKeybindingsHandlerIgnore(e) ||
        e.isComposing ||
        Boolean(at?.closest('input, textarea, select, [contenteditable]:not([contenteditable="false"])'))))
  );
};

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
            if (!s.keys.includes(" ") && follows(e)) return;
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
