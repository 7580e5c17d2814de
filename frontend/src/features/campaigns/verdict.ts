import { plural, t } from "@lingui/core/macro";
import type { VariantMetric } from "../../gql/graphql";
import { count, hours, moment, percent, points } from "../../lib/format";
import { minutesText } from "./experiment";

type Difference = { difference: number; low: number; high: number };

export type Comparison = Difference & {
  metric: VariantMetric;
  leader?: string | null;
  runnerUp?: string | null;
  shown: boolean;
  moreNeeded?: number | null;
  beyondTest: boolean;
  left: number;
  decidesAt?: string | null;
  waitingForWinner: number;
};

const moreOften: Record<VariantMetric, (a: string, b: string) => string> = {
  DELIVERED: (a, b) => t`${a} is delivered more often than ${b}`,
  READ: (a, b) => t`${a} is read more often than ${b}`,
  CLICKED: (a, b) => t`${a} is clicked more often than ${b}`,
  REPLIED: (a, b) => t`${a} is answered more often than ${b}`,
  GOAL: (a, b) => t`${a} reaches the goal more often than ${b}`,
};

/** "95% sure between 1.2 and 5" */
const between = ({ low, high }: Difference) => t`95% sure between ${points(low)} and ${points(high)}`;

/** A number to two digits, as an estimate has them. */
export function roughly(n: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(n, 1))) - 1);
  return Math.ceil(n / unit) * unit;
}

/** What the variants show by now, as a person would say it. */
export function verdictText(c: Comparison, variants: number): string {
  const { leader, runnerUp } = c;
  if (!leader || !runnerUp) return t`Nothing can be compared before two variants went out.`;
  const by = points(c.difference);
  const sure = between(c);
  const more = moreOften[c.metric];
  if (c.shown && variants > 2) {
    const all = more(leader, t`every other variant`);
    return t`${all}. Compared with ${runnerUp}, the second best: ${by} points, ${sure}.`;
  }
  if (c.shown) return t`${more(leader, runnerUp)}: ${by} points, ${sure}.`;
  const parts = [];
  if (c.low > 0)
    parts.push(
      t`${more(leader, runnerUp)}, but not certainly more often than every other variant: one had few recipients.`,
    );
  else if (c.difference === 0) parts.push(t`No difference between ${leader} and ${runnerUp} yet.`);
  else
    parts.push(
      t`No difference shown yet: ${leader} is ahead of ${runnerUp} by ${by} points, which may be chance (${sure}).`,
    );
  if (c.moreNeeded) {
    const needed = roughly(c.moreNeeded);
    parts.push(
      c.beyondTest
        ? plural(needed, {
            one: "About # more recipient would be needed, more than the test has.",
            other: "About # more recipients would be needed, more than the test has.",
          })
        : plural(needed, {
            one: "About # more recipient would be needed.",
            other: "About # more recipients would be needed.",
          }),
    );
  } else if (c.beyondTest) parts.push(t`The test has too few recipients to show so small a difference.`);
  return parts.join(" ");
}

type Test = { percent: number; afterMinutes?: number | null; whenSure: boolean };
type Winner = { label: string; at: string; byOperator: boolean };

/** What happens next with those who wait; "" where nothing does. */
export function nextText(test: Test, c: Comparison, winner: Winner | null | undefined, ended: boolean): string {
  if (winner)
    return winner.byOperator
      ? t`An operator chose ${winner.label} for the rest of the audience on ${moment(winner.at)}.`
      : t`The test chose ${winner.label} for the rest of the audience on ${moment(winner.at)}.`;
  if (test.percent >= 100) return t`All of the audience takes part in the test: nobody waits for a winner.`;
  if (ended) return t`The campaign ended before a winner was chosen.`;
  const rest = count(c.waitingForWinner);
  const sure = test.whenSure;
  if (c.decidesAt)
    return sure
      ? t`The best variant goes to the other ${rest} as soon as it is certain, or on ${moment(c.decidesAt)}.`
      : t`The best variant goes to the other ${rest} on ${moment(c.decidesAt)}.`;
  if (test.afterMinutes != null) {
    const after = minutesText(test.afterMinutes);
    return sure
      ? t`The best variant goes to the other ${rest} as soon as it is certain, or ${after} after the last message of the test, of which ${count(c.left)} are left.`
      : t`The best variant goes to the other ${rest}, ${after} after the last message of the test, of which ${count(c.left)} are left.`;
  }
  return sure
    ? t`The best variant goes to the other ${rest} as soon as it is certain.`
    : t`The other ${rest} wait until you choose a variant.`;
}

type Lift = Difference & {
  treated: number;
  treatedWrote: number;
  heldOut: number;
  heldOutWrote: number;
  shown: boolean;
  withinHours: number;
};

/** The shares of both sides, and their difference with its certainty. */
function sides(l: Omit<Lift, "withinHours">) {
  const share = (n: number, of: number) => percent(of > 0 ? n / of : 0);
  return {
    treated: share(l.treatedWrote, l.treated),
    held: share(l.heldOutWrote, l.heldOut),
    by: points(l.difference),
    sure: between(l),
  };
}

/** What a campaign did, beside those held out. */
export function liftText(l: Lift): string {
  const { treated, held, by, sure } = sides(l);
  const within = hours(l.withinHours);
  if (!l.shown)
    return t`No effect shown yet: ${treated} of those who were to get it wrote to you within ${within}, and ${held} of those held out, a difference of ${by} points (${sure}).`;
  if (l.difference > 0)
    return t`The campaign makes people write: ${treated} of those who were to get it wrote to you within ${within}, and ${held} of those held out, ${by} points more, ${sure}.`;
  return t`The campaign keeps people from writing: ${treated} of those who were to get it wrote to you within ${within}, and ${held} of those held out, ${by} points, ${sure}.`;
}

type StandingLift = Omit<Lift, "withinHours"> & { campaigns: number };

/** What marketing campaigns did together, beside the standing holdout. */
export function standingLiftText(l: StandingLift): string {
  const { treated, held, by, sure } = sides(l);
  if (!l.shown)
    return t`No effect shown yet: ${treated} of those who were to get campaigns wrote to you, and ${held} of those held out of all of them, a difference of ${by} points (${sure}).`;
  if (l.difference > 0)
    return t`Campaigns make people write: ${treated} of those who were to get them wrote to you, and ${held} of those held out of all of them, ${by} points more, ${sure}.`;
  return t`Campaigns keep people from writing: ${treated} of those who were to get them wrote to you, and ${held} of those held out of all of them, ${by} points, ${sure}.`;
}
