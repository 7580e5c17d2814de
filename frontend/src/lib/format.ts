import { plural, t } from "@lingui/core/macro";
import type { ErrorClass } from "../gql/graphql";
import { language, locale } from "./language";
import { terms } from "./terms";
import { ahead, dayKey, isToday, midnight, momentNamed, zoned } from "./zone";

const whole = new Intl.NumberFormat(locale);
const compact = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
const percents = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 });
const percentTenths = new Intl.NumberFormat(locale, {
  style: "percent",
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});
const moments = zoned(locale, { dateStyle: "medium", timeStyle: "short" });
const momentsToTheSecond = zoned(locale, { dateStyle: "medium", timeStyle: "medium" });
const days = zoned(locale, { dateStyle: "medium" });
const daysOfYear = zoned(locale, { month: "short", day: "numeric" });
const clock = zoned(locale, { timeStyle: "medium" });
const shortClock = zoned(locale, { timeStyle: "short" });

export const count = (n: number | null | undefined) => (n == null ? "–" : whole.format(n));
/** A number that is counted to most and no further: "999", "1,000+" */
export const countedTo = (n: number, most: number) => (n > most ? `${count(most)}+` : count(n));
/** How far unread conversations are counted, by the server. */
export const mostUnread = 1000;
const exacts = new Intl.NumberFormat(locale, { maximumFractionDigits: 20 });
/** A number as somebody gave it, with all of its digits: "1,234.75" */
export const exact = (n: number) => exacts.format(n);
export const decimal = (n: number) => compact.format(n);
/** "4,687 contacts", by itself; within a sentence the plural stands there, for languages that decline. */
export const contacts = (n: number) => plural(n, { one: "# contact", other: "# contacts" });
/** "1 message", likewise */
export const messages = (n: number) => plural(n, { one: "# message", other: "# messages" });

/** "1 person", likewise */
export const people = (n: number) => plural(n, { one: "# person", other: "# people" });

const together = new Intl.ListFormat(locale, { type: "conjunction" });
/** "Mon, Tue and Fri" */
export const allOf = (items: readonly string[]) => together.format(items);

const either = new Intl.ListFormat(locale, { type: "disjunction" });
/** "Mon, Tue or Fri" */
export const oneOf = (items: readonly string[]) => either.format(items);

type Money = { amount: string; currency: string };
/** "$1,234.50", and of what is less than one as many digits as it has: "$0.0618" */
export const money = (m: Money) =>
  new Intl.NumberFormat(locale, {
    style: "currency",
    currency: m.currency,
    minimumFractionDigits: 2,
    maximumFractionDigits: Math.abs(Number(m.amount)) < 1 ? 6 : 2,
  }).format(Number(m.amount));
/** Amounts that stand below one another have as many digits as the one that has most: "$0.600" below "$0.465" */
export function moneyIn(column: readonly Money[]) {
  const small = column.filter((m) => Math.abs(Number(m.amount)) < 1);
  const digits = Math.max(2, ...small.map((m) => /\.(\d*?)0*$/.exec(m.amount)?.[1]?.length ?? 0));
  const among = { minimumFractionDigits: Math.min(6, digits), maximumFractionDigits: Math.min(6, digits) };
  return (m: Money) =>
    new Intl.NumberFormat(locale, { style: "currency", currency: m.currency, ...among }).format(Number(m.amount));
}
/** "$12.00 to $15.50", or one amount where both are the same */
export const moneyRange = (low: Money, high: Money) =>
  low.amount === high.amount ? money(high) : t`${money(low)} to ${money(high)}`;
export const percent = (n: number) => percents.format(n);
/** The same where it stands in a column: "60.0%" under "59.3%" */
export const percentOf = (share: number) => percentTenths.format(share);
/** What stands behind the number in a field for one: "%", and in languages that part the two " %". */
export const percentSign = percents.format(0).replace("0", "");
const tenths = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
/** A difference of shares in percentage points, "3.1" of 0.031, with a true minus. */
export const points = (n: number) => tenths.format(Math.round(n * 1000) / 10 || 0).replace("-", "−");
export const moment = (s: string | null | undefined) => (s ? moments(new Date(s)) : "–");
/** As a log tells it: "Nov 25, 2026, 6:54:12 PM". */
export const momentToTheSecond = (s: string) => momentsToTheSecond(new Date(s));
export const day = (s: string) => days(new Date(s));
const dates = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone: "UTC" });
/** A day of the calendar, which is the same in every zone: "2026-11-26" as "Nov 26, 2026" */
export const date = (s: string) => dates.format(new Date(`${s}T00:00:00Z`));
/** A moment as an input of type datetime-local shows it, to the minute or the second. */
export const localInput = (at: Date, to: "minute" | "second" = "minute") =>
  new Date(at.getTime() + ahead(at.getTime())).toISOString().slice(0, to === "minute" ? 16 : 19);
