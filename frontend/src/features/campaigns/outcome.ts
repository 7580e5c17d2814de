import { plural, t } from "@lingui/core/macro";
import { tickText } from "../../lib/axis";
import { count, decimal, duration, holdText, moment, words } from "../../lib/format";

type Counts = {
  pending: number;
  submitting: number;
  unknown: number;
  undecided: number;
  redelivering: number;
};

/** "3 retries waiting" */
export const retriesText = (n: number) => plural(n, { one: "# retry waiting", other: "# retries waiting" });

/** What waits beside the campaign: decisions of people, and retries of failed attempts. */
function parts(c: Pick<Counts, "undecided" | "redelivering">): string[] {
  const out: string[] = [];
  if (c.undecided > 0) out.push(plural(c.undecided, { one: "# needs a decision", other: "# need a decision" }));
  if (c.redelivering > 0) out.push(retriesText(c.redelivering));
  return out;
}

/** "2 need a decision, 3 retries waiting": what a campaign completed without; nothing while it is under way. */
export function besideText(status: string, c: Pick<Counts, "undecided" | "redelivering">): string {
  return status === "COMPLETED" ? parts(c).join(", ") : "";
}

/** "Completed, 2 need a decision" */
export function statusText(status: string, c: Pick<Counts, "undecided" | "redelivering">): string {
  return [words(status), besideText(status, c)].filter(Boolean).join(", ");
}

/** How many messages the campaign itself still has to send. */
export function remaining(c: Counts): number {
  return Math.max(0, c.pending + c.submitting + c.unknown - c.undecided - c.redelivering);
}

/** "120 left, 2 need a decision" */
export function leftText(c: Counts): string {
  return [t`${count(remaining(c))} left`, ...parts(c)].join(", ");
}

/** Nothing more will be sent. */
export const hasEnded = (status: string) => ["COMPLETED", "CANCELED", "FAILED"].includes(status);

/**
 * For how many milliseconds from now a launch can be undone. This machine's clock counts only where it can be right:
 * where it says that the time is over, or longer than it ever was, the server knows better, which still offers it.
 */
export function undoableFor(startedAt: string, until: string, now: number): number {
  const end = Date.parse(until);
  const whole = end - Date.parse(startedAt);
  return end - now > 0 ? Math.min(end - now, whole) : whole;
}

type Milestones = {
  tried: number;
  accepted: number;
  delivered: number;
  read: number;
  clicked: number;
  replied: number;
  failed: number;
  undelivered: number;
  optedOut: number;
};

/** Whether clicks say something of a campaign: there is something to tap, or somebody did. */
export const tellsClicks = (c: { countsClicks: boolean; counts: { clicked: number } }) =>
  c.countsClicks || c.counts.clicked > 0;

/** A share of those whom the campaign was sent to: the one denominator of its report; 0 of nobody. */
export const share = (n: number, of: { tried: number }) => (of.tried > 0 ? n / of.tried : 0);

export type Figure = { name: string; label: string; n: number; share: number };

/** How far messages came, each milestone as a share of those whom the campaign was sent to; clicks where they are counted. */
export function funnelOf(c: Milestones, clicks: boolean): Figure[] {
  const steps: [string, string, number][] = [
    ["tried", t`Sent to`, c.tried],
    ["accepted", t`Handed to WhatsApp`, c.accepted],
    ["delivered", t`Delivered`, c.delivered],
    ["read", t`Read`, c.read],
    ["clicked", t`Clicked`, c.clicked],
    ["replied", t`Replied`, c.replied],
  ];
  return steps
    .filter(([name]) => clicks || name !== "clicked")
    .map(([name, label, n]) => ({ name, label, n, share: share(n, c) }));
}

/** What went wrong, or was taken badly, by the same denominator. */
export function lossesOf(c: Milestones): Figure[] {
  const failed = c.failed + c.undelivered;
  return [
    { name: "failed", label: t`Failed`, n: failed, share: share(failed, c) },
    { name: "opted-out", label: t`Opted out`, n: c.optedOut, share: share(c.optedOut, c) },
  ];
}

/** A moment as the end of a wait: the time alone where it is within a day. */
function untilWhen(at: string, now: number): string {
  const end = Date.parse(at);
  return end - now < 24 * 3_600_000 ? tickText(end) : moment(at);
}

