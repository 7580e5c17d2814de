import { t } from "@lingui/core/macro";
import { useCallback, useEffect, useRef, useState } from "react";
import { sentence } from "./format";
import { notifications } from "./notifications";

export type SaveState = "saved" | "waiting" | "saving" | "failed";

/** A save was refused because somebody else has changed the thing, and the person has decided about what is theirs. */
export type Outdated = { wrong: string; choice: "edit" | "discard" };

/**
 * Saves a value some moments after it was last changed, one save at a time. save answers with what was wrong, or with
 * nothing; a save that throws has failed too. flush saves at once and says whether all is saved. What is not saved when
 * the page is left is saved then, and a toast tells when that was refused; before the tab is closed the browser asks.
 * Who goes on editing what somebody else has changed is asked again only by flush; what is discarded is not saved.
 */
export function useAutosave<T>(value: T, save: (value: T) => Promise<string | Outdated>, delay = 600) {
  const text = JSON.stringify(value);
  const saved = useRef(text);
  const current = useRef({ value, text, save });
  current.current = { value, text, save };
  const running = useRef<Promise<string>>(Promise.resolve(""));
  const held = useRef(false); // nothing is saved but by flush
  const [state, setState] = useState<SaveState>("saved");
  const saveAll = useCallback(() => {
    running.current = running.current.then(async () => {
      const { value: now, text: nowText, save: saveNow } = current.current;
      if (nowText === saved.current) {
        held.current = false;
        setState("saved");
        return "";
      }
      setState("saving");
      let answer: string | Outdated;
      try {
        answer = await saveNow(now);
      } catch (e) {
        answer = e instanceof Error ? e.message : String(e);
      }
      const { wrong, choice } = typeof answer === "string" ? { wrong: answer, choice: undefined } : answer;
      held.current = choice === "edit";
      if (choice === "discard") saved.current = current.current.text;
      else if (!wrong) saved.current = nowText;
      setState(wrong ? "failed" : current.current.text === nowText ? "saved" : "waiting");
      return wrong;
    });
    return running.current;
  }, []);
  const flush = useCallback(async () => !(await saveAll()), [saveAll]);
  useEffect(() => {
    if (held.current && text !== saved.current) return;
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
            title: t`Your last changes were not saved`,
            message: sentence(wrong),
            autoClose: 8000,
          });
      });
    };
  }, [saveAll]);
  return { state, flush };
}

export const saveText: Record<SaveState, string> = {
  saved: t`Saved`,
  waiting: t`Saving…`,
  saving: t`Saving…`,
  failed: t`Not saved`,
};
