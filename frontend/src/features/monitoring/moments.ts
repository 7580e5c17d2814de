import { locale } from "../../lib/language";
import { dayKey, zoned } from "../../lib/zone";

const seconds = zoned(locale, { dateStyle: "medium", timeStyle: "medium" });

/** A moment as a log tells it, to the second: "Nov 25, 2026, 6:54:12 PM". */
export const logMoment = (s: string) => seconds(new Date(s));

/** Whether a moment is of the present day in the zone that all pages show. */
export const isToday = (s: string, now = Date.now()) => dayKey(new Date(s)) === dayKey(now);