type Waiting = {
  status: string;
  waitingUntil?: string | null;
  waitingReason?: string | null;
  waitingLimit?: number | null;
};

/** "Waiting for quiet hours until 08:00", where all that is left waits; null where something goes out. */
export function waitingText(c: Waiting, now = Date.now()): string | null {
  const reason = c.waitingReason ?? "";
  if (c.status !== "SENDING" || !(c.waitingUntil || reason === "winner")) return null;
  if (!c.waitingUntil) return t`Waiting for the winner of the test`;
  const until = untilWhen(c.waitingUntil, now);
  if (reason === "winner") return t`Waiting for the winner of the test until ${until}`;
  if (reason === "quiet_hours") return t`Waiting for quiet hours until ${until}`;
  if (reason === "local_time") return t`Waiting for each recipient's time, next until ${until}`;
  if (reason === "best_hour") return t`Waiting for each recipient's best hour, next until ${until}`;
  if (reason === "portfolio_limit")
    return c.waitingLimit
      ? plural(c.waitingLimit, {
          one: `Waiting for WhatsApp's limit of # person a day until ${until}`,
          other: `Waiting for WhatsApp's limit of # people a day until ${until}`,
        })
      : t`Waiting for WhatsApp's limit of people a day until ${until}`;
  if (["retry", "redeliver", "reconciled", "operator", "frequency_cap", ""].includes(reason))
    return reason ? t`Waiting until ${until} (${holdText(reason)})` : t`Waiting until ${until}`;
  return t`Waiting for legal hours until ${until}`;
}

type Course = {
  startedAt?: string | null;
  finishedAt?: string | null;
  sendingSeconds: number;
  throughputAverage: number;
  throughputPeak: number;
  counts: { accepted: number };
};

/** How long it took, and how much of that it was sending. */
export function courseOf(c: Course, now = Date.now()): { label: string; text: string; hint?: string }[] {
  if (!c.startedAt) return [];
  const took = ((c.finishedAt ? Date.parse(c.finishedAt) : now) - Date.parse(c.startedAt)) / 1000;
  const waited = took - c.sendingSeconds;
  const [pace, peak] = [decimal(c.throughputAverage), decimal(c.throughputPeak)];
  const out: { label: string; text: string; hint?: string }[] = [
    { label: t`Launched`, text: moment(c.startedAt) },
    { label: c.finishedAt ? t`Total time` : t`Since launch`, text: duration(took) },
  ];
  if (c.counts.accepted > 0)
    out.push(
      ...(duration(c.sendingSeconds) === duration(took)
        ? []
        : [
            {
              label: t`Sending time`,
              text: duration(c.sendingSeconds),
              // Less is the time that it takes to prepare and to end.
              hint: waited > Math.max(60, took * 0.05) ? t`waiting for the other ${duration(waited)}` : undefined,
            },
          ]),
      {
        label: t`Sending speed`,
        text: plural(c.throughputAverage, { one: `${pace} message/s`, other: `${pace} messages/s` }),
        hint: peak === pace ? undefined : t`${peak} peak`, // a small campaign is over within one measurement
      },
    );
  return out;
}

/** The last five that were launched before a campaign; where there are none, the newest five others. */
export function compared<C extends { id: string; startedAt?: string | null }>(
  campaign: { id: string; startedAt?: string | null },
  newest: readonly C[],
): C[] {
  const others = newest
    .filter((c) => c.id !== campaign.id && c.startedAt)
    .toSorted((a, b) => Date.parse(b.startedAt ?? "") - Date.parse(a.startedAt ?? ""));
  const before = others.filter((c) => Date.parse(c.startedAt ?? "") < Date.parse(campaign.startedAt ?? ""));
  return (before.length > 0 ? before : others).slice(0, 5);
}

/** To whom it goes. */
export const audienceText = (c: { segment?: { name: string } | null; query?: unknown }) =>
  c.segment?.name ?? (c.query ? t`Custom audience` : t`No audience yet`);

/** Whether a campaign waits for a second person. */
export const waitsForApproval = (c: { approval?: { state: string } | null }) => c.approval?.state === "WAITING";
