import { plural, t } from "@lingui/core/macro";
import { actionTexts } from "./actions";
import {
  allOf,
  bytes,
  count,
  date,
  decimal,
  languageName,
  moment,
  money,
  percent,
  quoted,
  skipText,
  spanOfClock,
  timeOfClock,
  words,
  zoneText,
} from "./format";
import { locale } from "./language";

/** The kinds of things that actions are about, by how their codes begin. */
export const thingTexts: Record<string, string> = {
  api_token: t`API tokens`,
  attribute: t`Attributes`,
  audit: t`Audit trail`,
  backup: t`Backups`,
  bulk: t`Changes to many contacts`,
  campaign: t`Campaigns`,
  canned_reply: t`Canned replies`,
  consent: t`Consent`,
  contact: t`Contacts`,
  contact_view: t`Views of contacts`,
  conversation: t`Conversations`,
  demo: t`Demo data`,
  import: t`Imports`,
  keys: t`Keys`,
  keyword: t`Keywords`,
  label: t`Labels`,
  media: t`Files`,
  message: t`Messages`,
  operator: t`Team and sign-in`,
  opt_in: t`Double opt-in`,
  opt_out_review: t`Opt-out reviews`,
  provider: t`Twilio account`,
  rate_card: t`Prices`,
  retention: t`Data retention`,
  segment: t`Segments`,
  sender: t`Senders`,
  sending: t`Sending after a restore`,
  service_account: t`Service accounts`,
  settings: t`Settings`,
  suppression: t`Suppressions`,
  team: t`Team numbers`,
  template: t`Templates`,
  topic: t`Topics`,
};
const downloads = t`Downloads`;
/** The kind of thing that an action is about. */
export const about = (action: string) => action.slice(0, action.indexOf("."));
export const thingText = (action: string) =>
  action.endsWith(".download") ? downloads : (thingTexts[about(action)] ?? words(about(action)));

/** All actions to choose from, by the kind of thing and by their words. */
export function actionChoices(): { group: string; items: { value: string; label: string }[] }[] {
  const groups = new Map<string, { value: string; label: string }[]>();
  for (const [value, label] of Object.entries(actionTexts)) {
    const group = thingText(value);
    groups.set(group, [...(groups.get(group) ?? []), { value, label }]);
  }
  const { compare } = new Intl.Collator(locale);
  return [...groups]
    .map(([group, items]) => ({ group, items: items.sort((a, b) => compare(a.label, b.label)) }))
    .sort((a, b) => compare(a.group, b.group));
}

