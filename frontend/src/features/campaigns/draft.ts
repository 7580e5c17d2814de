import { t } from "@lingui/core/macro";
import { graphql } from "../../gql";
import type { CampaignEditQuery, CampaignSettingsFragment, CampaignUpdateInput } from "../../gql/graphql";
import { localInput, momentOf, noMoment } from "../../lib/format";
import { type Cap, capInput, firstCap } from "./CapForm";
import {
  type Experiment,
  experimentFields,
  experimentInput,
  experimentOf,
  noExperiment,
  variantsComplete,
} from "./experiment";

// What a campaign compares, and how.
graphql(`
  fragment ComparedVariants on Campaign {
    variants {
      label
      weight
      template {
        id
        name
        language
        approvalStatus
      }
      sender {
        id
        displayName
      }
    }
    variantTest {
      percent
      metric
      afterMinutes
      whenSure
    }
  }
`);

// All that the editor writes and the summary shows. A save asks for it too, so that neither shows what was before.
graphql(`
  fragment CampaignSettings on Campaign {
    id
    revision
    name
    query
    segment {
      id
      name
      lastCount
    }
    topic {
      id
      name
    }
    template {
      id
      name
      ...TemplateWords
      approvalStatus
      updatedAt
    }
    ...ComparedVariants
    holdoutPercent
    goals {
      event
      withinHours
      value {
        amount
        currency
      }
    }
    senders {
      weight
      sender {
        id
        displayName
      }
    }
    rateLimitPerSecond
    errorThreshold
    budget {
      ...BudgetState
    }
    trackLinks
    pilot
    sendToTeam
    bestHour
    utm {
      source
      medium
      campaign
    }
    endsAt
    quietHours {
      start
      end
      zone
    }
    frequencyCap {
      messages
      days
    }
    ...CampaignPlan
  }
`);

export const steps = ["audience", "message", "schedule", "review"] as const;
export type Step = (typeof steps)[number];
export const stepLabels: Record<Step, string> = {
  audience: t`Audience`,
  message: t`Message`,
  schedule: t`Pace and hours`,
  review: t`Review`,
};

/** The UTM parameters; "": not set. */
export type Utm = { source: string; medium: string; campaign: string };

/** A campaign as its form holds it: numbers may be empty or half typed. */
export type Draft = Experiment & {
  name: string;
  segmentId: string | null;
  topicId: string | null;
  templateId: string | null;
  senders: { senderId: string; weight: number }[];
  rate: number | string;
  threshold: number | string; // percent
  budget: string; // "": no limit
  trackLinks: boolean;
  pilot: number | string; // "" or 0: none
  sendToTeam: boolean;
  bestHour: boolean;
  utm: Utm;
  ends: string; // as an input of type datetime-local has it
  endsAt: string | null; // the moment with which that began
  quiet: { on: boolean; start: string; end: string; zone: string | null };
  capped: boolean;
  cap: Cap;
};

type Defaults = Pick<CampaignEditQuery, "senders" | "settings">;

/** A new campaign, with the workspace's standing choices. */
export function newDraft({ senders, settings }: Defaults): Draft {
  return {
    name: "",
    segmentId: null,
    topicId: null,
    templateId: null,
    ...noExperiment,
    senders: senders.slice(0, 1).map((s) => ({ senderId: s.id, weight: 1 })),
    rate: "",
    threshold: 20,
    budget: "",
    trackLinks: true,
    pilot: "",
    sendToTeam: false,
    bestHour: false,
    utm: { source: "", medium: "", campaign: "" },
    ends: "",
    endsAt: null,
    quiet: {
      on: true,
      start: settings.defaultQuietHours?.start ?? "21:00",
      end: settings.defaultQuietHours?.end ?? "08:00",
      zone: null,
    },
    capped: settings.defaultFrequencyCap != null,
    cap: settings.defaultFrequencyCap ? capInput(settings.defaultFrequencyCap) : firstCap,
  };
}

