import { useEffect, useLayoutEffect, useRef, useState } from "react";

/**
 * Keeps the columns of a long table as wide as its first rows made them: rows that come later would move them with each
 * step of scrolling. They are measured anew when other columns are shown and when the window changes.
 */
export function useKeptColumns(columns: string, filled: boolean) {
  const head = useRef<HTMLTableRowElement>(null);
  const [kept, setKept] = useState<{ columns: string; widths: readonly number[] } | null>(null);
  const of = kept?.columns === columns ? kept : null;
  useLayoutEffect(() => {
    if (!filled || of || !head.current) return;
    const widths = [...head.current.cells].map((cell) => cell.getBoundingClientRect().width);
    if (widths.every((w) => w > 0)) setKept({ columns, widths }); // on a phone rows are cards, and have none
  }, [filled, of, columns]);
  useEffect(() => {
    const forget = () => setKept(null);
    window.addEventListener("resize", forget);
    return () => window.removeEventListener("resize", forget);
  }, []);
  return {
    head,
    widths: of?.widths ?? null,
    style: of
      ? { tableLayout: "fixed" as const, minWidth: "100%", width: of.widths.reduce((sum, w) => sum + w, 0) }
      : undefined,
  };
}
