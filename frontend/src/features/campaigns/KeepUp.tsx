import { useEffect, useRef } from "react";
import { paced } from "../../lib/live";

type Page = { cursor: string; rows: number };

/** Which of the pages have some of the rows from one place to another. */
export function pagesWith(pages: readonly Page[], from: number, to: number): string[] {
  let at = 0;
  return pages.flatMap(({ cursor, rows }) => {
    const begins = at;
    at += rows;
    return at > from && begins <= to ? [cursor] : [];
  });
}

const everyMs = 3000;

/**
 * Keeps the rows of a list that are on the screen as the server has them, each time that the campaign's numbers have
 * changed: their pages are read again in place, so that nothing moves. For a list that would get other rows by that, it
 * only tells that there is something new.
 */
export function KeepUp(props: {
  counts: string;
  pages: readonly Page[];
  near: { from: number; to: number };
  inPlace: boolean;
  /** Reads the page behind a cursor from the server. */
  read: (after: string | null) => void;
  onNew: () => void;
}) {
  const newest = useRef(props);
  newest.current = props;
  const calls = useRef<ReturnType<typeof paced>>(undefined);
  useEffect(() => {
    calls.current = paced(() => {
      const { pages, near, read } = newest.current;
      for (const cursor of pagesWith(pages, near.from, near.to)) read(cursor || null);
    }, everyMs);
    return calls.current.stop;
  }, []);
  const { counts, inPlace } = props;
  const known = useRef("");
  useEffect(() => {
    if (known.current === counts) return; // another list, which is as new as it can be
    known.current = counts;
    if (inPlace) calls.current?.ask();
    else newest.current.onNew();
  }, [counts, inPlace]);
  return null;
}