/** The names of what entries tell (server/audit/testdata/fields.txt). */
export const fieldTexts: Record<string, string> = {
  SenderID: t`Sender`,
  Weight: t`Weight`,
  above: t`Only above this many contacts`,
  account: t`Twilio account`,
  account_rate: t`Messages per second of the account`,
  active: t`Active`,
  add: t`Added`,
  added: t`Added`,
  address: t`Network address`,
  afterMinutes: t`Minutes until the choice`,
  api_key: t`API key`,
  approval: t`Approval of the campaign`,
  approval_reason: t`Reason`,
  archived_at: t`Archived`,
  assignee: t`Assigned to`,
  at: t`At`,
  audience: t`Audience`,
  best_hour: t`At each recipient's best hour`,
  body: t`Text`,
  budget: t`Budget`,
  by: t`By`,
  bytes: t`Size`,
  campaign: t`Campaign`,
  campaign_approval: t`Approval of campaigns`,
  campaigns: t`Campaigns`,
  category: t`Category`,
  changed: t`Changed`,
  clicks: t`Keep clicks`,
  color: t`Color`,
  column: t`Kind of secret`,
  contact: t`Contact`,
  contacts: t`Contacts`,
  content: t`Content at Twilio`,
  count: t`Number`,
  created: t`Added`,
  currency: t`Currency`,
  date: t`Date`,
  dayOfMonth: t`Day of the month`,
  days: t`Days`,
  decisions: t`What became of them`,
  default_frequency_cap: t`Frequency cap for new campaigns`,
  default_quiet_hours: t`Quiet hours for new campaigns`,
  delivery_events: t`Keep delivery events`,
  description: t`Description`,
  done: t`Done`,
  double_opt_in: t`Double opt-in`,
  doubtful: t`Doubtful`,
  dry_run: t`Preview only`,
  duplicates: t`Duplicates`,
  end: t`End`,
  ended: t`Ended by it`,
  ends_at: t`Ends at`,
  error_threshold: t`Auto-pause above failure rate`,
  event: t`Event`,
  events: t`Entries`,
  everywhere: t`On all devices`,
  expires_at: t`Expires`,
  expiresAfterHours: t`Hours until the question expires`,
  factor: t`Second factor`,
  failure: t`Failure`,
  fields: t`Changed`,
  file: t`File`,
  first: t`First message`,
  frequency: t`How often`,
  frequency_cap: t`Frequency cap`,
  from: t`From`,
  from_line: t`From line`,
  goals: t`Goals`,
  gone: t`Already gone`,
  help: t`Answer to HELP, characters`,
  holdout_percent: t`Holdout`,
  hours: t`Within hours`,
  joined: t`Answer after joining a topic, characters`,
  key: t`Number of the key`,
  keyword: t`Keyword`,
  kind: t`Kind`,
  known_device: t`Known device`,
  labels: t`Labels`,
  language: t`Language`,
  last: t`Last one`,
  left: t`Left`,
  local: t`By each recipient's clock`,
  lost: t`The old key is lost`,
  meaning: t`Meaning`,
  medium: t`Medium (utm_medium)`,
  merged: t`Merged contact`,
  message: t`Message`,
  message_texts: t`Keep texts of messages`,
  messages: t`Messages`,
  metric: t`Compared by`,
  mode: t`Existing contacts`,
  monthly_budget: t`Monthly budget`,
  name: t`Name`,
  next_run_at: t`Next start`,
  of: t`Recurring campaign`,
  on: t`On`,
  opt_in_requests: t`Asked to confirm`,
  opted_out: t`Opted out`,
  original_stopped_at: t`Original stopped at`,
  outcome: t`Outcome`,
  owner: t`Owner`,
  percent: t`Share`,
  phrase: t`Word`,
  pilot: t`Recipients of the pilot`,
  portfolio_limit: t`WhatsApp's limit of people a day`,
  portfolio_limit_told: t`Limit as Twilio tells it`,
  previous_token_signs_until: t`Previous token valid until`,
  price: t`Price`,
  purpose: t`Purpose`,
  query: t`Conditions`,
  quiet_hours: t`Quiet hours`,
  rate: t`Messages per second`,
  rates: t`Prices`,
  reason: t`Reason`,
  recurrence: t`Recurring`,
  refused: t`Refused`,
  rejected: t`Rejected`,
  rejected_rows: t`Keep rejected rows`,
  remaining: t`Still suppressed for`,
  remove: t`Removed`,
  removed: t`Removed`,
  resolution: t`Decision`,
  role: t`Role`,
  rows: t`Rows`,
  run: t`Run`,
  runs: t`Runs`,
  schedule: t`Schedule`,
  scopes: t`Permissions`,
  second_factor_roles: t`Second factor required of`,
  secrets: t`Secrets`,
  segment: t`Segment`,
  send_to_team: t`Send it to the team, too`,
  sender: t`Sender`,
  senders: t`Senders`,
  session_idle_hours: t`Hours until an idle session ends`,
  sid: t`Id at Twilio`,
  size: t`Size`,
  snoozed_until: t`Snoozed until`,
  source: t`Source`,
  standing_holdout: t`Control group (holdout)`,
  start: t`Start`,
  status: t`Status`,
  stop: t`Answer to STOP, characters`,
  subscribers: t`Subscribers`,
  tags: t`Tags`,
  taken_at: t`State of`,
  template: t`Template`,
  templates: t`Templates`,
  time: t`Time`,
  timeZone: t`Time zone`,
  to: t`To`,
  to_line: t`To line`,
  topic: t`Topic`,
  track_links: t`Track clicks`,
  type: t`Type`,
  unchanged: t`Unchanged`,
  until: t`Until`,
  updated: t`Updated`,
  utm: t`UTM parameters`,
  value: t`Value`,
  variant: t`Variant`,
  variant_test: t`Comparison of variants`,
  variants: t`Variants`,
  version: t`Version`,
  versions: t`Versions`,
  webhook_bodies: t`Keep raw webhooks`,
  weight: t`Weight`,
  whenSure: t`As soon as one is shown to be better`,
  without_log: t`Without Twilio's log`,
  workspace_name: t`Name of the workspace`,
  workspace_time_zone: t`Time zone of the workspace`,
  zone: t`Time zone`,
  locale: t`Language`,
};

/** What only a machine reads: hashes, and numbers that mean nothing elsewhere. It is in the entry as it is. */
export const machines = new Set([
  "digest",
  "fence",
  "fingerprint",
  "handover",
  "name_sha256",
  "new",
  "note",
  "root",
  "session",
  "sha256",
]);

