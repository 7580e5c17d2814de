import { count, words } from "../../lib/format";

type Counts = {
  pending: number;
  submitting: number;
  unknown: number;
  undecided: number;
  redelivering: number;
};

/** What waits beside the campaign: decisions of people, and retries of failed attempts. */
function beside(c: Pick<Counts, "undecided" | "redelivering">): string[] {
  const parts: string[] = [];
  if (c.undecided > 0) parts.push(`${count(c.undecided)} ${c.undecided === 1 ? "needs" : "need"} a decision`);
  if (c.redelivering > 0) parts.push(`${count(c.redelivering)} ${c.redelivering === 1 ? "retry" : "retries"} waiting`);
  return parts;
}

/** "Completed, 2 need a decision": a campaign completes without what waits beside it. */
export function statusText(status: string, c: Pick<Counts, "undecided" | "redelivering">): string {
  if (status !== "COMPLETED") return words(status);
  return [words(status), ...beside(c)].join(", ");
}

/** How many messages the campaign itself still has to send. */
export function remaining(c: Counts): number {
  return Math.max(0, c.pending + c.submitting + c.unknown - c.undecided - c.redelivering);
}

/** "120 left, 2 need a decision" */
export function leftText(c: Counts): string {
  return [`${count(remaining(c))} left`, ...beside(c)].join(", ");
}
