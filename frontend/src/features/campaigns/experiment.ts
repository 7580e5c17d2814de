import { plural, t } from "@lingui/core/macro";
import type { CampaignSettingsFragment, CampaignUpdateInput, GoalEvent, VariantMetric } from "../../gql/graphql";
import { hours, money, percent } from "../../lib/format";

/** One of the wordings that a campaign compares, as its form holds it. */
export type Variant = { templateId: string | null; weight: number; senderId: string | null }; // null: all of them
/** How they are compared; hours after the test's last message, "": not by time. */
export type Test = { percent: number | string; metric: VariantMetric; hours: number | string; whenSure: boolean };
/** What should happen after a message; value "": none. */
export type Goal = { event: GoalEvent; hours: number | string; value: string };

export const fewestVariants = 2;
export const mostVariants = 5;

/** How a variant is shown, by its place: A to E. */
export const labelOf = (place: number) => String.fromCharCode(65 + place);

/** By whom a variant is read: a share of the recipients to whom sending was tried. */
export const metricLabels: Record<VariantMetric, string> = {
  DELIVERED: t`Delivered`,
  READ: t`Read`,
  CLICKED: t`Clicked`,
  REPLIED: t`Replied`,
  GOAL: t`Goal`,
};
export const metrics = Object.keys(metricLabels) as VariantMetric[];

/** What a test begins with: everybody takes part, and nobody waits. */
export const firstTest: Test = { percent: 100, metric: "READ", hours: 4, whenSure: false };

const firstHours = 24;
export const firstGoal = (event: GoalEvent): Goal => ({ event, hours: firstHours, value: "" });

/** The parts of the form that are about experiments. */
export type Experiment = {
  /** None: the campaign has one wording. */
  variants: Variant[];
  test: Test;
  holdout: number | string; // percent; "": nobody
  goals: Goal[]; // in the order in which they are set: variants are compared by the first
};

export const noExperiment: Experiment = { variants: [], test: firstTest, holdout: "", goals: [] };

type Settings = Pick<CampaignSettingsFragment, "variants" | "variantTest" | "holdoutPercent" | "goals">;

export function experimentOf(c: Settings): Experiment {
  const set = c.variantTest;
  return {
    variants: c.variants.map((v) => ({
      templateId: v.template.id,
      weight: v.weight,
      senderId: v.sender?.id ?? null,
    })),
    test: set
      ? {
          percent: set.percent,
          metric: set.metric,
          hours: set.afterMinutes == null ? "" : Number((set.afterMinutes / 60).toFixed(4)),
          whenSure: set.whenSure,
        }
      : firstTest,
    holdout: c.holdoutPercent || "",
    goals: c.goals.map((g) => ({ event: g.event, hours: g.withinHours, value: g.value?.amount ?? "" })),
  };
}

/** A variant that nothing is chosen for yet, but perhaps its template. */
export const newVariant = (templateId: string | null = null): Variant => ({ templateId, weight: 1, senderId: null });

/** The variants of a campaign with these senders: one whose sender is none of them has all. */
export const withSenders = (variants: readonly Variant[], senders: readonly string[]): Variant[] =>
  variants.map((v) => (v.senderId && !senders.includes(v.senderId) ? { ...v, senderId: null } : v));

/** Whether every variant has its template. Until then they are not saved: the API takes whole ones. */
export const variantsComplete = (e: Pick<Experiment, "variants">) => e.variants.every((v) => v.templateId !== null);

/** As the API takes it. The campaign's template is that of variant A, and is named only where there are no variants. */
export function experimentInput(
  e: Experiment,
  templateId: string | null,
): Pick<CampaignUpdateInput, "templateId" | "variants" | "variantTest" | "holdoutPercent" | "goals"> {
  const rest = {
    holdoutPercent: Number(e.holdout) || 0,
    goals: e.goals.map((g) => ({
      event: g.event,
      withinHours: Math.round(Number(g.hours) || 0),
      value: g.value.trim() || null,
    })),
  };
  if (e.variants.length === 0) return templateId ? { ...rest, templateId } : { ...rest, templateId, variants: [] };
  if (!variantsComplete(e)) return rest;
  const waits = Number(e.test.percent) < 100; // who chooses when the rest goes matters only where there is one
  return {
    ...rest,
    variants: e.variants.map((v) => ({
      templateId: v.templateId ?? "",
      weight: v.weight,
      senderId: v.senderId,
    })),
    variantTest: {
      percent: Number(e.test.percent) || 0,
      metric: e.test.metric,
      afterMinutes: !waits || e.test.hours === "" ? null : Math.round(Number(e.test.hours) * 60),
      whenSure: waits && e.test.whenSure,
    },
  };
}

/** Each variant's part of the test, 0 to 1. */
export function partsOf(variants: readonly { weight: number }[]): number[] {
  const all = variants.reduce((sum, v) => sum + v.weight, 0);
  return variants.map((v) => (all > 0 ? v.weight / all : 0));
}

/** The fields' names in the API, those of a part before the part. */
export const experimentFields = {
  audience: ["holdoutPercent"],
  message: [
    "variants",
    "variantTest.percent",
    "variantTest.metric",
    "variantTest.afterMinutes",
    "variantTest",
    "goals.withinHours",
    "goals.value",
    "goals",
  ],
};

/** How long a number of minutes is: "4 hours", "30 minutes". */
export const minutesText = (minutes: number) =>
  minutes % 60 === 0 ? hours(minutes / 60) : plural(minutes, { one: "# minute", other: "# minutes" });

/** "A test with 20 % of the audience, compared by read; then the best goes to the rest 4 hours later" */
export function testText(test: NonNullable<Settings["variantTest"]>): string {
  const metric = metricLabels[test.metric];
  if (test.percent >= 100) return t`With all of the audience, by “${metric}”`;
  const part = percent(test.percent / 100);
  const after = test.afterMinutes == null ? null : minutesText(test.afterMinutes);
  if (after && test.whenSure)
    return t`With ${part} of the audience, by “${metric}”; the best goes to the rest as soon as it is certain, or after ${after}`;
  if (after) return t`With ${part} of the audience, by “${metric}”; the best goes to the rest after ${after}`;
  if (test.whenSure)
    return t`With ${part} of the audience, by “${metric}”; the best goes to the rest as soon as it is certain`;
  return t`With ${part} of the audience, by “${metric}”; you choose what goes to the rest`;
}

/** "Click within 24 hours, worth $12.50" */
export function goalText(g: Pick<Settings["goals"][number], "event" | "withinHours" | "value">): string {
  const within = hours(g.withinHours);
  const what = g.event === "CLICK" ? t`A click within ${within}` : t`A reply within ${within}`;
  return g.value ? t`${what}, worth ${money(g.value)}` : what;
}