type Form =
  | "bytes" // a size
  | "changed" // only that it changed: it has no short form
  | "clock" // "10:30"
  | "date" // "2027-06-01"
  | "days" // days of the week
  | "decisions" // how often there was which
  | "enum" // one of the API's words, or of values below
  | "id" // a number in the database, which the entry's references name
  | "ids" // such numbers, or how many there are
  | "keep" // how many days something is kept
  | "language"
  | "moment"
  | "money"
  | "names" // names of fields
  | "percent" // 0 to 100
  | "share"; // 0 to 1

const forms: Record<string, Form> = {
  SenderID: "id",
  add: "id",
  assignee: "id",
  campaign: "id",
  contact: "id",
  first: "id",
  last: "id",
  merged: "id",
  message: "id",
  messages: "ids",
  of: "id",
  owner: "id",
  remove: "id",
  segment: "id",
  sender: "id",
  template: "id",
  templates: "id",
  topic: "id",
  version: "id",
  added: "enum",
  approval: "enum",
  by: "enum",
  category: "enum",
  color: "enum",
  event: "enum",
  factor: "enum",
  frequency: "enum",
  kind: "enum",
  meaning: "enum",
  metric: "enum",
  mode: "enum",
  outcome: "enum",
  portfolio_limit: "enum",
  purpose: "enum",
  reason: "enum",
  remaining: "enum",
  resolution: "enum",
  role: "enum",
  scopes: "enum",
  second_factor_roles: "enum",
  source: "enum",
  status: "enum",
  type: "enum",
  archived_at: "moment",
  at: "moment",
  ends_at: "moment",
  expires_at: "moment",
  next_run_at: "moment",
  original_stopped_at: "moment",
  previous_token_signs_until: "moment",
  snoozed_until: "moment",
  taken_at: "moment",
  until: "moment",
  budget: "money",
  monthly_budget: "money",
  bytes: "bytes",
  size: "bytes",
  clicks: "keep",
  delivery_events: "keep",
  message_texts: "keep",
  rejected_rows: "keep",
  webhook_bodies: "keep",
  date: "date",
  time: "clock",
  days: "days",
  decisions: "decisions",
  error_threshold: "share",
  fields: "names",
  holdout_percent: "percent",
  percent: "percent",
  standing_holdout: "percent",
  language: "language",
  locale: "language",
  query: "changed",
};

/** Words of the server that are of no type of the API, or mean more elsewhere. */
const values: Record<string, string> = {
  "as told": t`As Twilio tells it`,
  click: t`Click`,
  clicked: t`Clicked`,
  create_only: t`Stay as they are`,
  daily: t`Daily`,
  email: t`Email`,
  give_up: t`Not sent`,
  goal: t`Goal`,
  monthly: t`Monthly`,
  passkey: t`Passkey`,
  password: t`Password`,
  replied: t`Replied`,
  send_again: t`Sent again`,
  sent_back: t`Sent back`,
  totp: t`Codes of an app`,
  update_only: t`Only existing ones are updated`,
  upsert: t`Are updated`,
  weekly: t`Weekly`,
};

const weekday = new Intl.DateTimeFormat(locale, { weekday: "short", timeZone: "UTC" });
const week = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/** "Mon" of "mon": the fifth of January 1970 was a Monday. */
const dayName = (day: string) => (week.includes(day) ? weekday.format(Date.UTC(1970, 0, 5 + week.indexOf(day))) : day);

type Values = Record<string, unknown>;
const isValues = (v: unknown): v is Values => typeof v === "object" && v !== null && !Array.isArray(v);

/** Amounts are kept in millionths. */
const amount = (micros: number, currency: string) => money({ amount: String(micros / 1e6), currency });

/** A thing that an entry names by its number: what it is called now, and where its page would be. */
export type Thing = { entity: string; id?: string | null; name?: string | null; gone: boolean; text: string };
type Reference = Omit<Thing, "text"> & { field: string; number: unknown };

/** What the server tells of an entry's changes: the names of things, and its own sentences in the reader's language. */
export type Meanings = { references: Reference[]; sentences: { recorded: string; text: string }[] };

/** Text with the things in it that may have a page. */
export type Told = (string | Thing)[];

/** What is deleted has no name, but for what is kept after it. */
const goneTexts: Record<string, (n: number) => string> = {
  campaign: (n) => t`deleted campaign No. ${n}`,
  contact: (n) => t`deleted contact No. ${n}`,
  label: (n) => t`deleted label No. ${n}`,
  message: (n) => t`deleted message No. ${n}`,
  operator: (n) => t`deleted operator No. ${n}`,
  segment: (n) => t`deleted segment No. ${n}`,
  sender: (n) => t`deleted sender No. ${n}`,
  template: (n) => t`deleted template No. ${n}`,
  topic: (n) => t`deleted topic No. ${n}`,
};