export function draftOf(c: CampaignSettingsFragment, defaults: Defaults): Draft {
  const fresh = newDraft(defaults);
  return {
    name: c.name,
    segmentId: c.segment?.id ?? null,
    topicId: c.topic?.id ?? null,
    templateId: c.template?.id ?? null,
    ...experimentOf(c),
    senders: c.senders.map((s) => ({ senderId: s.sender.id, weight: s.weight })),
    rate: c.rateLimitPerSecond ?? "",
    threshold: c.errorThreshold == null ? "" : Number((c.errorThreshold * 100).toFixed(4)),
    budget: c.budget?.limit.amount ?? "",
    trackLinks: c.trackLinks,
    pilot: c.pilot || "",
    sendToTeam: c.sendToTeam,
    bestHour: c.bestHour,
    utm: { source: c.utm?.source ?? "", medium: c.utm?.medium ?? "", campaign: c.utm?.campaign ?? "" },
    ends: c.endsAt ? localInput(new Date(c.endsAt)) : "",
    endsAt: c.endsAt ?? null,
    quiet: c.quietHours
      ? { on: true, start: c.quietHours.start, end: c.quietHours.end, zone: c.quietHours.zone ?? null }
      : { ...fresh.quiet, on: false },
    capped: c.frequencyCap != null,
    cap: c.frequencyCap ? capInput(c.frequencyCap) : fresh.cap,
  };
}

const numeric = (v: number | string) => (v === "" ? null : Number(v));

/**
 * As the API takes it, where nothing is wrong in it. An audience of its own, which only the API can write, stays when
 * no segment is chosen.
 */
export function inputOf(d: Draft): Omit<CampaignUpdateInput, "id"> {
  const percent = numeric(d.threshold);
  return {
    name: d.name,
    ...(d.segmentId && { segmentId: d.segmentId }),
    ...experimentInput(d, d.templateId),
    topicId: d.topicId,
    senders: d.senders,
    rateLimitPerSecond: numeric(d.rate),
    errorThreshold: percent === null ? null : percent / 100,
    budget: d.budget.trim() || null,
    trackLinks: d.trackLinks,
    pilot: numeric(d.pilot) ?? 0,
    sendToTeam: d.sendToTeam,
    bestHour: d.bestHour,
    utm: d.utm,
    quietHours: d.quiet.on ? { start: d.quiet.start, end: d.quiet.end, zone: d.quiet.zone } : null,
    frequencyCap: d.capped ? capInput(d.cap) : null,
    endsAt: momentOf(d.ends, d.endsAt) ?? null,
  };
}

/** What cannot be put to the API at all, by its field. */
export function wrongIn(d: Draft): Record<string, string> {
  return d.ends && !momentOf(d.ends) ? { endsAt: noMoment(d.ends) } : {};
}

const fieldsOf: Record<Step, string[]> = {
  audience: ["name", "segmentId", "topicId", ...experimentFields.audience],
  message: [
    "templateId",
    ...experimentFields.message,
    "senders",
    "trackLinks",
    "utm.source",
    "utm.medium",
    "utm.campaign",
  ],
  schedule: [
    "rateLimitPerSecond",
    "errorThreshold",
    "budget",
    "quietHours",
    "frequencyCap",
    "pilot",
    "sendToTeam",
    "bestHour",
    "endsAt",
  ],
  review: [],
};
export const fields = Object.values(fieldsOf).flat();

/**
 * What a step still lacks before the next one, by its field. A campaign whose audience was written by the API needs no
 * segment.
 */
export function missingIn(step: Step, d: Draft, ownAudience = false): Record<string, string> {
  const missing: Record<string, string> = {};
  if (step === "audience" && !d.name.trim()) missing.name = t`Give it a name`;
  if (step === "audience" && !d.segmentId && !ownAudience) missing.segmentId = t`Choose who gets it`;
  if (step === "message" && d.variants.length === 0 && !d.templateId) missing.templateId = t`Choose what is sent`;
  if (step === "message" && d.variants.length > 0 && !variantsComplete(d))
    missing.variants = t`Choose a template for each variant`;
  return missing;
}

/** The step where a field stands. */
export const stepOf = (field: string) => steps.find((s) => fieldsOf[s].includes(field));
