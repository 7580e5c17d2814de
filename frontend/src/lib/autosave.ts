import { useCallback, useEffect, useRef, useState } from "react";

export type SaveState = "saved" | "waiting" | "saving" | "failed";

/**
 * Saves a value some moments after it was last changed, one save at a time. flush saves at once and says whether all is
 * saved. What is not saved when the page is left is saved then; before the tab is closed the browser asks.
 */
export function useAutosave<T>(value: T, save: (value: T) => Promise<boolean>, delay = 600) {
  const text = JSON.stringify(value);
  const saved = useRef(text);
  const current = useRef({ value, text, save });
  current.current = { value, text, save };
  const running = useRef<Promise<boolean>>(Promise.resolve(true));
  const [state, setState] = useState<SaveState>("saved");
  const flush = useCallback(() => {
    running.current = running.current.then(async () => {
      const { value: now, text: nowText, save: saveNow } = current.current;
      if (nowText === saved.current) return true;
      setState("saving");
      const ok = await saveNow(now);
      if (ok) saved.current = nowText;
      setState(!ok ? "failed" : current.current.text === nowText ? "saved" : "waiting");
      return ok;
    });
    return running.current;
  }, []);
  useEffect(() => {
    if (text === saved.current) return;
    setState("waiting");
    const timer = setTimeout(flush, delay);
    return () => clearTimeout(timer);
  }, [text, flush, delay]);
  useEffect(() => {
    const ask = (e: BeforeUnloadEvent) => {
      if (current.current.text !== saved.current) e.preventDefault();
    };
    window.addEventListener("beforeunload", ask);
    return () => {
      window.removeEventListener("beforeunload", ask);
      void flush();
    };
  }, [flush]);
  return { state, flush };
}

export const saveText: Record<SaveState, string> = {
  saved: "Saved",
  waiting: "Saving…",
  saving: "Saving…",
  failed: "Not saved",
};
