import { notifications } from "@mantine/notifications";
import { useCallback, useEffect, useRef, useState } from "react";
import { sentence } from "./format";

export type SaveState = "saved" | "waiting" | "saving" | "failed";

/**
 * Saves a value some moments after it was last changed, one save at a time. save answers with what was wrong, or with
 * nothing; a save that throws has failed too. flush saves at once and says whether all is saved. What is not saved when
 * the page is left is saved then, and a toast tells when that was refused; before the tab is closed the browser asks.
 */
export function useAutosave<T>(value: T, save: (value: T) => Promise<string>, delay = 600) {
  const text = JSON.stringify(value);
  const saved = useRef(text);
  const current = useRef({ value, text, save });
  current.current = { value, text, save };
  const running = useRef<Promise<string>>(Promise.resolve(""));
  const [state, setState] = useState<SaveState>("saved");
  const saveAll = useCallback(() => {
    running.current = running.current.then(async () => {
      const { value: now, text: nowText, save: saveNow } = current.current;
      if (nowText === saved.current) {
        setState("saved");
        return "";
      }
      setState("saving");
      let wrong: string;
      try {
        wrong = await saveNow(now);
      } catch (e) {
        wrong = e instanceof Error ? e.message : String(e);
      }
      if (!wrong) saved.current = nowText;
      setState(wrong ? "failed" : current.current.text === nowText ? "saved" : "waiting");
      return wrong;
    });
    return running.current;
  }, []);
  const flush = useCallback(async () => !(await saveAll()), [saveAll]);
  useEffect(() => {
    if (text !== saved.current) setState("waiting");
    const timer = setTimeout(saveAll, delay);
    return () => clearTimeout(timer);
  }, [text, saveAll, delay]);
  useEffect(() => {
    const ask = (e: BeforeUnloadEvent) => {
      if (current.current.text !== saved.current) e.preventDefault();
    };
    window.addEventListener("beforeunload", ask);
    return () => {
      window.removeEventListener("beforeunload", ask);
      void saveAll().then((wrong) => {
        if (wrong)
          notifications.show({
            color: "red",
            title: "Your last changes were not saved",
            message: sentence(wrong),
            autoClose: 8000,
          });
      });
    };
  }, [saveAll]);
  return { state, flush };
}

export const saveText: Record<SaveState, string> = {
  saved: "Saved",
  waiting: "Saving…",
  saving: "Saving…",
  failed: "Not saved",
};
