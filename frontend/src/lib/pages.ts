import { useState } from "react";

/**
 * The pages of a list that grows at its end: what was read stays while the next page comes. Another list, such as one
 * with another filter, begins with its first page.
 */
export function usePages<Row extends { id: string }>(list = "") {
  const [state, setRead] = useState<{ list: string; after: string | null; rows: Row[] }>({
    list,
    after: null,
    rows: [],
  });
  const read = state.list === list ? state : { list, after: null, rows: [] };
  if (read !== state) setRead(read); // also when they come back to the list of before
  return {
    /** The cursor for the query. */
    after: read.after,
    /** All rows, with those of the page that has just come; one that moved between pages stands once. */
    with: (page: readonly Row[] | undefined): Row[] => {
      const known = new Set(read.rows.map((r) => r.id));
      return [...read.rows, ...(page?.filter((r) => !known.has(r.id)) ?? [])];
    },
    /** Goes on behind these rows. */
    next: (endCursor: string | null | undefined, rows: Row[]) => setRead({ list, after: endCursor ?? null, rows }),
    /** Begins again with the first page. */
    top: () => setRead({ list, after: null, rows: [] }),
  };
}
