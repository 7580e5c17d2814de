import { plural, t } from "@lingui/core/macro";
import type { AttributeType } from "../../gql/graphql";
import { allOf, country, exact, midSentence, quoted, skipText, words } from "../../lib/format";
import type { Attribute } from "../attributes/useAttributes";

/** The segment query as the builder edits it: the engine's own form. */
export type Condition = { field: string; op: string; value?: unknown };
export type Group = { all: Node[] } | { any: Node[] };
export type Node = Condition | Group | { not: Node } | Behaviour | Random | Member | Record<string, unknown>;

/** What can have happened with our messages to a contact. */
export const events = [
  { value: "received", label: t`got a message` },
  { value: "delivered", label: t`had a message delivered` },
  { value: "read", label: t`read a message` },
  { value: "clicked", label: t`tapped a link or a button` },
  { value: "replied", label: t`replied` },
  { value: "opted_out", label: t`opted out after a message` },
  { value: "failed", label: t`had a message fail` },
  { value: "skipped", label: t`was excluded` },
] as const;

export type Behaviour = {
  event: string;
  reason?: string; // of failed and skipped
  campaign?: string;
  within_last?: string;
  count?: { op: string; value: number };
};
export type Random = { random: { percent: number; salt: string } };
export type Member = { segment: string } | { import: string } | { topic: string };

export const isBehaviour = (n: Node): n is Behaviour => "event" in n;
export const isRandom = (n: Node): n is Random => "random" in n;
export const isMember = (n: Node): n is Member => "segment" in n || "import" in n || "topic" in n;
export const isNot = (n: Node): n is { not: Node } => "not" in n;
export const isCondition = (n: Node): n is Condition => "field" in n;
export const isGroup = (n: Node): n is Group => "all" in n || "any" in n;
export const partsOf = (g: Group): Node[] => ("all" in g ? g.all : g.any);
export const makeGroup = (kind: "all" | "any", parts: Node[]): Group =>
  kind === "all" ? { all: parts } : { any: parts };

export const fields = [
  { value: "name", label: t`Name`, type: "text" },
  { value: "address", label: t`Number`, type: "text" },
  { value: "region", label: t`Country`, type: "text" },
  { value: "locale", label: t`Language`, type: "text" },
  { value: "time_zone", label: t`Time zone`, type: "text" },
  { value: "consent_status", label: t`Consent`, type: "status" },
  { value: "reachable", label: t`Reachable`, type: "boolean" },
  { value: "created_at", label: t`Added`, type: "time" },
  { value: "last_inbound_at", label: t`Last wrote`, type: "time" },
  { value: "last_outbound_at", label: t`Last message to them`, type: "time" },
] as const;

export type FieldType = "text" | "status" | "boolean" | "time" | "number" | "list";

const opTexts: Record<string, string> = {
  eq: t`is`,
  ne: t`is not`,
  in: t`is one of`,
  not_in: t`is none of`,
  lt: t`is less than`,
  lte: t`is at most`,
  gt: t`is more than`,
  gte: t`is at least`,
  between: t`is between`,
  contains: t`contains`,
  has: t`includes`,
  starts_with: t`starts with`,
  ends_with: t`ends with`,
  exists: t`is known`,
  not_exists: t`is not known`,
  is_empty: t`is empty`,
  before: t`is before`,
  after: t`is after`,
  within_last: t`is within the last`,
  not_within_last: t`is not within the last`,
};
export const opText = (op: string) => opTexts[op] ?? op;

const ops: Record<FieldType, string[]> = {
  text: ["eq", "ne", "in", "not_in", "contains", "starts_with", "ends_with", "exists", "not_exists"],
  status: ["eq", "ne"],
  boolean: ["eq", "ne"],
  time: ["within_last", "not_within_last", "before", "after", "between", "exists", "not_exists"],
  number: ["eq", "ne", "lt", "lte", "gt", "gte", "between", "exists", "not_exists"],
  list: ["has", "contains", "is_empty", "exists", "not_exists"],
};

export type Key = Pick<Attribute, "key" | "name" | "type" | "samples">;

const fieldTypes: Record<AttributeType, FieldType> = {
  TEXT: "text",
  NUMBER: "number",
  DATE: "time",
  BOOLEAN: "boolean",
  LIST: "list",
};

export function typeOf(field: string, keys: readonly Key[]): FieldType {
  const known = fields.find((f) => f.value === field);
  if (known) return known.type;
  const key = keys.find((k) => `attributes.${k.key}` === field);
  return key ? fieldTypes[key.type] : "text";
}

export function opsOf(field: string, keys: readonly Key[]): string[] {
  const type = typeOf(field, keys);
  if (type === "boolean" && field.startsWith("attributes.")) return ["eq", "ne", "exists", "not_exists"];
  if (field.startsWith("attributes.") && type === "text") return [...ops.text, "before", "after", "within_last"];
  return ops[type];
}

