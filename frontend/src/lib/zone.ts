/** The time zone that the browser is set to, by its IANA name. */
export const ownZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

let zone = ownZone;
let clock: Intl.DateTimeFormat | undefined;

/** The zone in which all pages show times and read what is typed: the workspace's, and the browser's before it is known. */
export const zoneName = () => zone;

/** Sets it, before the pages are shown. One that this browser does not know leaves the browser's. */
export function setZone(name: string) {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    zone = name;
  } catch {
    zone = ownZone;
  }
  clock = undefined;
}

/** A form of dates and times in the zone that holds when something is written. */
export function zoned(locale: string, options: Intl.DateTimeFormatOptions) {
  let made: { zone: string; form: Intl.DateTimeFormat } | undefined;
  return (at: Date | number) => {
    if (made?.zone !== zone) made = { zone, form: new Intl.DateTimeFormat(locale, { ...options, timeZone: zone }) };
    return made.form.format(at).replace(/ (?=[AP]M\b)/g, "\u00a0"); // a time stays on one line
  };
}

type Wall = { year: number; month: number; day: number; hour: number; minute: number; second: number };

/** What calendar and clock show in the zone. */
export function wall(at: Date | number): Wall {
  clock ??= new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    calendar: "gregory",
    numberingSystem: "latn",
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  const parts = Object.fromEntries(clock.formatToParts(at).map((p) => [p.type, Number(p.value)]));
  return parts as unknown as Wall;
}

/** How far the zone's clock is ahead of UTC at a moment, in milliseconds. */
export function ahead(at: number): number {
  const w = wall(at);
  return Date.UTC(w.year, w.month - 1, w.day, w.hour, w.minute, w.second) - Math.floor(at / 1000) * 1000;
}

/** No clock is farther from UTC, nor is changed twice within as long. */
const around = 24 * 3_600_000;

/**
 * The moment at which the zone's clock shows what UTC's shows at another. As on the server, a time that the clock leaves
 * out is the first moment after the gap, and one that it shows twice is the first of the two.
 */
export function shown(utc: number): Date {
  const before = ahead(utc - around);
  const after = ahead(utc + around);
  const at = [before, after].map((offset) => utc - offset).filter((t) => t + ahead(t) === utc);
  if (at.length > 0) return new Date(Math.min(...at));
  let last = utc - after; // the clock is changed between these
  let next = utc - before;
  while (next - last > 1) {
    const middle = Math.floor((last + next) / 2);
    if (ahead(middle) === before) last = middle;
    else next = middle;
  }
  return new Date(next);
}

/** The moment of a date and a time in the zone; see shown. Days and hours beyond the month or the day go on into the next. */
export const momentAt = (year: number, month: number, day: number, hour = 0, minute = 0, second = 0) =>
  shown(Date.UTC(year, month - 1, day, hour, minute, second));

/** The moment that "2026-11-25T14:30" names in the zone; undefined: it names none. */
export function momentNamed(text: string): Date | undefined {
  const utc = Date.parse(`${text}Z`);
  return Number.isNaN(utc) ? undefined : shown(utc);
}

/** The midnight before a moment, or that of so many days later. */
export function midnight(at: Date | number, days = 0): Date {
  const w = wall(at);
  return momentAt(w.year, w.month, w.day + days);
}

/** The same time of day so many days later, whatever the clocks did. */
export function daysLater(at: Date, days: number): Date {
  const w = wall(at);
  return momentAt(w.year, w.month, w.day + days, w.hour, w.minute, w.second);
}

/** The day of a moment, "2026-11-25". */
export function dayKey(at: Date | number): string {
  const w = wall(at);
  return new Date(Date.UTC(w.year, w.month - 1, w.day)).toISOString().slice(0, 10);
}

/** Whether a moment is of the present day. */
export const isToday = (at: Date | number, now = Date.now()) => dayKey(at) === dayKey(now);
