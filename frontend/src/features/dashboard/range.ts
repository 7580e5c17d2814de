import { t } from "@lingui/core/macro";
import { count, percent, points } from "../../lib/format";
import { daysLater, midnight, momentNamed } from "../../lib/zone";

export const ranges = [
  { value: "today", label: t`Today` },
  { value: "7", label: t`7 days` },
  { value: "30", label: t`30 days` },
  { value: "90", label: t`90 days` },
  { value: "own", label: t`Custom` },
] as const;
export type RangeKey = (typeof ranges)[number]["value"];

/** A stretch of time, and the one that it is compared with: as long, and at the same time of day. */
export type Range = { key: RangeKey; from: Date; to: Date; before: { from: Date; to: Date }; compared: string };

const dayForm = /^\d{4}-\d{2}-\d{2}$/;
/** "2026-11-24" as midnight in the workspace's zone; null: it is no day. */
function dayOf(text: string | undefined): Date | null {
  if (!text || !dayForm.test(text)) return null;
  return momentNamed(`${text}T00:00:00`) ?? null;
}

/** The days of an own range that the API takes: at most 92. */
export const mostDays = 92;

/** What the address bar asks for; 7 days where it asks for nothing that there is. */
export function rangeOf(search: { range?: string; from?: string; to?: string }, now: Date): Range {
  const make = (key: RangeKey, from: Date, to: Date, days: number, compared: string): Range => ({
    key,
    from,
    to,
    before: { from: daysLater(from, -days), to: daysLater(to, -days) },
    compared,
  });
  const first = dayOf(search.from);
  const last = dayOf(search.to);
  if (search.range === "own" && first && last && first <= last) {
    const end = daysLater(last, 1);
    const days = Math.round((end.getTime() - first.getTime()) / 86_400_000);
    if (days <= mostDays && first < now)
      return make(
        "own",
        first,
        end < now ? end : now,
        days,
        days === 1 ? t`the day before` : t`the ${days} days before`,
      );
  }
  if (search.range === "today") return make("today", midnight(now), now, 1, t`yesterday until now`);
  const days = search.range === "30" ? 30 : search.range === "90" ? 90 : 7;
  return make(String(days) as RangeKey, daysLater(midnight(now), 1 - days), now, days, t`the ${days} days before`);
}

export type Change = { text: string; up: boolean | null };

/** How a number compares with the same of the period before; null: that has none. */
export function changeOf(now: number, before: number, any: boolean): Change | null {
  if (!any) return null;
  if (now === before) return { text: t`unchanged`, up: null };
  if (before === 0) return { text: t`${count(before)} before`, up: now > before };
  const by = (now - before) / before;
  return { text: `${by > 0 ? "+" : "−"}${percent(Math.abs(by))}`, up: by > 0 };
}

/** How a share compares, in percentage points. */
export function pointsOf(now: number, before: number, any: boolean): Change | null {
  if (!any) return null;
  const by = Math.round((now - before) * 1000) / 1000;
  if (by === 0) return { text: t`unchanged`, up: null };
  return { text: t`${`${by > 0 ? "+" : ""}${points(by)}`} points`, up: by > 0 };
}