/** Comparisons that come in pairs, each true of exactly those of whom the other is not: people choose the other one. */
const paired = ["eq", "ne", "in", "not_in", "exists", "not_exists"];

/** Whether a condition is negated by another comparison, so that it needs no "not" of its own. */
export const hasOpposite = (n: Node) => isCondition(n) && paired.includes(n.op);

export const takesNoValue = (op: string) => op === "exists" || op === "not_exists" || op === "is_empty";

const today = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);

/** A value that fits a newly chosen field or comparison. */
export function startValue(type: FieldType, op: string): unknown {
  if (takesNoValue(op)) return undefined;
  if (op === "in" || op === "not_in") return [];
  if (op === "between") return type === "number" ? [0, 100] : [today(-30), today(0)];
  if (op === "before" || op === "after") return today(0);
  if (op === "within_last" || op === "not_within_last") return "30d";
  if (type === "boolean") return true;
  if (type === "status") return "opted_in";
  if (type === "number") return 0;
  return "";
}

const counts: Record<string, string> = {
  eq: t`exactly`,
  ne: t`not`,
  lt: t`less than`,
  lte: t`at most`,
  gt: t`more than`,
  gte: t`at least`,
};

/** The conditions of a query with their places, as the preview's reasons name them. */
export function leaves(n: Node, path = "query"): { path: string; node: Node }[] {
  if (isGroup(n)) {
    const kind = "all" in n ? "all" : "any";
    return partsOf(n).flatMap((p, i) => leaves(p, `${path}.${kind}[${i}]`));
  }
  if (isNot(n)) return leaves(n.not, `${path}.not`);
  return [{ path, node: n }];
}

/** What people call a field. */
export const nameOf = (field: string, keys: readonly Key[]): string =>
  fields.find((f) => f.value === field)?.label ??
  keys.find((k) => `attributes.${k.key}` === field)?.name ??
  field.replace("attributes.", "");

/** "30 days" of "30d" */
export function spanText(span: string): string {
  const [, n, unit] = /^(\d+)([hdwm])$/.exec(span) ?? [];
  if (!n) return span;
  if (unit === "h") return plural(Number(n), { one: "# hour", other: "# hours" });
  if (unit === "d") return plural(Number(n), { one: "# day", other: "# days" });
  if (unit === "w") return plural(Number(n), { one: "# week", other: "# weeks" });
  return plural(Number(n), { one: "# minute", other: "# minutes" });
}

/** What a field is compared with, as people read it. */
function valueText(n: Condition): string {
  const { op, value } = n;
  const one = (v: unknown) => (n.field === "region" ? country(String(v).toUpperCase()) : bare(v));
  if (Array.isArray(value)) return op === "between" ? allOf(value.map(one)) : value.map(one).join(", ");
  if (typeof value !== "string") return bare(value);
  if (op === "within_last" || op === "not_within_last") return spanText(value);
  if (n.field === "consent_status") return midSentence(words(value));
  if (n.field === "region" && value) return one(value);
  return value ? quoted(value) : "…"; // not filled in yet
}

export function bare(value: unknown): string {
  if (typeof value === "number") return exact(value);
  if (typeof value === "boolean") return value ? t`yes` : t`no`;
  return String(value);
}

/** The query as a sentence; keys: what attributes are called. */
export function sentence(n: Node, keys: readonly Key[], inner = false): string {
  if (isCondition(n)) {
    const value = takesNoValue(n.op) ? "" : ` ${valueText(n)}`;
    return `${nameOf(n.field, keys)} ${opText(n.op)}${value}`;
  }
  if (isGroup(n)) {
    const parts = partsOf(n);
    if (parts.length === 0) return "all" in n ? t`everybody` : t`nobody`;
    const text = parts.map((p) => sentence(p, keys, true)).join("all" in n ? ` ${t`and`} ` : ` ${t`or`} `);
    return inner && parts.length > 1 ? `(${text})` : text;
  }
  if (isNot(n)) return t`not (${sentence(n.not, keys)})`;
  if (isBehaviour(n)) {
    const event = events.find((e) => e.value === n.event)?.label ?? n.event;
    const often =
      n.count && !(n.count.op === "gte" && n.count.value === 1)
        ? plural(n.count.value, {
            one: `${counts[n.count.op] ?? n.count.op} # time`,
            other: `${counts[n.count.op] ?? n.count.op} # times`,
          })
        : "";
    const why = n.reason ? ` (${n.event === "skipped" ? skipText(n.reason) : n.reason})` : "";
    const which = [
      `${event}${why}`,
      ...(n.campaign ? [t`of one campaign`] : []),
      ...(n.within_last ? [t`in the last ${spanText(n.within_last)}`] : []),
    ];
    return which.join(" ") + (often && `, ${often}`);
  }
  if (isRandom(n)) return t`a random ${n.random.percent} %`;
  if (isMember(n))
    return "segment" in n ? t`in another segment` : "topic" in n ? t`subscribed to a topic` : t`in an import`;
  return JSON.stringify(n);
}