/**
 * The moment that such an input holds, as the API takes it; undefined: none, such as one of the year 20266. An input that
 * still shows the moment with which it began holds that one: it cannot say which of two equal hours is meant, nor shows
 * what is smaller than its last figure.
 */
export function momentOf(input: string, began?: string | null, to?: "minute" | "second"): string | undefined {
  return began && localInput(new Date(began), to) === input ? began : momentNamed(input)?.toISOString();
}
export const noMoment = (input: string) => t`“${input}” is not a date and time of the years 1 to 9999`;
/** "6:54 PM" */
export const timeOnly = (s: string) => shortClock(new Date(s));
const clockFace = new Intl.DateTimeFormat(locale, { timeStyle: "short", timeZone: "UTC" });
/** A time of day by nobody's clock yet, as clocks are read here: "9:00 PM" of "21:00". */
export function timeOfClock(s: string): string {
  const at = new Date(`2000-01-01T${s}Z`);
  return Number.isNaN(at.getTime()) ? s : clockFace.format(at);
}
/** "9:00 PM to 8:00 AM" */
export const spanOfClock = (from: string, to: string) => t`${timeOfClock(from)} to ${timeOfClock(to)}`;
/** To the second: "6:54:12 PM". */
export const timeOfDay = (s: string) => clock(new Date(s));

/** How long something takes or took: "less than 1 s", "3 min 20 s", "2 h", "3 days". The one way to say it on the pages. */
export function duration(seconds: number): string {
  if (seconds < 1) return t`less than 1 s`;
  const s = Math.round(seconds);
  if (s < 60) return t`${s} s`;
  if (s < 3600) return s % 60 ? t`${Math.floor(s / 60)} min ${s % 60} s` : t`${s / 60} min`;
  const minutes = Math.round(s / 60);
  if (minutes < 48 * 60)
    return minutes % 60 ? t`${Math.floor(minutes / 60)} h ${minutes % 60} min` : t`${minutes / 60} h`;
  return plural(Math.round(minutes / (24 * 60)), { one: "# day", other: "# days" });
}

/** "5 hours", and "3 days" of whole days */
export const hours = (n: number) =>
  n % 24 === 0 ? plural(n / 24, { one: "# day", other: "# days" }) : plural(n, { one: "# hour", other: "# hours" });

const relative = new Intl.RelativeTimeFormat(locale, { numeric: "always" });

const sameYear = (a: Date, b: number) => dayKey(a).slice(0, 4) === dayKey(b).slice(0, 4);

/** How long ago something was, as short as a list needs it: "just now", "5 min ago", "3 h ago", "Nov 24". */
export function ago(s: string, now = Date.now()): string {
  const at = new Date(s);
  const minutes = Math.floor((now - at.getTime()) / 60_000);
  if (minutes < 0) return moments(at);
  if (minutes < 1) return t`just now`;
  if (minutes < 60) return t`${minutes} min ago`;
  if (minutes < 24 * 60) return t`${Math.floor(minutes / 60)} h ago`;
  if (at >= midnight(now, -1)) return t`yesterday`;
  return (sameYear(at, now) ? daysOfYear : days)(at);
}

/** How far away a moment is: "in 3 days", "20 minutes ago". */
export function fromNow(s: string, now = Date.now()): string {
  const minutes = Math.round((new Date(s).getTime() - now) / 60_000);
  if (Math.abs(minutes) < 60) return relative.format(minutes, "minute");
  if (Math.abs(minutes) < 48 * 60) return relative.format(Math.round(minutes / 60), "hour");
  return relative.format(Math.round(minutes / (24 * 60)), "day");
}

