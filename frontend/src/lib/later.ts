import { useEffect, useSyncExternalStore } from "react";

/** A part of the program that only an action shows: a dialog, a menu, a notice. */
export type Later<T> = {
  /** The part, once it is there. A try that failed is forgotten: the next one loads it anew. */
  get: () => Promise<T>;
  /** The part, where it is there already. */
  now: () => T | undefined;
  /** Has it told when the part is there. */
  follow: (tell: () => void) => () => void;
};

const pause = 2000; // milliseconds between two tries while a part is wanted
const ahead = new Set<() => Promise<unknown>>();
let active = false;
let unwanted = 0;

/** Whether parts are on their way that nobody has asked for: that they do not come is no trouble yet. */
export const loadsAhead = () => unwanted > 0;

/**
 * Loads a part later than the page that has it: with the first press of a key or of a pointer anywhere, or the first text
 * that comes without one, which is before whatever shows it. So the first page of somebody on a slow line does not wait for it, and an action hardly does.
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
  if (active) void loadAhead(get);
  else ahead.add(get);
  const follow = (tell: () => void) => {
    followers.add(tell);
    return () => void followers.delete(tell);
  };
  return { get, now: () => there, follow };
}

async function loadAhead(get: () => Promise<unknown>) {
  unwanted++;
  try {
    await get();
  } catch {
    // whoever wants it tries again, and hears of what is wrong
  }
  unwanted--;
}

function begin() {
  active = true;
  for (const get of ahead) void loadAhead(get);
  ahead.clear();
}

if (typeof window !== "undefined")
  // Text that is dictated or filled in by the browser comes without a key.
  for (const event of ["pointerdown", "keydown", "input"])
    window.addEventListener(event, begin, { capture: true, once: true });

/** Loads a part that is wanted, over and over until it comes or stop is called. */
export function insist<T>(part: Later<T>, then: (there: T) => void): () => void {
  let timer = 0;
  let over = false;
  const attempt = () =>
    part.get().then(
      (there) => over || then(there),
      () => {
        if (!over) timer = window.setTimeout(attempt, pause);
      },
    );
  void attempt();
  return () => {
    over = true;
    clearTimeout(timer);
  };
}

/** A part that is loaded at the latest when it is wanted; undefined until it is there. */
export function useLater<T>(part: Later<T>, wanted = false): T | undefined {
  const there = useSyncExternalStore(part.follow, part.now);
  const load = wanted && there === undefined;
  useEffect(() => (load ? insist(part, () => undefined) : undefined), [load, part]);
  return there;
}
