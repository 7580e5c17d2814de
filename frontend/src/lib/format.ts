import type { ErrorClass } from "../gql/graphql";
import { ahead, dayKey, midnight, momentNamed, zoned } from "./zone";

/**
 * The words of the pages are English; how numbers, dates and times are written is the reader's: "en-DE" writes
 * 26 Nov 2026, 18:54, and "en-US" Nov 26, 2026, 6:54 PM. A browser that names no region is taken to be where its
 * language is spoken most.
 */
export function localeOf(browsers: readonly string[]): string {
  for (const tag of browsers) {
    try {
      const region = new Intl.Locale(tag).maximize().region;
      if (region) return Intl.getCanonicalLocales(`en-${region}`)[0] ?? "en";
    } catch {
      // not a language that is known: the next one
    }
  }
  return "en-US";
}
export const locale = localeOf(typeof document === "undefined" ? ["en-US"] : navigator.languages);

const whole = new Intl.NumberFormat(locale);
const compact = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
const percents = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 });
const moments = zoned(locale, { dateStyle: "medium", timeStyle: "short" });
const days = zoned(locale, { dateStyle: "medium" });
const daysOfYear = zoned(locale, { month: "short", day: "numeric" });
const clock = zoned(locale, { timeStyle: "medium" });
const shortClock = zoned(locale, { timeStyle: "short" });

export const count = (n: number | null | undefined) => (n == null ? "–" : whole.format(n));
/** "1 message", "1,200 messages" */
export const counted = (n: number, one: string, many: string) => `${count(n)} ${n === 1 ? one : many}`;
/** A number that is counted to most and no further: "999", "1,000+" */
export const countedTo = (n: number, most: number) => (n > most ? `${count(most)}+` : count(n));
/** How far unread conversations are counted, by the server. */
export const mostUnread = 1000;
export const decimal = (n: number) => compact.format(n);

type Money = { amount: string; currency: string };
/** "$1,234.50", and of what is less than one as many digits as it has: "$0.0618" */
export const money = (m: Money) =>
  new Intl.NumberFormat(locale, {
    style: "currency",
    currency: m.currency,
    minimumFractionDigits: 2,
    maximumFractionDigits: Math.abs(Number(m.amount)) < 1 ? 6 : 2,
  }).format(Number(m.amount));
/** "$12.00 to $15.50", or one amount where both are the same */
export const moneyRange = (low: Money, high: Money) =>
  low.amount === high.amount ? money(high) : `${money(low)} to ${money(high)}`;
export const percent = (n: number) => percents.format(n);
export const moment = (s: string | null | undefined) => (s ? moments(new Date(s)) : "–");
export const day = (s: string) => days(new Date(s));
/** A moment as an input of type datetime-local shows it, to the minute or the second. */
export const localInput = (at: Date, to: "minute" | "second" = "minute") =>
  new Date(at.getTime() + ahead(at.getTime())).toISOString().slice(0, to === "minute" ? 16 : 19);
/** The moment that such an input holds, as the API takes it; undefined: none, such as one of the year 20266. */
export function momentOf(input: string): string | undefined {
  return momentNamed(input)?.toISOString();
}
export const noMoment = (input: string) => `“${input}” is not a date and time of the years 1 to 9999`;
/** "6:54 PM" */
export const timeOnly = (s: string) => shortClock(new Date(s));
/** To the second: "6:54:12 PM". */
export const timeOfDay = (s: string) => clock(new Date(s));