/** "opted_in" → "Opted in" */
export function words(s: string): string {
  const known = terms[s.toLowerCase()];
  if (known) return known;
  const text = s
    .toLowerCase()
    .replaceAll("_", " ")
    .replace(/\bopt (in|out)\b/, "opt-$1");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** A text that begins a line: "Every Monday" of "every Monday". */
export const capital = (s: string) => s.charAt(0).toUpperCase() + s.slice(1);

/** A name or a value as it stands within a sentence. */
export const quoted = (s: string) => t`“${s}”`;

/**
 * A text as it stands within a sentence. German writes nouns with a capital anywhere, so there it stays as it is, and
 * names keep theirs everywhere.
 */
export const midSentence = (s: string) =>
  language !== "de" && /^(?!(Meta|Twilio)\b)\p{Lu}\p{Ll}+(?!\p{L})/u.test(s)
    ? s.charAt(0).toLowerCase() + s.slice(1)
    : s;

/** An error's text as a sentence. */
export function sentence(s: string): string {
  const text = s.trim();
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?…]$/.test(text) ? "" : ".");
}

export function bytes(n: number): string {
  if (n < 1024) return t`${n} B`;
  if (n < 1 << 20) return t`${decimal(n / 1024)} KB`;
  return t`${decimal(n / (1 << 20))} MB`;
}

/** What an error class means for the message. */
export const errorClasses: Record<ErrorClass, string> = {
  RETRY: t`Temporary, retrying`,
  AMBIGUOUS: t`Unclear: looked up`,
  FIX_FIRST: t`Needs a fix`,
  PERMANENT_MESSAGE: t`Permanent (message)`,
  PERMANENT_CONTACT: t`Permanent (contact)`,
};

/** Why a message had to wait. */
export const waitText = (reason: string) =>
  ({
    quiet_hours: t`Quiet hours`,
    local_time: t`Their local time`,
    best_hour: t`The hour in which they usually read`,
    frequency_cap: t`Another campaign was writing to them`,
    retry: t`Twilio's limits and temporary errors`,
    budget: t`The budget was used up`,
    winner: t`The winner of the test`,
    portfolio_limit: t`WhatsApp's limit of people a day`,
    pilot: t`A look at the first messages`,
  })[reason] ?? t`Hours by law: ${words(reason)}`;

/** Why a message waits now, after "waits until …". */
export const holdText = (reason: string) =>
  ({
    quiet_hours: t`quiet hours`,
    local_time: t`their local time`,
    best_hour: t`the hour in which they usually read`,
    frequency_cap: t`another campaign was writing to them`,
    retry: t`Twilio refused the call for now`,
    redeliver: t`the attempt before failed`,
    budget: t`the budget was used up`,
    portfolio_limit: t`WhatsApp's limit of people a day`,
    pilot: t`somebody looks at the first messages`,
    reconciled: t`Twilio never took it`,
    operator: t`sent again by an operator`,
  })[reason] ?? t`hours by law: ${words(reason)}`;

/** "waits until Nov 25, 2026, 9:00 AM (quiet hours)"; null where a message waits for nothing. */
export function waits(m: { notBefore?: string | null; notBeforeReason?: string | null }): string | null {
  if (m.notBeforeReason === "winner") return t`waits for the winner of the test`; // which has no time of its own
  return m.notBefore ? t`waits until ${moment(m.notBefore)} (${holdText(m.notBeforeReason ?? "")})` : null;
}

/** How long a mark on a contact lasts: "until Dec 25, 2026", to the minute when it ends soon. */
export function untilText(until: string | null | undefined, now = Date.now()): string {
  if (!until) return t`for now`;
  const end = new Date(until).getTime() - now < 48 * 3_600_000 ? moment(until) : day(until);
  return t`until ${end}`;
}

const skipTexts: Record<string, string> = {
  holdout: t`Held out, to compare with`,
  standing_holdout: t`Held out of all marketing, to compare with`,
  not_subscribed: t`Not subscribed to the topic`,
  no_consent: t`No consent recorded`,
  opted_out: t`Opted out`,
  suppressed: t`Suppressed`,
  erased: t`Erased`,
  unreachable: t`Not reachable on WhatsApp`,
  opt_out_review: t`They may have asked to stop; nobody has decided yet`,
  ineligible: t`WhatsApp delivers no marketing to them`,
  no_number: t`No number known; authentication templates need one`,
  frequency_cap: t`Had enough messages lately`,
  missing_variable: t`A value for the template is missing`,
  too_long: t`Text too long once filled in`,
  no_allowed_hours: t`No allowed hours in their zones`,
  window_closed: t`The 24-hour window was closed`,
};
export const skipText = (reason: string) => skipTexts[reason] ?? words(reason);

