import { useEffect, useState } from "react";
import { later, useLater } from "../lib/later";

const library = later(() => import("./Hints.library"));
const delay = 300; // milliseconds for which a pointer rests on something first
const id = "hint";

/**
 * Shows what stands in `data-hint` of the element that the pointer rests on or the keyboard has reached: one for all
 * pages, so that an element with a hint costs no more than one without.
 */
export function Hints() {
  const [at, setAt] = useState<{ element: HTMLElement; text: string }>();
  const there = useLater(library, at !== undefined);
  useEffect(() => {
    let timer = 0;
    let over: HTMLElement | null = null;
    const show = (element: HTMLElement) => {
      const text = element.isConnected && element.dataset.hint;
      if (text) setAt({ element, text });
    };
    const leave = () => {
      clearTimeout(timer);
      over = null;
      setAt(undefined);
    };
    const of = (e: Event) => (e.target instanceof Element ? e.target.closest<HTMLElement>("[data-hint]") : null);
    const pointed = (e: PointerEvent) => {
      const element = of(e);
      if (e.pointerType !== "mouse" || element === over) return;
      if (element?.ariaExpanded === "true") return leave(); // what it opened lies there
      leave();
      over = element;
      if (!element) return;
      void library.get().catch(() => undefined);
      timer = window.setTimeout(show, delay, element);
    };
    const focused = (e: FocusEvent) => {
      const element = of(e);
      if (element?.matches(":focus-visible")) show(element);
    };
    const pressed = (e: KeyboardEvent) => e.key === "Escape" && leave();
    const stop = new AbortController();
    const { signal } = stop;
    document.addEventListener("pointerover", pointed, { signal });
    document.documentElement.addEventListener("pointerleave", leave, { signal });
    document.addEventListener("pointerdown", leave, { signal, capture: true });
    document.addEventListener("focusin", focused, { signal });
    document.addEventListener("focusout", leave, { signal });
    document.addEventListener("keydown", pressed, { signal, capture: true });
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, []);
  useEffect(() => {
    if (!at) return;
    const { element } = at;
    const gone = new MutationObserver(() => !element.isConnected && setAt(undefined));
    gone.observe(document.body, { childList: true, subtree: true });
    const described = !element.hasAttribute("aria-describedby");
    if (described) element.setAttribute("aria-describedby", id);
    return () => {
      gone.disconnect();
      if (described) element.removeAttribute("aria-describedby");
    };
  }, [at]);
  if (!at || !there) return null;
  return (
    <there.Tooltip key={at.text} id={id} target={at.element} label={at.text} opened withArrow multiline maw={340} />
  );
}
