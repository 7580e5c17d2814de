import { useState } from "react";

/** The pages of a list that grows at its end: what was read stays while the next page comes. */
export function usePages<Row extends { id: string }>() {
  const [read, setRead] = useState<{ after: string | null; rows: Row[] }>({ after: null, rows: [] });
  return {
    /** The cursor for the query. */
    after: read.after,
    /** All rows, with those of the page that has just come; one that moved between pages stands once. */
    with: (page: readonly Row[] | undefined): Row[] => {
      const known = new Set(read.rows.map((r) => r.id));
      return [...read.rows, ...(page?.filter((r) => !known.has(r.id)) ?? [])];
    },
    /** Goes on behind these rows. */
    next: (endCursor: string | null | undefined, rows: Row[]) => setRead({ after: endCursor ?? null, rows }),
    /** Begins again with the first page. */
    top: () => setRead({ after: null, rows: [] }),
  };
}
