import { decimal, moment, words } from "../../lib/format";

export type AttributeRow = { key: string; label: string; values: string[] };

/** "loyalty_points" and "loyaltyPoints" → "Loyalty points" */
const label = (key: string) => words(key.replace(/([a-z0-9])([A-Z])/g, "$1_$2").replaceAll("-", "_"));

const date = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2}))?$/;
const days = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeZone: "UTC" });

function text(v: unknown): string {
  if (typeof v === "boolean") return v ? "Yes" : "No";
  if (typeof v === "number") return decimal(v);
  if (typeof v !== "string") return JSON.stringify(v);
  if (!date.test(v) || Number.isNaN(Date.parse(v))) return v;
  return v.length === 10 ? days.format(new Date(v)) : moment(v);
}

/** What is known of a contact, for people: names instead of keys, parts of an object behind its name, no empty ones. */
export function attributeRows(attributes: Record<string, unknown>, of?: AttributeRow): AttributeRow[] {
  return Object.entries(attributes)
    .sort(([a], [b]) => a.localeCompare(b))
    .flatMap(([name, v]) => {
      const row = { key: of ? `${of.key}.${name}` : name, label: of ? `${of.label}: ${label(name)}` : label(name) };
      if (v === null || v === "") return [];
      if (Array.isArray(v)) return v.length ? [{ ...row, values: v.map(text) }] : [];
      if (typeof v === "object") return attributeRows(v as Record<string, unknown>, { ...row, values: [] });
      return [{ ...row, values: [text(v)] }];
    });
}
