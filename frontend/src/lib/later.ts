import { useEffect, useSyncExternalStore } from "react";

/** A part of the program that only an action shows: a dialog, a menu, a notice. */
export type Later<T> = {
  /** The part, once it is there. A failed try is forgotten: the next action tries again. */
  get: () => Promise<T>;
  /** The part, where it is there already. */
  now: () => T | undefined;
  /** Has it told when the part is there. */
  follow: (tell: () => void) => () => void;
};

const ahead = new Set<() => Promise<unknown>>();
let active = false;

/**
 * Loads a part later than the page that has it: with the first press of a key or of a pointer anywhere, which comes
 * before whatever shows it. So the first page of somebody on a slow line does not wait for it, and an action hardly does.
 */
export function later<T>(load: () => Promise<T>): Later<T> {
  let coming: Promise<T> | undefined;
  let there: T | undefined;
  const followers = new Set<() => void>();
  const get = () => {
    coming ??= load().then(
      (part) => {
        there = part;
        for (const tell of followers) tell();
        return part;
      },
      (problem) => {
        coming = undefined;
        throw problem;
      },
    );
    return coming;
  };
  if (active) unattended(get);
  else ahead.add(get);
  const follow = (tell: () => void) => {
    followers.add(tell);
    return () => void followers.delete(tell);
  };
  return { get, now: () => there, follow };
}

/** Nobody waits for it yet: who does tries again, and hears of what is wrong. */
const unattended = (get: () => Promise<unknown>) => void get().catch(() => undefined);

function begin() {
  active = true;
  for (const get of ahead) unattended(get);
  ahead.clear();
}

if (typeof window !== "undefined")
  for (const event of ["pointerdown", "keydown"]) window.addEventListener(event, begin, { capture: true, once: true });

/** A part that is loaded at the latest when it is wanted; undefined until it is there. */
export function useLater<T>(part: Later<T>, wanted = false): T | undefined {
  const there = useSyncExternalStore(part.follow, part.now);
  const load = wanted && there === undefined;
  useEffect(() => {
    if (load) part.get().catch(() => undefined); // as with all parts: after an upgrade the page is loaded anew
  }, [load, part]);
  return there;
}
