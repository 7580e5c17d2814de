// @vitest-environment node
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "graphql";
import { expect, test } from "vitest";
import { terms } from "./terms";

const schema = join(import.meta.dirname, "../../../graph/schema");
const enums = new Map(
  readdirSync(schema)
    .filter((file) => file.endsWith(".graphql"))
    .flatMap((file) => parse(readFileSync(join(schema, file), "utf8")).definitions)
    .filter((d) => d.kind === "EnumTypeDefinition")
    .map((d) => [d.name.value, d.values?.map((v) => v.name.value) ?? []]),
);

// The enums of which no page shows a value as it is, and what stands there instead.
const asked = "its choices have labels of their own";
const sorted = "the heading of a column sorts by it";
const inner = "a page chooses by it what it shows";
const elsewhere: Record<string, string> = {
  AddressKind: inner,
  AddressSource: "sources in ContactAddresses.tsx",
  AttributeType: asked,
  AuditBreakKind: "the server tells what is broken in a sentence",
  BulkActionKind: "the page tells what was done in a sentence",
  CampaignApprovalState: "sentences in Approval.tsx",
  CampaignOrder: "not asked for",
  ContactOrder: sorted,
  CredentialsSource: inner,
  DemoRunKind: inner,
  ErrorClass: "errorClasses in format.ts",
  ExportFormat: asked,
  FindingState: "labels in DiagnosisPage.tsx",
  Frequency: asked,
  GoalEvent: "labels in GoalFields.tsx",
  GoingLiveStepKey: "titles in GoingLivePage.tsx",
  GoingLiveStepState: "looks in GoingLivePage.tsx",
  HealthLevel: "beside it stands what was found",
  ImportConsentSource: asked,
  ImportDateOrder: asked,
  ImportMode: asked,
  ImportNumbers: asked,
  ImportQuestionTopic: inner,
  KeywordEffect: asked,
  KeywordMeaning: asked,
  MessageContentKind: inner,
  MessageDirection: inner,
  MessageResolution: asked,
  PageLanguage: "each by its own name",
  PriceCategory: "categoryText and rateText in prices/words.ts",
  Provider: inner,
  RetentionKind: "texts in RetentionPage.tsx",
  Scope: asked,
  TemplateButtonType: asked,
  TemplateKind: asked,
  TemplateMediaKind: asked,
  TimeZoneSource: "zoneSources in ContactPage.tsx",
  TimelineKind: inner,
  VariantMetric: "metricLabels in experiment.ts",
  WebhookEventSource: inner,
  Weekday: "the day's name in the reader's language",
};

test("every value that a page shows has a word of its own", () => {
  expect(enums.size).toBeGreaterThan(40);
  const missing = [...enums]
    .filter(([name]) => !Object.hasOwn(elsewhere, name))
    .flatMap(([name, values]) => values.map((value) => `${name}.${value}`))
    .filter((value) => !Object.hasOwn(terms, (value.split(".")[1] ?? "").toLowerCase()));
  expect(missing, "add it to terms.ts, or the enum to what is shown otherwise").toEqual([]);
});

test("so has every word of Twilio and Meta about a sender", () => {
  const said = ["CREATING", "DRAFT", "OFFLINE", "ONLINE", "ONLINE:UPDATING", "PENDING_VERIFICATION", "TWILIO_REVIEW"];
  const rated = ["GREEN", "YELLOW", "RED", "HIGH", "MEDIUM", "LOW", "UNKNOWN"];
  expect([...said, "VERIFYING", ...rated].filter((word) => !Object.hasOwn(terms, word.toLowerCase()))).toEqual([]);
});

test("what is shown otherwise is in the schema, and lacks a word", () => {
  const needless = Object.keys(elsewhere).filter(
    (name) => enums.get(name)?.every((value) => Object.hasOwn(terms, value.toLowerCase())) ?? true,
  );
  expect(needless).toEqual([]);
});