/** "Opted in", "Opted out of utility messages" */
export function decisionText(status: string, purpose: string | undefined): string {
  if (purpose !== "UTILITY") return words(status);
  return status === "OPTED_IN" ? t`Opted in to utility messages` : t`Opted out of utility messages`;
}

/** An entry of the consent ledger as a title. */
export const consentText = (status: string, purpose: string, source: string) =>
  t`${decisionText(status, purpose)} by ${midSentence(words(source))}`;

const wholeDay = zoned(locale, { weekday: "long", day: "numeric", month: "long" });
const wholeDate = zoned(locale, { dateStyle: "full" });

/** How old something is, in little room: "now", "5 min", "3 h", "2 d", "Nov 12", "Nov 12, 2024". */
export function age(s: string, now = Date.now()): string {
  const at = new Date(s);
  const minutes = Math.floor((now - at.getTime()) / 60_000);
  if (minutes < 1) return t`now`;
  if (minutes < 60) return t`${minutes} min`;
  if (minutes < 24 * 60) return t`${Math.floor(minutes / 60)} h`;
  if (minutes < 7 * 24 * 60) return t`${Math.floor(minutes / (24 * 60))} d`;
  return sameYear(at, now) ? daysOfYear(at) : day(s);
}

/** "Today", "Yesterday", "Tuesday, November 24", and with the year where it is another one. */
export function dayText(s: string, now = Date.now()): string {
  const at = new Date(s);
  if (isToday(at, now)) return t`Today`;
  if (dayKey(at) === dayKey(midnight(now, -1))) return t`Yesterday`;
  return (sameYear(at, now) ? wholeDay : wholeDate)(at);
}

/** The flag of a country, by its ISO code; nothing for what is none. */
export const flag = (region: string) =>
  /^[A-Z]{2}$/.test(region) && region !== "ZZ"
    ? String.fromCodePoint(...[...region].map((c) => 0x1f1e6 + c.charCodeAt(0) - 65))
    : "";

const regionNames = new Intl.DisplayNames(locale, { type: "region" });
const languageNames = new Intl.DisplayNames(locale, { type: "language" });
function named(names: Intl.DisplayNames, code: string): string {
  try {
    return names.of(code) ?? code;
  } catch {
    return code; // no code of a country or a language
  }
}
/** "Germany" */
export const country = (region: string) => region && named(regionNames, region);
/** "Brazilian Portuguese", of a BCP 47 tag or of WhatsApp's pt_BR */
export const languageName = (tag: string) => tag && named(languageNames, tag.replace("_", "-"));

/** Zones that the numbers' library knows by an old name, with the one that their place has now (IANA's "backward"). */
const renamedZones: Record<string, string> = {
  "Africa/Asmera": "Africa/Asmara",
  "America/Godthab": "America/Nuuk",
  "Asia/Calcutta": "Asia/Kolkata",
  "Asia/Katmandu": "Asia/Kathmandu",
  "Asia/Rangoon": "Asia/Yangon",
  "Asia/Saigon": "Asia/Ho_Chi_Minh",
  "Atlantic/Faeroe": "Atlantic/Faroe",
  "Pacific/Enderbury": "Pacific/Kanton",
  "Pacific/Ponape": "Pacific/Pohnpei",
  "Pacific/Truk": "Pacific/Chuuk",
};
/** A time zone as people read it: "America/Sao Paulo" */
export const zoneText = (zone: string) => (renamedZones[zone] ?? zone).replaceAll("_", " ");

/** What the clocks of a zone show now, with the day: "Fri 2:05 PM"; empty where this browser does not know the zone. */
export function clockIn(timeZone: string): string {
  try {
    const form: Intl.DateTimeFormatOptions = { weekday: "short", hour: "numeric", minute: "2-digit", timeZone };
    return new Intl.DateTimeFormat(locale, form).format();
  } catch {
    return "";
  }
}