/** A thing in words, as it is now. */
export function thingOf(r: Omit<Reference, "field">): Thing {
  const n = Number(r.number);
  const { entity, id, name, gone } = r;
  const text = gone ? (name ? t`${name} (deleted)` : (goneTexts[entity]?.(n) ?? t`No. ${n}`)) : (name ?? t`No. ${n}`);
  return { entity, id, name, gone, text };
}

const longest = 160;
/** Where things stand in a text while it is put together: their place in a list, between two signs that nobody writes. */
const mark = (i: number) => `\uE000${i}\uE001`;
const marks = /\uE000(\d+)\uE001/;

/** The parts of a text, cut where it is too long to read. */
function partsOf(text: string, things: Thing[]): Told {
  const told: Told = [];
  let left = longest;
  for (const [i, part] of text.split(marks).entries()) {
    const thing = i % 2 ? things[Number(part)] : undefined;
    if (thing && left > 0) {
      told.push(thing);
      left -= thing.text.length;
    } else if (part && !thing) {
      told.push(part.length > left ? `${part.slice(0, Math.max(left, 0))}…` : part);
      left -= part.length;
    }
    if (left < 0) break;
  }
  return told;
}

/** What the values of one entry are told with. */
class Telling {
  readonly things: Thing[] = [];
  constructor(readonly meanings?: Meanings) {}
  number(field: string, n: number): string {
    const found = this.meanings?.references.find((r) => r.field === field && Number(r.number) === n);
    return found ? mark(this.things.push(thingOf(found)) - 1) : t`No. ${n}`;
  }
  sentence(recorded: string): string | undefined {
    return this.meanings?.sentences.find((s) => s.recorded === recorded)?.text;
  }
}

/** The words of a field's name: of an attribute's or a price's with what it is of. */
function fieldText(name: string): string {
  const known = fieldTexts[name];
  if (known) return known;
  const dot = name.lastIndexOf(".");
  const part = fieldTexts[name.slice(dot + 1)];
  if (name.startsWith("attributes.")) return quoted(name.slice(dot + 1));
  if (dot > 0 && part) return t`${part} of ${quoted(name.slice(0, dot))}`;
  return /^[\w]+$/.test(name) ? words(name.replace(/([a-z])([A-Z])/g, "$1_$2")) : name;
}

const inForm: Partial<Record<Form, (v: unknown) => string | undefined>> = {
  bytes: (v) => (typeof v === "number" ? bytes(v) : undefined),
  clock: (v) => (typeof v === "string" && /^\d\d:\d\d$/.test(v) ? timeOfClock(v) : undefined),
  date: (v) =>
    typeof v === "string" && /^\d{4}-\d\d-\d\d$/.test(v) && !Number.isNaN(Date.parse(v)) ? date(v) : undefined,
  days: (v) => (typeof v === "string" ? dayName(v) : undefined),
  enum: (v) => (typeof v === "string" && /^[\w: ]+$/.test(v) ? (values[v] ?? words(v)) : undefined),
  keep: (v) => (typeof v === "number" ? plural(v, { one: "# day", other: "# days" }) : undefined),
  language: (v) => (typeof v === "string" ? languageName(v) : undefined),
  moment: (v) => (typeof v === "string" && !Number.isNaN(Date.parse(v)) ? moment(v) : undefined),
  money: (v) => {
    const [, sum, currency] = (typeof v === "string" && /^(-?[\d.]+) ([A-Z]{3})$/.exec(v)) || [];
    return sum && currency ? money({ amount: sum, currency }) : undefined;
  },
  names: (v) => (typeof v === "string" ? fieldText(v) : undefined),
  percent: (v) => (typeof v === "number" ? percent(v / 100) : undefined),
  share: (v) => (typeof v === "number" ? percent(v) : undefined),
};

const clockText = (v: unknown) => inForm.clock?.(v);
const daysText = (v: unknown) => allOf(week.filter((day) => Array.isArray(v) && v.includes(day)).map(dayName));
const theirTime = t`each recipient's time`;

