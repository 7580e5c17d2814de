import { dayKey, momentNamed } from "../../lib/zone";
import type { LocalMoment } from "./schedule";

const day = 24 * 3_600_000;
/** The midnight of a day by UTC, which is only counted and formatted with. */
export const utc = (key: string) => new Date(`${key}T00:00:00Z`);
const keyOf = (at: number) => new Date(at).toISOString().slice(0, 10);

/** A month of the calendar, "2026-12", or the one that it is now where a text names none. */
export function monthOf(text: string | undefined, now = Date.now()): string {
  return text && /^\d{4}-(0[1-9]|1[0-2])$/.test(text) && text >= "2000" ? text : dayKey(now).slice(0, 7);
}

/** The month so many after another. */
export function monthsLater(month: string, n: number): string {
  const at = utc(`${month}-01`);
  at.setUTCMonth(at.getUTCMonth() + n);
  return keyOf(at.getTime()).slice(0, 7);
}

/** The days of the weeks that a month is in, from the first day of a week on: 1 is Monday, 7 is Sunday. */
export function daysOf(month: string, firstDay: number): string[] {
  const first = utc(`${month}-01`);
  const last = utc(`${monthsLater(month, 1)}-01`).getTime() - day;
  const from = first.getTime() - ((first.getUTCDay() - firstDay + 7) % 7) * day;
  const out: string[] = [];
  for (let at = from; at <= last || out.length % 7 !== 0; at += day) out.push(keyOf(at));
  return out;
}

/** The day on which a week begins where a language is spoken: 1 is Monday, 7 is Sunday. */
export function firstDayOf(locale: string): number {
  const l = new Intl.Locale(locale) as Intl.Locale & {
    getWeekInfo?: () => { firstDay: number };
    weekInfo?: { firstDay: number };
  };
  return (l.getWeekInfo?.() ?? l.weekInfo)?.firstDay ?? 1;
}

type Start = { at: string; local?: LocalMoment | null };

/** The moment by which a start stands in the calendar: its own, and of a local one what the clocks of its recipients show. */
export const shownAt = (s: Start): Date =>
  (s.local && momentNamed(`${s.local.date}T${s.local.time}`)) || new Date(s.at);

/** Starts by their day, each day's by time. */
export function byDay<T extends Start>(starts: readonly T[]): Map<string, T[]> {
  const out = new Map<string, T[]>();
  for (const s of [...starts].sort((a, b) => shownAt(a).getTime() - shownAt(b).getTime())) {
    const key = s.local?.date ?? dayKey(new Date(s.at));
    out.set(key, [...(out.get(key) ?? []), s]);
  }
  return out;
}
