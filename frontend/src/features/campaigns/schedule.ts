import { plural, t } from "@lingui/core/macro";
import type { CampaignSettingsFragment, Frequency, Weekday } from "../../gql/graphql";
import { allOf, moment, momentOf, spanOfClock, timeOfClock } from "../../lib/format";

/** A date and a time by the clocks of each recipient. */
export type LocalMoment = { date: string; time: string };

/** As CampaignSchedule in the API. */
export type Plan = {
  at?: string | null;
  local?: LocalMoment | null;
  recurrence?: {
    frequency: Frequency;
    time: string;
    zone: string;
    local: boolean;
    days: readonly Weekday[];
    dayOfMonth?: number | null;
    until?: string | null;
    runs?: number | null;
  } | null;
};

export const weekdays: { value: Weekday; label: string }[] = [
  { value: "MON", label: t`Mon` },
  { value: "TUE", label: t`Tue` },
  { value: "WED", label: t`Wed` },
  { value: "THU", label: t`Thu` },
  { value: "FRI", label: t`Fri` },
  { value: "SAT", label: t`Sat` },
  { value: "SUN", label: t`Sun` },
];

/** "Dec 1, 2026, 10:00 AM, each recipient's time" */
export function localText(l: LocalMoment): string {
  const shown = moment(momentOf(`${l.date}T${l.time}`));
  return t`${shown}, each recipient's time`;
}

/** A plan as a sentence: "every Mon and Thu at 9:00 AM, Europe/Berlin, 4 times". */
export function planText(plan: Plan): string {
  const r = plan.recurrence;
  if (plan.local) return t`once, ${localText(plan.local)}`;
  if (!r) return t`once, ${moment(plan.at)}`;
  const chosen = weekdays.filter((d) => r.days.includes(d.value)).map((d) => d.label);
  const when =
    r.frequency === "DAILY"
      ? t`every day`
      : r.frequency === "WEEKLY"
        ? t`every ${allOf(chosen)}`
        : t`every month on day ${r.dayOfMonth ?? 1}`;
  const end = [
    r.runs ? plural(r.runs, { one: "once", other: "# times" }) : "",
    r.until ? t`until ${moment(r.until)}` : "",
  ].filter(Boolean);
  return [t`${when} at ${timeOfClock(r.time)}`, r.local ? t`each recipient's time` : r.zone, ...end].join(", ");
}

/** "Shop (2), Service (1)": who sends, and where there are several, by what weight; nothing while nobody does. */
export function sendersText(senders: CampaignSettingsFragment["senders"]): string {
  return senders
    .map(({ sender, weight }) => (senders.length > 1 ? `${sender.displayName} (${weight})` : sender.displayName))
    .join(", ");
}

/** "9:00 PM to 8:00 AM, each recipient's time" */
export const quietText = (q: { start: string; end: string; zone?: string | null }) =>
  `${spanOfClock(q.start, q.end)}, ${q.zone ?? t`each recipient's time`}`;

/** "7:00 PM" of the hour 19 */
export const hourText = (hour: number) => timeOfClock(`${String(hour).padStart(2, "0")}:00`);

/** "At most 3 messages per contact in 7 days" */
export const capText = (c: { messages: number; days: number }) =>
  t`At most ${plural(c.messages, { one: "# message", other: "# messages" })} per contact in ${plural(c.days, { one: "# day", other: "# days" })}`;
