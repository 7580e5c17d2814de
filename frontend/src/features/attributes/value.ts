import { t } from "@lingui/core/macro";
import type { AttributeType } from "../../gql/graphql";
import { count, date, midSentence, moment, percent } from "../../lib/format";
import { locale } from "../../lib/language";

/** A value as people read it: a text, or the entries of a list. */
export type Shown = string | string[];

const precise = new Intl.NumberFormat(locale, { maximumFractionDigits: 6 });

function scalar(value: unknown, type?: AttributeType): string {
  if (value === null || value === undefined || value === "") return "–";
  if (typeof value === "boolean") return value ? t`Yes` : t`No`;
  if (typeof value === "number") return type === "TEXT" ? String(value) : precise.format(value);
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  if (type === "NUMBER" && /^-?\d{1,15}(\.\d{1,6})?$/.test(text)) return precise.format(Number(text));
  if (type === "BOOLEAN" && /^(true|false|yes|no)$/i.test(text)) return /^(t|y)/i.test(text) ? t`Yes` : t`No`;
  if (type === "DATE" && /^\d{4}-\d{2}-\d{2}/.test(text)) {
    // A day is the same day everywhere; a moment is told in the reader's time.
    if (!Number.isNaN(Date.parse(text))) return text.length === 10 ? date(text) : moment(text);
  }
  return text;
}

/** Shows a value by what its attribute holds; what is of another type is shown as what it is. */
export function show(value: unknown, type?: AttributeType): Shown {
  if (Array.isArray(value)) return value.map((v) => scalar(v));
  if (type === "LIST" && typeof value === "string" && value !== "")
    return value
      .split(",")
      .map((v) => v.trim())
      .filter(Boolean);
  return scalar(value, type);
}

/** All values with the paths by which segments and templates name them: objects are told by their parts. */
export function flatten(attributes: Record<string, unknown>, path = ""): { key: string; value: unknown }[] {
  return Object.entries(attributes).flatMap(([name, value]) => {
    const key = path + name;
    const inner = value !== null && typeof value === "object" && !Array.isArray(value);
    return inner && path.split(".").length < 4
      ? flatten(value as Record<string, unknown>, `${key}.`)
      : [{ key, value }];
  });
}

export type Named = { key: string; name: string; type?: AttributeType; value: unknown };

/** What is known of a contact, by the names of its attributes; without the tags, which stand by themselves, and empty values. */
export function namedAttributes(
  attributes: Record<string, unknown>,
  known: readonly { key: string; name: string; type: AttributeType }[],
): Named[] {
  const empty = (v: unknown) => v === null || v === "" || (Array.isArray(v) && v.length === 0);
  return flatten(attributes)
    .filter((a) => a.key !== "tags" && !empty(a.value))
    .map((a) => {
      const of = known.find((k) => k.key === a.key);
      return { ...a, name: of?.name ?? a.key, type: of?.type };
    })
    .sort((a, b) => a.name.localeCompare(b.name));
}

/** What an attribute's type is called. */
export const typeNames: Record<AttributeType, string> = {
  TEXT: t`Text`,
  NUMBER: t({ message: "Number", context: "type of values" }),
  DATE: t`Date`,
  BOOLEAN: t`Yes or no`,
  LIST: t`List`,
};

const held: Record<string, AttributeType> = { number: "NUMBER", boolean: "BOOLEAN", array: "LIST", date: "DATE" };

/** Types of values that conditions on the declared one do not find; none while all fit. */
export function misfits(type: AttributeType, types: readonly string[]): string[] {
  return types
    .filter((of) => of !== "null")
    .map((of) => held[of] ?? "TEXT")
    .filter((of) => of !== type && !(type === "TEXT" && of === "DATE"))
    .map((of) => midSentence(typeNames[of]));
}

export const samplesText = (samples: readonly string[], type: AttributeType) =>
  samples
    .slice(0, 3)
    .map((s) => (type === "NUMBER" && s !== "" && Number.isFinite(Number(s)) ? count(Number(s)) : scalar(s, type)))
    .join(" · ");

/** "87%" of the contacts; few are more than none, and most are less than all. */
export const share = (coverage: number) =>
  coverage > 0 && coverage < 0.01
    ? `<${percent(0.01)}`
    : coverage > 0.99 && coverage < 1
      ? `>${percent(0.99)}`
      : percent(Math.round(coverage * 100) / 100);
