import type { AttributeType } from "../../gql/graphql";
import { flatten } from "./value";

/** A value that somebody edits; fixed: it is shown and not edited here, as a list of objects that a program keeps. */
export type Edited = { key: string; name: string; type: AttributeType; value: unknown; fixed?: boolean };

type Known = { key: string; name: string; type: AttributeType };

const empty = (v: unknown) => v === null || v === undefined || v === "" || (Array.isArray(v) && v.length === 0);

/** What a value is edited as: what it is, where it does not fit the type that its attribute has. */
function typeOf(value: unknown, declared?: AttributeType): AttributeType {
  if (Array.isArray(value)) return "LIST";
  if (typeof value === "number") return "NUMBER";
  if (typeof value === "boolean") return "BOOLEAN";
  if (declared === "DATE" && typeof value === "string" && /^\d{4}-\d{2}-\d{2}$/.test(value)) return "DATE";
  return "TEXT";
}

/** The values of a contact by the names of their attributes, each edited as what it holds. */
export function editedOf(attributes: Record<string, unknown>, known: readonly Known[]): Edited[] {
  return flatten(attributes)
    .filter((a) => !empty(a.value))
    .map(({ key, value }) => {
      const of = known.find((k) => k.key === key);
      const odd = Array.isArray(value)
        ? value.some((entry) => typeof entry !== "string")
        : value !== null && typeof value === "object";
      return { key, name: of?.name ?? key, type: typeOf(value, of?.type), value, ...(odd ? { fixed: true } : {}) };
    })
    .sort((a, b) => a.name.localeCompare(b.name));
}

function put(into: Record<string, unknown>, key: string, value: unknown) {
  const path = key in into ? [key] : key.split(".");
  let at = into;
  for (const name of path.slice(0, -1)) {
    const inner = at[name];
    if (inner === null || typeof inner !== "object" || Array.isArray(inner)) at[name] = {};
    at = at[name] as Record<string, unknown>;
  }
  const last = path.at(-1) ?? key;
  if (empty(value)) delete at[last];
  else at[last] = value;
}

/** What has to be sent: the values that differ, whole where they lie in another, and null for what is gone. */
export function changesOf(before: Record<string, unknown>, first: readonly Edited[], now: readonly Edited[]) {
  const after = structuredClone(before);
  for (const a of first) if (!now.some((b) => b.key === a.key)) put(after, a.key, null);
  for (const a of now) if (!a.fixed) put(after, a.key, a.value);
  const out: Record<string, unknown> = {};
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (JSON.stringify(before[key]) === JSON.stringify(after[key])) continue;
    const value = after[key];
    const gone =
      value === undefined || (typeof value === "object" && value !== null && Object.keys(value).length === 0);
    out[key] = gone ? null : value;
  }
  return out;
}

/** The key of a new attribute, as segments and templates name it: "Loyalty points" is loyalty_points. */
export const keyFor = (name: string) =>
  name
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "_")
    .replace(/^_+|_+$/g, "")
    .slice(0, 60);
