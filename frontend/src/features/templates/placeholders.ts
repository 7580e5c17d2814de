import { t } from "@lingui/core/macro";
import { fieldNames, findPlaceholders, type Known } from "../../lib/placeholders";
import { type Format, formats } from "../../lib/whatsapp";

/** A placeholder as the engine's language writes it: {{attributes.city | title | there}}. */
export type Placeholder = {
  /** name, region… or attributes.<key> */
  name: string;
  filter?: { name: Filter; format?: string };
  /** What stands there for contacts who have no value; undefined: they are skipped. */
  fallback?: string;
};
export type Filter = "upper" | "lower" | "title" | "number" | "date" | "trim";

const filters = ["upper", "lower", "title", "number", "date", "trim"];
const plain = ["name", "address", "region", "locale"];

/** Splits at bars outside of quotes. */
function steps(source: string): string[] {
  const parts = [""];
  let quoted = false;
  for (let i = 0; i < source.length; i++) {
    const c = source.charAt(i);
    if (c === "|" && !quoted) {
      parts.push("");
      continue;
    }
    if (c === '"') quoted = !quoted;
    parts[parts.length - 1] += c;
    if (c === "\\" && quoted) parts[parts.length - 1] += source.charAt(++i);
  }
  return parts.map((p) => p.trim());
}

function unquoted(s: string): string | undefined {
  if (!s.startsWith('"')) return s;
  try {
    return JSON.parse(s) as string;
  } catch {
    return undefined;
  }
}

/**
 * Reads what is between the braces; undefined: the form has no field for all of it, and it is edited as text. What is
 * wrong with it is told by the server's preview.
 */
export function readPlaceholder(source: string): Placeholder | undefined {
  const [name = "", ...rest] = steps(source);
  if (!plain.includes(name) && !/^attributes(\.[^.{}"|\s][^.{}"|]*)+$/.test(name)) return undefined;
  const p: Placeholder = { name };
  for (const step of rest) {
    const word = step.split(" ", 1)[0] ?? "";
    const arg = step.slice(word.length).trim();
    if (p.fallback !== undefined || !step) return undefined; // a fallback is the last
    if (word === "date" && arg && !p.filter) {
      const format = unquoted(arg);
      if (format === undefined) return undefined;
      p.filter = { name: "date", format };
    } else if (word !== "date" && filters.includes(word) && !arg && !p.filter) p.filter = { name: word as Filter };
    else if (word === "date" || filters.includes(word)) return undefined;
    else {
      p.fallback = unquoted(word === "default" && arg ? arg : step);
      if (p.fallback === undefined) return undefined;
    }
  }
  return p;
}

/** Writes a placeholder with its braces, as short as it can be. */
export function writePlaceholder(p: Placeholder): string {
  let out = p.name;
  if (p.filter) out += ` | ${p.filter.name}${p.filter.name === "date" ? ` ${JSON.stringify(p.filter.format)}` : ""}`;
  const fallback = p.fallback?.replace(/[{}]/g, "").replace(/\s+/g, " ").trim();
  if (fallback) {
    const word = fallback.split(" ", 1)[0] ?? "";
    const bare = !/["|\\]/.test(fallback) && word !== "default" && !filters.includes(word);
    out += ` | ${bare ? fallback : `default ${JSON.stringify(fallback)}`}`;
  }
  return `{{${out}}}`;
}

/** A placeholder as it is begun with: numbers and dates are written as people read them. */
export function freshPlaceholder(name: string, known: readonly Known[]): Placeholder {
  if (name === "name") return { name, fallback: "there" };
  const type = known.find((k) => `attributes.${k.key}` === name)?.type;
  if (type === "NUMBER") return { name, filter: { name: "number" } };
  if (type === "DATE") return { name, filter: { name: "date", format: "2 January 2006" } };
  return { name };
}

/** The contact's own fields, as the palette offers them. */
export const contactFields = plain.map((value) => ({ value, label: fieldNames[value] ?? value }));

/** A mark around what is selected, or away again; the lines of a text are marked one by one, as WhatsApp reads them. */
export function toggleMark(text: string, from: number, to: number, mark: string) {
  // Spaces at the edges stay outside: WhatsApp formats nothing that begins or ends with one.
  while (from < to && /\s/.test(text.charAt(from))) from++;
  while (to > from && /\s/.test(text.charAt(to - 1))) to--;
  const n = mark.length;
  const chosen = text.slice(from, to);
  const around = text.slice(from - n, from) === mark && text.slice(to, to + n) === mark && from >= n;
  if (around) return { from: from - n, to: to + n, insert: chosen, select: [from - n, to - n] as const };
  if (chosen.length >= 2 * n && chosen.startsWith(mark) && chosen.endsWith(mark)) {
    const inner = chosen.slice(n, -n);
    return { from, to, insert: inner, select: [from, from + inner.length] as const };
  }
  if (chosen === "") return { from, to, insert: mark + mark, select: [from + n, from + n] as const };
  const lines = mark === "```" ? [chosen] : chosen.split("\n");
  const insert = lines.map((l) => (l.trim() ? l.replace(/^(\s*)(.*?)(\s*)$/s, `$1${mark}$2${mark}$3`) : l)).join("\n");
  const select =
    lines.length === 1 ? ([from + n, from + n + chosen.length] as const) : ([from, from + insert.length] as const);
  return { from, to, insert, select };
}

/** What stands on a pill: the field, and what stands there for those who have none. */
export function pillText(source: string, nameOf: (name: string) => string): { field: string; fallback?: string } {
  const p = readPlaceholder(source);
  return p ? { field: nameOf(p.name), fallback: p.fallback } : { field: source.trim() || "…" };
}

/** The formats of a template's text. A placeholder is a word in it, whatever it will bring. */
export const formatsOf = (text: string): Format[] =>
  formats(
    findPlaceholders(text).reduce(
      (all, { from, to }) => all.slice(0, from) + "x".repeat(to - from) + all.slice(to),
      text,
    ),
  );

/** What stands in an empty text. */
export const exampleText = () => t`Hi Anna, our autumn sale has started.`;
