import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { type CombinedError, createRequest, type TypedDocumentNode, useClient } from "urql";
import { pipe, subscribe } from "wonka";

type Connection<Row> = { pageInfo: { hasNextPage: boolean; endCursor?: string | null }; nodes: readonly Row[] };
type Paged = { after?: string | null };
type Read<Data> = {
  list: string;
  cursors: string[];
  data: Record<string, Data>;
  failed?: { cursor: string; error: CombinedError };
  retried?: string; // the cursor that was asked for again after it had failed
  fresh: number;
};

/** How far lists were read, for whoever comes back to one: the cursors of its pages, the first of which is "". */
const depths = new Map<string, string[]>();
const mostLists = 30;
function keepDepth(list: string, cursors: string[]) {
  depths.delete(list);
  depths.set(list, cursors);
  for (const oldest of [...depths.keys()].slice(0, -mostLists)) depths.delete(oldest);
}

/**
 * A list that is read page by page as somebody scrolls. Its rows are those of the cache, so that a change shows in all
 * pages, and whoever comes back to it finds at once all that they had read, where it was.
 */
export function useEndless<Data, Variables extends Paged, Row extends { id: string }>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Omit<Variables, "after">,
  pick: (data: Data) => Connection<Row>,
  pause = false,
) {
  const client = useClient();
  const list = JSON.stringify(variables);
  const of = (cursor: string) => createRequest(document, { ...variables, after: cursor || null } as Variables);
  const begin = (fresh: number): Read<Data> => {
    const kept = fresh ? [""] : (depths.get(list) ?? [""]);
    const data: Record<string, Data> = {};
    if (!fresh)
      for (const cursor of kept) {
        const known = client.readQuery(document, of(cursor).variables, { requestPolicy: "cache-only" });
        if (!known?.data) break;
        data[cursor] = known.data;
      }
    return { list, cursors: kept.slice(0, Math.max(1, Object.keys(data).length)), data, fresh };
  };
  const [state, setState] = useState(() => begin(0));
  const now = state.list === list ? state : begin(0);
  if (now !== state) setState(now);

  // The pages that follow one another: when an earlier one has changed its end, those behind it are of another list.
  // They are the same array until something comes, so that scrolling through ten thousand does not gather them again.
  const { rows, last, whole } = useMemo(() => {
    const rows: Row[] = [];
    const seen = new Set<string>();
    let last: Connection<Row> | undefined;
    let whole = 0;
    for (const cursor of now.cursors) {
      const data = now.data[cursor];
      if (!data || (last && last.pageInfo.endCursor !== cursor)) break;
      last = pick(data);
      for (const row of last.nodes) {
        if (!seen.has(row.id)) rows.push(row);
        seen.add(row.id);
      }
      whole++;
    }
    return { rows, last, whole };
  }, [now.cursors, now.data]);
  const next = now.cursors[whole];
  const torn = next !== undefined && last !== undefined && last.pageInfo.endCursor !== next;
  const fetching = !pause && next !== undefined && !torn && !now.failed;

  const listening = useRef(new Map<string, () => void>());
  useEffect(
    () => () => {
      for (const stop of listening.current.values()) stop();
      listening.current.clear();
    },
    [client, list, now.fresh],
  );
  useEffect(() => {
    if (pause) return;
    keepDepth(list, now.cursors);
    for (const cursor of now.cursors) {
      if (listening.current.has(cursor)) continue;
      const first = now.cursors.length === 1;
      const anew = (first && now.fresh > 0) || now.retried === cursor;
      const requestPolicy = anew ? "network-only" : first ? "cache-and-network" : "cache-first";
      const { unsubscribe } = pipe(
        client.executeQuery(of(cursor), { requestPolicy }),
        subscribe(({ data, error }) =>
          setState((s) => {
            if (s.list !== list) return s;
            const before = s.failed?.cursor === cursor ? undefined : s.failed;
            if (data) return { ...s, failed: before, data: { ...s.data, [cursor]: data } };
            // What is known stays when it was asked for again by itself; who asked for it is told.
            const told = error && (!s.data[cursor] || (s.fresh > 0 && cursor === ""));
            return { ...s, failed: told ? { cursor, error } : before };
          }),
        ),
      );
      listening.current.set(cursor, unsubscribe);
    }
  }, [client, list, now.cursors, now.fresh, now.retried, pause]);
  useEffect(() => {
    if (!torn) return;
    for (const [cursor, stop] of listening.current)
      if (!now.cursors.slice(0, whole).includes(cursor)) {
        stop();
        listening.current.delete(cursor);
      }
    setState((s) => (s.list === list ? { ...s, cursors: s.cursors.slice(0, whole) } : s));
  }, [torn, whole, list, now.cursors]);

  const end = last?.pageInfo.hasNextPage ? last.pageInfo.endCursor : null;
  return {
    rows,
    /** The pages that were read, in their order. */
    pages: now.cursors.slice(0, whole).map((cursor) => ({ cursor, rows: pick(now.data[cursor] as Data).nodes.length })),
    /** The answer that has the first page. */
    first: now.data[""],
    /** Whether anything has come yet, be it no rows. */
    known: whole > 0,
    more: Boolean(end),
    fetching,
    /** Of the page that did not come; those before it stay. */
    error: now.failed?.error,
    /** Asks again for the page that did not come. */
    retry: useCallback(
      () =>
        setState((s) => {
          if (s.list !== list || !s.failed) return s;
          const { cursor } = s.failed;
          listening.current.get(cursor)?.();
          listening.current.delete(cursor);
          return { ...s, cursors: [...s.cursors], failed: undefined, retried: cursor };
        }),
      [list],
    ),
    /** Reads on, unless that is under way. */
    next: useCallback(() => {
      if (!end) return;
      setState((s) => (s.list === list && s.cursors.at(-1) !== end ? { ...s, cursors: [...s.cursors, end] } : s));
    }, [end, list]),
    /** Begins again with the first page, as the server has it now. */
    again: useCallback(() => setState((s) => ({ list, cursors: [""], data: s.data, fresh: s.fresh + 1 })), [list]),
  };
}