/** "3 min 20 s" */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  const minutes = Math.round(s / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** "5 hours", and "3 days" of whole days */
export const hours = (n: number) => (n % 24 === 0 ? counted(n / 24, "day", "days") : counted(n, "hour", "hours"));

const relative = new Intl.RelativeTimeFormat("en", { numeric: "always" });

const sameYear = (a: Date, b: number) => dayKey(a).slice(0, 4) === dayKey(b).slice(0, 4);

/** How long ago something was, as short as a list needs it: "just now", "5 min ago", "3 h ago", "Nov 24". */
export function ago(s: string, now = Date.now()): string {
  const at = new Date(s);
  const minutes = Math.floor((now - at.getTime()) / 60_000);
  if (minutes < 0) return moments(at);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ago`;
  if (at >= midnight(now, -1)) return "yesterday";
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
  const text = s
    .toLowerCase()
    .replaceAll("_", " ")
    .replace(/\bopt (in|out)\b/, "opt-$1");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** An error's text as a sentence. */
export function sentence(s: string): string {
  const text = s.trim();
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?…]$/.test(text) ? "" : ".");
}

export function bytes(n: number): string {
  if (n < 1024) return `${n} B`;
  if (n < 1 << 20) return `${decimal(n / 1024)} KB`;
  return `${decimal(n / (1 << 20))} MB`;
}

/** What an error class means for the message. */
export const errorClasses: Record<ErrorClass, string> = {
  RETRY: "Temporary, retrying",
  AMBIGUOUS: "Unclear: looked up",
  FIX_FIRST: "Needs a fix",
  PERMANENT_MESSAGE: "Permanent (message)",
  PERMANENT_CONTACT: "Permanent (contact)",
};

/** Why a message had to wait. */
export const waitText = (reason: string) =>
  ({
    quiet_hours: "Quiet hours",
    frequency_cap: "Another campaign was writing to them",
    retry: "Twilio's limits and temporary errors",
    budget: "The budget was used up",
  })[reason] ?? `Hours by law: ${words(reason)}`;

/** Why a message waits now, after "waits until …". */
export const holdText = (reason: string) =>
  ({
    quiet_hours: "quiet hours",
    frequency_cap: "another campaign was writing to them",
    retry: "Twilio refused the call for now",
    redeliver: "the attempt before failed",
    budget: "the budget was used up",
    reconciled: "Twilio never took it",
    operator: "sent again by an operator",
  })[reason] ?? `hours by law: ${words(reason)}`;

/** "waits until Nov 25, 2026, 9:00 AM (quiet hours)" */
export const waits = (notBefore: string, reason: string | null | undefined) =>
  `waits until ${moment(notBefore)} (${holdText(reason ?? "")})`;

/** How long a mark on a contact lasts: "until Dec 25, 2026", to the minute when it ends soon. */
export function untilText(until: string | null | undefined, now = Date.now()): string {
  if (!until) return "for now";
  return `until ${new Date(until).getTime() - now < 48 * 3_600_000 ? moment(until) : day(until)}`;
}

const skipTexts: Record<string, string> = {
  not_subscribed: "Not subscribed to the topic",
  no_consent: "No consent recorded",
  opted_out: "Opted out",
  suppressed: "Suppressed",
  erased: "Erased",
  unreachable: "Not reachable on WhatsApp",
  opt_out_review: "They may have asked to stop; nobody has decided yet",
  ineligible: "WhatsApp delivers no marketing to them",
  no_number: "No number known; authentication templates need one",
  frequency_cap: "Had enough messages lately",
  missing_variable: "A value for the template is missing",
  too_long: "Text too long once filled in",
  no_allowed_hours: "No allowed hours in their zones",
};
export const skipText = (reason: string) => skipTexts[reason] ?? words(reason);

/** "Opted in", "Opted out of utility messages" */
export const decisionText = (status: string, purpose: string | undefined) =>
  `${words(status)}${purpose === "UTILITY" ? (status === "OPTED_IN" ? " to utility messages" : " of utility messages") : ""}`;

/** An entry of the consent ledger as a title. */
export const consentText = (status: string, purpose: string, source: string) =>
  `${decisionText(status, purpose)} by ${source.toLowerCase()}`;

const wholeDay = zoned(locale, { weekday: "long", day: "numeric", month: "long" });
const wholeDate = zoned(locale, { dateStyle: "full" });

/** How old something is, in little room: "now", "5 min", "3 h", "2 d", "Nov 12", "Nov 12, 2024". */
export function age(s: string, now = Date.now()): string {
  const at = new Date(s);
  const minutes = Math.floor((now - at.getTime()) / 60_000);
  if (minutes < 1) return "now";
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h`;
  if (minutes < 7 * 24 * 60) return `${Math.floor(minutes / (24 * 60))} d`;
  return sameYear(at, now) ? daysOfYear(at) : day(s);
}

/** "Today", "Yesterday", "Tuesday, November 24", and with the year where it is another one. */
export function dayText(s: string, now = Date.now()): string {
  const at = new Date(s);
  if (dayKey(at) === dayKey(now)) return "Today";
  if (dayKey(at) === dayKey(midnight(now, -1))) return "Yesterday";
  return (sameYear(at, now) ? wholeDay : wholeDate)(at);
}

/** The flag of a country, by its ISO code; nothing for what is none. */
export const flag = (region: string) =>
  /^[A-Z]{2}$/.test(region) && region !== "ZZ"
    ? String.fromCodePoint(...[...region].map((c) => 0x1f1e6 + c.charCodeAt(0) - 65))
    : "";

const regionNames = new Intl.DisplayNames("en", { type: "region" });
const languageNames = new Intl.DisplayNames("en", { type: "language" });
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
