import { count, counted, words } from "../../lib/format";

type Counts = {
  pending: number;
  submitting: number;
  unknown: number;
  undecided: number;
  redelivering: number;
};

/** "3 retries waiting" */
export const retriesText = (n: number) => `${counted(n, "retry", "retries")} waiting`;

/** What waits beside the campaign: decisions of people, and retries of failed attempts. */
function parts(c: Pick<Counts, "undecided" | "redelivering">): string[] {
  const out: string[] = [];
  if (c.undecided > 0) out.push(counted(c.undecided, "needs a decision", "need a decision"));
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
  return [`${count(remaining(c))} left`, ...parts(c)].join(", ");
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