/** When a campaign starts, in one line: "Weekly, Mon and Thu, 10:30 AM (Europe/Berlin)". Undefined: that is none. */
function scheduleText(v: Values): string | undefined {
  if (isValues(v.recurrence)) return scheduleText(v.recurrence);
  if (Object.keys(v).join() === "at") return inForm.moment?.(v.at);
  if (isValues(v.local)) {
    const { date, time } = v.local;
    const [day, at] = [inForm.date?.(date), clockText(time)];
    return day && at && `${day}, ${at} (${theirTime})`;
  }
  const { frequency, time, zone, local, days, dayOfMonth, until, runs } = v;
  const at = clockText(time);
  if (typeof frequency !== "string" || !at) return undefined;
  const where = local ? theirTime : typeof zone === "string" && zone ? zoneText(zone) : "";
  return [
    values[frequency] ?? words(frequency),
    daysText(days),
    typeof dayOfMonth === "number" && dayOfMonth > 0 ? t`day ${dayOfMonth}` : "",
    where ? `${at} (${where})` : at,
    typeof runs === "number" && runs > 0 ? plural(runs, { one: "once", other: "# times" }) : "",
    typeof until === "string" ? t`until ${inForm.moment?.(until) ?? until}` : "",
  ]
    .filter(Boolean)
    .join(", ");
}

/** Hours in which nothing is sent: "9:00 PM to 8:00 AM". Undefined: these are none. */
function quietText(v: Values): string | undefined {
  const { start, end, zone, days } = v;
  if (typeof start !== "string" || typeof end !== "string" || !clockText(start) || !clockText(end)) return undefined;
  const span = spanOfClock(start, end);
  const hours = typeof zone === "string" && zone ? `${span} (${zoneText(zone)})` : span;
  const open = daysText(days);
  return open ? t`${hours}, and messages only on ${open}` : hours;
}

const unset = (v: unknown) => v === null || v === undefined || v === "" || (Array.isArray(v) && v.length === 0);

/** A value as a person reads it. */
function valueText(name: string, v: unknown, telling: Telling, listed = false): string {
  const form = forms[name];
  if (unset(v)) return form === "keep" ? t`permanently` : t`not set`;
  if (typeof v === "boolean") return v ? t`yes` : t`no`;
  if (Array.isArray(v)) return allOf(v.map((one) => valueText(name, one, telling, true)));
  if (typeof v === "number" && (form === "id" || (form === "ids" && listed))) return telling.number(name, v);
  const sentence = typeof v === "string" && telling.sentence(v);
  if (sentence) return sentence;
  const formed = form && inForm[form]?.(v);
  if (formed) return formed;
  if (typeof v === "number") return Number.isInteger(v) ? count(v) : decimal(v);
  if (!isValues(v)) return String(v);
  if (typeof v.limit === "number" && typeof v.currency === "string") return amount(v.limit, v.currency);
  const planned = scheduleText(v) ?? quietText(v);
  if (planned) return planned;
  return Object.entries(v)
    .filter(([part]) => !machines.has(part))
    .map(([part, is]) => {
      if (form === "decisions") {
        const [status = "", reason] = part.split(":");
        return `${reason ? skipText(reason) : words(status)}: ${valueText("", is, telling)}`;
      }
      if (part === "value" && typeof is === "number" && typeof v.currency === "string")
        return `${fieldText(part)}: ${amount(is, v.currency)}`;
      return `${fieldText(part)}: ${valueText(part, is, telling)}`;
    })
    .join(", ");
}

/** One thing that an entry tells: a field, what it was where it changed, and what it is. */
export type ChangeLine = { name: string; before?: Told; after: Told };

/** What stands under "from" and "to" where that is all that changed. */
const moved: Record<string, string> = { campaign: "status", template: "category" };

/** What an entry tells beside what was done, in words, line by line. */
export function changeLines(action: string, changes: unknown, meanings?: Meanings): ChangeLine[] {
  if (!isValues(changes)) return [];
  const telling = new Telling(meanings);
  const tell = (name: string, v: unknown) => partsOf(valueText(name, v, telling), telling.things);
  const made = /\.(create|duplicate)$/.test(action); // nothing was set before
  const field = moved[about(action)];
  const told = field && "from" in changes ? { [field]: changes, ...changes } : changes;
  return Object.entries(told).flatMap(([name, v]): ChangeLine[] => {
    if (machines.has(name) || (field && (name === "from" || name === "to"))) return [];
    const label = fieldText(name);
    if (!isValues(v) || !("from" in v && "to" in v)) return [{ name: label, after: tell(name, v) }];
    if (unset(v.from) && unset(v.to)) return [];
    if (forms[name] === "changed") return [{ name: label, after: [v.from === null ? t`set` : t`changed`] }];
    if (made && v.from === null) return [{ name: label, after: tell(name, v.to) }];
    return [{ name: label, before: tell(name, v.from), after: tell(name, v.to) }];
  });
}
