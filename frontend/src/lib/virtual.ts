import { useWindowVirtualizer, type VirtualItem } from "@tanstack/react-virtual";
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";

/** How high the rows of the lists that were shown last are: who comes back stands where they stood. */
const heights = new Map<string, VirtualItem[]>();
const mostLists = 10;

/**
 * The rows of a long table that are near the window, and how high what stands before and behind them is: a million rows
 * are as light as the thirty on the screen. Whatever is near the end asks for more.
 */
export function useVirtualRows(props: {
  /** What is listed; another filter is another list. */
  list: string;
  /** The same array as long as the rows are the same. */
  ids: readonly string[];
  height: number;
  more: boolean;
  onMore: () => void;
}) {
  const { list, ids, more, onMore } = props;
  const body = useRef<HTMLTableSectionElement>(null);
  const [top, setTop] = useState(0);
  // What stands above the table may grow and shrink: then the page does. Asked while somebody scrolls, where the table
  // begins would cost a layout of the page with each step.
  useLayoutEffect(() => {
    const find = () => setTop(body.current ? Math.round(body.current.getBoundingClientRect().top + window.scrollY) : 0);
    find();
    const watch = new ResizeObserver(find);
    watch.observe(document.body);
    return () => watch.disconnect();
  }, [list]);
  const keyOf = useCallback((i: number) => ids[i] ?? i, [ids]); // a new one would have all rows measured anew
  const virtual = useWindowVirtualizer({
    count: ids.length,
    estimateSize: () => props.height,
    getItemKey: keyOf,
    overscan: 12,
    scrollMargin: top,
    initialMeasurementsCache: heights.get(list),
  });
  const height = useRef(props.height);
  useEffect(() => {
    if (height.current !== props.height) virtual.measure();
    height.current = props.height;
  }, [props.height, virtual]);
  useEffect(
    () => () => {
      heights.delete(list);
      heights.set(list, virtual.takeSnapshot());
      for (const oldest of [...heights.keys()].slice(0, -mostLists)) heights.delete(oldest);
    },
    [list, virtual],
  );
  const items = virtual.getVirtualItems();
  const last = items.at(-1);
  const atEnd = (last?.index ?? -1) >= ids.length - 15;
  useEffect(() => {
    if (more && atEnd) onMore();
  }, [more, atEnd, onMore]);
  return {
    body,
    items: items.map((i) => ({ index: i.index, key: i.key })),
    measure: virtual.measureElement,
    before: items[0] ? items[0].start - top : 0,
    behind: last ? virtual.getTotalSize() - (last.end - top) : 0,
  };
}
