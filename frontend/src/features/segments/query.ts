/** The segment query as the builder edits it: the engine's own form. */
export type Condition = { field: string; op: string; value?: unknown };
export type Group = { all: Node[] } | { any: Node[] };
export type Node = Condition | Group | { not: Node } | Record<string, unknown>;

export const isCondition = (n: Node): n is Condition => "field" in n;
export const isGroup = (n: Node): n is Group => "all" in n || "any" in n;
export const partsOf = (g: Group): Node[] => ("all" in g ? g.all : g.any);
export const makeGroup = (kind: "all" | "any", parts: Node[]): Group =>
  kind === "all" ? { all: parts } : { any: parts };

export const fields = [
  { value: "name", label: "Name", type: "text" },
  { value: "address", label: "Number", type: "text" },
  { value: "region", label: "Country", type: "text" },
  { value: "locale", label: "Language", type: "text" },
  { value: "time_zone", label: "Time zone", type: "text" },
  { value: "consent_status", label: "Consent", type: "status" },
  { value: "reachable", label: "Reachable", type: "boolean" },
  { value: "created_at", label: "Added", type: "time" },
  { value: "last_inbound_at", label: "Last wrote", type: "time" },
  { value: "last_outbound_at", label: "Last message to them", type: "time" },
] as const;

export type FieldType = "text" | "status" | "boolean" | "time" | "number";

const opTexts: Record<string, string> = {
  eq: "is",
  ne: "is not",
  in: "is one of",
  not_in: "is none of",
  lt: "is less than",
  lte: "is at most",
  gt: "is more than",
  gte: "is at least",
  between: "is between",
  contains: "contains",
  starts_with: "starts with",
  ends_with: "ends with",
  exists: "is known",
  not_exists: "is not known",
  is_empty: "is empty",
  before: "is before",
  after: "is after",
  within_last: "is within the last",
  not_within_last: "is not within the last",
};
export const opText = (op: string) => opTexts[op] ?? op;

const ops: Record<FieldType, string[]> = {
  text: ["eq", "ne", "in", "not_in", "contains", "starts_with", "ends_with", "exists", "not_exists"],
  status: ["eq", "ne"],
  boolean: ["eq", "ne"],
  time: ["within_last", "not_within_last", "before", "after", "exists", "not_exists"],
  number: ["eq", "ne", "lt", "lte", "gt", "gte", "exists", "not_exists"],
};

export type Key = { key: string; types: string[]; samples: string[] };

export function typeOf(field: string, keys: Key[]): FieldType {
  const known = fields.find((f) => f.value === field);
  if (known) return known.type;
  const key = keys.find((k) => `attributes.${k.key}` === field);
  if (key?.types.length === 1 && key.types[0] === "number") return "number";
  if (key?.types.length === 1 && key.types[0] === "boolean") return "boolean";
  return "text";
}

export function opsOf(field: string, keys: Key[]): string[] {
  const type = typeOf(field, keys);
  if (type === "boolean" && field.startsWith("attributes.")) return ["eq", "ne", "exists", "not_exists"];
  if (field.startsWith("attributes.") && type === "text") return [...ops.text, "before", "after", "within_last"];
  return ops[type];
}

export const takesNoValue = (op: string) => op === "exists" || op === "not_exists" || op === "is_empty";

/** A value that fits a newly chosen field or comparison. */
export function startValue(type: FieldType, op: string): unknown {
  if (takesNoValue(op)) return undefined;
  if (op === "in" || op === "not_in") return [];
  if (op === "within_last" || op === "not_within_last") return "30d";
  if (type === "boolean") return true;
  if (type === "status") return "opted_in";
  if (type === "number") return 0;
  return "";
}

const nameOf = (field: string) => fields.find((f) => f.value === field)?.label ?? field.replace("attributes.", "");

/** The query as a sentence. */
export function sentence(n: Node, inner = false): string {
  if (isCondition(n)) {
    const value = takesNoValue(n.op) ? "" : ` ${Array.isArray(n.value) ? n.value.join(", ") : JSON.stringify(n.value)}`;
    return `${nameOf(n.field)} ${opText(n.op)}${value}`;
  }
  if (isGroup(n)) {
    const parts = partsOf(n);
    if (parts.length === 0) return "all" in n ? "everybody" : "nobody";
    const text = parts.map((p) => sentence(p, true)).join("all" in n ? " and " : " or ");
    return inner && parts.length > 1 ? `(${text})` : text;
  }
  if ("not" in n) return `not ${sentence(n.not as Node, true)}`;
  return JSON.stringify(n);
}
