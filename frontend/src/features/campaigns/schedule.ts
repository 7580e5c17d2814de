import type { CampaignSettingsFragment, Frequency, Weekday } from "../../gql/graphql";
import { counted, moment } from "../../lib/format";

/** As CampaignSchedule in the API. */
export type Plan = {
  at?: string | null;
  recurrence?: {
    frequency: Frequency;
    time: string;
    zone: string;
    days: readonly Weekday[];
    dayOfMonth?: number | null;
    until?: string | null;
    runs?: number | null;
  } | null;
};

export const weekdays: { value: Weekday; label: string }[] = [
  { value: "MON", label: "Mon" },
  { value: "TUE", label: "Tue" },
  { value: "WED", label: "Wed" },
  { value: "THU", label: "Thu" },
  { value: "FRI", label: "Fri" },
  { value: "SAT", label: "Sat" },
  { value: "SUN", label: "Sun" },
];

/** A plan as a sentence: "every Mon and Thu at 09:00, Europe/Berlin, 4 times". */
export function planText(plan: Plan): string {
  const r = plan.recurrence;
  if (!r) return `once, ${moment(plan.at)}`;
  const chosen = weekdays.filter((d) => r.days.includes(d.value)).map((d) => d.label);
  const when =
    r.frequency === "DAILY"
      ? "every day"
      : r.frequency === "WEEKLY"
        ? `every ${chosen.length > 1 ? `${chosen.slice(0, -1).join(", ")} and ${chosen.at(-1)}` : chosen[0]}`
        : `every month on the ${r.dayOfMonth}.`;
  const end = [r.runs ? `${r.runs} times` : "", r.until ? `until ${moment(r.until)}` : ""].filter(Boolean);
  return [`${when} at ${r.time}`, r.zone, ...end].join(", ");
}

/** "Shop (2), Service (1)": who sends, and where there are several, by what weight; nothing while nobody does. */
export function sendersText(senders: CampaignSettingsFragment["senders"]): string {
  return senders
    .map(({ sender, weight }) => (senders.length > 1 ? `${sender.displayName} (${weight})` : sender.displayName))
    .join(", ");
}

/** "21:00–08:00, each recipient's time" */
export const quietText = (q: { start: string; end: string; zone?: string | null }) =>
  `${q.start}–${q.end}, ${q.zone ?? "each recipient's time"}`;

/** "At most 3 messages in 7 days" */
export const capText = (c: { messages: number; days: number }) =>
  `At most ${counted(c.messages, "message", "messages")} in ${counted(c.days, "day", "days")}`;
