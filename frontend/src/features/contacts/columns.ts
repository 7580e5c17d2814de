import { t } from "@lingui/core/macro";
import { useState } from "react";
import { useSession } from "../../app/session";

/** The columns that a contact has beside its name and its attributes. */
export const fixedColumns = {
  number: t`Number`,
  consent: t`Consent`,
  region: t`Country`,
  timeZone: t`Time zone`,
  locale: t`Language`,
  createdAt: t`Added`,
} as const;
export type FixedColumn = keyof typeof fixedColumns;

export type Density = "comfortable" | "compact";
/** How somebody wants the table: the columns in their order, attributes as "attributes.city". */
export type Layout = { columns: string[]; density: Density };

export const firstLayout: Layout = {
  columns: ["number", "consent", "region", "timeZone", "createdAt"],
  density: "comfortable",
};

/** The key of an attribute's column; undefined: it is another column. */
export const attributeOf = (column: string) =>
  column.startsWith("attributes.") ? column.slice("attributes.".length) : undefined;
export const columnOf = (key: string) => `attributes.${key}`;

/** Reads what was kept; what another version wrote, or somebody broke, is as if nothing was. */
export function layoutOf(text: string | null): Layout {
  try {
    const kept = JSON.parse(text ?? "") as Partial<Layout>;
    if (!Array.isArray(kept.columns)) return firstLayout;
    const known = kept.columns.filter((c) => typeof c === "string" && (c in fixedColumns || attributeOf(c)));
    return { columns: [...new Set(known)], density: kept.density === "compact" ? "compact" : "comfortable" };
  } catch {
    return firstLayout;
  }
}

/** A column that is chosen comes where the menu has it: those of all contacts first, then attributes as chosen. */
export function withColumn(columns: readonly string[], column: string, on: boolean): string[] {
  const left = columns.filter((c) => c !== column);
  if (!on) return left;
  const order = Object.keys(fixedColumns);
  const fixed = [...left, column].filter((c) => order.includes(c)).sort((a, b) => order.indexOf(a) - order.indexOf(b));
  return [...fixed, ...[...left, column].filter((c) => !order.includes(c))];
}

/** A value by the path that segments and templates name it by. */
export function valueAt(attributes: Record<string, unknown>, path: string): unknown {
  if (path in attributes) return attributes[path];
  const inner = (of: unknown, name: string) =>
    of !== null && typeof of === "object" ? (of as Record<string, unknown>)[name] : undefined;
  return path.split(".").reduce<unknown>(inner, attributes);
}

/** The layout of the table, kept in this browser for each operator. */
export function useLayout(): [Layout, (next: Layout) => void] {
  const key = `contacts:layout:${useSession().viewer.id}`;
  const [layout, setLayout] = useState(() => {
    try {
      return layoutOf(localStorage.getItem(key));
    } catch {
      return firstLayout; // storage is closed to the page
    }
  });
  return [
    layout,
    (next) => {
      setLayout(next);
      try {
        localStorage.setItem(key, JSON.stringify(next));
      } catch {
        // closed or full: it holds until the page is left
      }
    },
  ];
}
