import { useRef, useState } from "react";

const prefix = "kept:";

function read<T>(key: string): T | undefined {
  try {
    const text = sessionStorage.getItem(prefix + key);
    return text === null ? undefined : (JSON.parse(text) as T);
  } catch {
    return undefined; // storage is closed to the page, or holds what another version wrote
  }
}

function write(key: string, value: unknown) {
  try {
    sessionStorage.setItem(prefix + key, JSON.stringify(value));
  } catch {
    // full or closed: the form works as before, it is only not kept
  }
}

function remove(key: string) {
  try {
    sessionStorage.removeItem(prefix + key);
  } catch {
    // see write
  }
}

function removeAll(which: (key: string) => boolean) {
  try {
    for (const key of Object.keys(sessionStorage)) {
      if (key.startsWith(prefix) && which(key)) sessionStorage.removeItem(key);
    }
  } catch {
    // see write
  }
}

/** Forgets everything, when somebody signs out: the next person at this browser is another one. */
export function forgetAll() {
  removeAll(() => true);
}

/**
 * State of what somebody is writing, kept in this tab until it is saved: leaving the page, a reload and an expired
 * session lose nothing. The third function forgets what was kept, once it is saved or discarded, and shows another value
 * instead.
 */
export function useKept<T>(key: string, initial: T): [T, (next: T | ((before: T) => T)) => void, (shown: T) => void] {
  const [state, setState] = useState(() => ({ key, value: read<T>(key) ?? initial }));
  // Another key is another thing: what was kept of that one, and not what is on the screen.
  const value = state.key === key ? state.value : (read<T>(key) ?? initial);
  const current = useRef(value);
  current.current = value;
  const show = (next: T) => {
    current.current = next;
    setState({ key, value: next });
  };
  const set = (next: T | ((before: T) => T)) => {
    show(typeof next === "function" ? (next as (before: T) => T)(current.current) : next);
    write(key, current.current);
  };
  const forget = (shown: T) => {
    show(shown);
    remove(key);
  };
  return [value, set, forget];
}

/** Forgets what is kept of the thing with an id: somebody wants to see what the server has of it. */
export function discardOf(id: string) {
  removeAll((key) => key.endsWith(`:${id}`));
}

/**
 * What somebody changes of a thing, kept as above until it is saved, when forget keeps it on the screen only, or
 * discarded, which shows the thing as it was when its form was opened.
 */
export function useDraft<T extends object>(key: string, thing: T) {
  const [saved] = useState(thing);
  const [kept, set, forget] = useKept(key, saved);
  const draft = { ...saved, ...kept }; // what an earlier version kept may lack what the form has gained since
  return {
    draft,
    change: (changed: Partial<T>) => set((before) => ({ ...before, ...changed })),
    dirty: JSON.stringify(draft) !== JSON.stringify(saved),
    forget: () => forget(draft),
    discard: () => forget(saved),
  };
}
