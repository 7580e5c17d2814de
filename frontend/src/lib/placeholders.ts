import { t } from "@lingui/core/macro";

/** Where placeholders stand in a text, with what is between their braces. */
export function findPlaceholders(text: string): { from: number; to: number; source: string }[] {
  return Array.from(text.matchAll(/\{\{(.*?)\}\}/gs), (m) => ({
    from: m.index,
    to: m.index + m[0].length,
    source: m[1] ?? "",
  }));
}

/** An attribute of contacts, as the registry has it. */
export type Known = { key: string; name?: string; type?: string; coverage: number };

/** What the contact's own fields are called. */
export const fieldNames: Record<string, string> = {
  name: t`Name`,
  address: t`Phone number`,
  region: t`Country`,
  locale: t`Language`,
};

/** How people call a placeholder's field: "Name", "Loyalty points". */
export function fieldName(name: string, known: readonly Known[]): string {
  if (fieldNames[name]) return fieldNames[name];
  const key = name.replace(/^attributes\./, "");
  const of = known.find((k) => k.key === key);
  return of?.name || key;
}

/** A text with the names of its fields, where nothing is filled in: "Hello ‹Name›". */
export function withFields(text: string, known: readonly Known[]): string {
  return findPlaceholders(text).reduceRight((out, { from, to, source }) => {
    const name = source.split("|")[0]?.trim();
    return name ? `${out.slice(0, from)}‹${fieldName(name, known)}›${out.slice(to)}` : out;
  }, text);
}
