import { t } from "@lingui/core/macro";
import type {
  ImportConsentSource,
  ImportDateOrder,
  ImportMode,
  ImportNumbers,
  ImportQuestionTopic,
} from "../../gql/graphql";
import { country, sentence } from "../../lib/format";
import { locale } from "../../lib/language";

/** How a file is to be read, as far as the operator has said. */
export type Options = {
  mode: ImportMode;
  region: string;
  numbers: ImportNumbers | null;
  dateOrder: ImportDateOrder | null;
  consent: ImportConsentSource | null;
  consentText: string;
  /** The version that consentText is; null: it is another wording than any before. */
  consentTextId: string | null;
  /** Who agreed is asked on WhatsApp to confirm. */
  doubleOptIn: boolean;
  topics: string[];
};

export const firstOptions: Options = {
  mode: "UPSERT",
  region: "",
  numbers: null,
  dateOrder: null,
  consent: null,
  consentText: "",
  consentTextId: null,
  doubleOptIn: false,
  topics: [],
};

/** What the operator has said of an import, as the API tells it. */
export const optionsOf = (i: {
  mode: ImportMode;
  defaultRegion?: string | null;
  numbers?: ImportNumbers | null;
  dateOrder?: ImportDateOrder | null;
  consentSource?: ImportConsentSource | null;
  consentText?: string | null;
  doubleOptIn: boolean;
  topicIds: readonly string[];
}): Options => ({
  mode: i.mode,
  region: i.defaultRegion ?? "",
  numbers: i.numbers ?? null,
  dateOrder: i.dateOrder ?? null,
  consent: i.consentSource ?? null,
  consentText: i.consentText ?? "",
  consentTextId: null, // an import knows its words alone
  doubleOptIn: i.doubleOptIn,
  topics: [...i.topicIds],
});

/** Whether people are asked to confirm; nobody is asked about a consent that is not recorded. */
const asksThem = (o: Options) => o.doubleOptIn && o.consent !== null && o.consent !== "NONE";

/** What depends on how the file is read, to tell whether the preview is still true. */
export const readingOf = (o: Options, mapping: unknown) =>
  JSON.stringify([mapping, o.mode, o.region, o.numbers, o.dateOrder, asksThem(o) && o.consent]);

/** As the API takes them. */
export const optionsInput = (o: Options) => ({
  mode: o.mode,
  defaultRegion: o.region || null,
  numbers: o.numbers,
  dateOrder: o.dateOrder,
  consentSource: o.consent ?? ("COLUMNS" as const),
  consentText: (o.consent !== "NONE" && !o.consentTextId && o.consentText.trim()) || null,
  consentTextId: o.consent === "NONE" ? null : o.consentTextId,
  doubleOptIn: asksThem(o),
  topicIds: o.topics,
});

export type Column = { name: string; field: string; samples: readonly string[] };
export type Question = {
  about: ImportQuestionTopic;
  column?: string | null;
  text: string;
  example?: string | null;
  readings: readonly string[];
};
export type Reject = { row: number; line: number; field: string; value: string; reason: string };

export const fieldNames = [
  { value: "address", label: t`Phone number` },
  { value: "name", label: t`Name` },
  { value: "first_name", label: t`First name` },
  { value: "last_name", label: t`Last name` },
  { value: "region", label: t`Country` },
  { value: "locale", label: t`Language` },
  { value: "time_zone", label: t`Time zone` },
  { value: "consent", label: t`Consent` },
  { value: "consent_at", label: t`Consent date` },
  { value: "opt_out", label: t`Opt-out` },
  { value: "topics", label: t`Topics` },
];

/** What a header becomes as an attribute's key: as the server makes it. */
export const keyOf = (header: string) =>
  header
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "_")
    .replace(/^_+|_+$/g, "")
    .slice(0, 64);

/** Columns that share a field with another one, with what is wrong; phone numbers and opt-outs may stand in several. */
export function conflicts(columns: readonly Column[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const c of columns) {
    const other = columns.find((o) => o !== c && o.field === c.field);
    if (c.field && !["address", "opt_out"].includes(c.field) && other)
      found[c.name] = t`“${other.name}” is imported as the same field.`;
  }
  return found;
}

/** The columns as the operator has corrected them. */
export const corrected = (columns: readonly Column[], edits: Record<string, string>): Column[] =>
  columns.map((c) => ({ ...c, field: edits[c.name] ?? c.field }));

/** The mapping for the API: nothing as long as the guesses stand, so that they may change with the other answers. */
export const mappingInput = (columns: readonly Column[], edits: Record<string, string>) =>
  Object.keys(edits).length === 0 ? [] : corrected(columns, edits).map(({ name, field }) => ({ name, field }));

const kinds: Record<string, string> = {
  csv: t`CSV file`,
  json: t`JSON file`,
  jsonl: t`NDJSON file`,
  ndjson: t`NDJSON file`,
  tsv: t`Tab-separated file`,
  txt: t`Text file`,
};

/** What a file was recognised as: “Google Contacts export, Excel workbook”. */
export function recognized(i: { fileName: string; source?: string | null; sheet?: string | null }): string {
  const extension = i.fileName
    .toLowerCase()
    .replace(/\.(gz|zip)$/, "")
    .split(".")
    .pop();
  const kind = i.sheet ? t`Excel workbook, sheet “${i.sheet}”` : (kinds[extension ?? ""] ?? "");
  if (i.source === "vCard") return "vCards";
  if (i.source === "Twilio message log") return t`Twilio message log`;
  if (i.source) return i.sheet ? t`${i.source} export (${kind})` : t`${i.source} export`;
  return kind || t`List of contacts`;
}

/** The questions to show: those that are open, and those that were answered and can be answered differently. */
export const remembered = (answered: readonly Question[], open: readonly Question[]): Question[] => [
  ...answered.filter((q) => !open.some((x) => x.about === q.about && x.column === q.column)),
  ...open,
];

/** Topics whose rows the operator chose to leave out. */
export type LeftOut = Partial<Record<"NUMBERS" | "DATES", boolean>>;

/** What must be done before the file can be imported for good; empty: nothing. */
export function stillToDo(s: {
  asked: readonly Question[];
  leftOut: LeftOut;
  options: Options;
  columns: readonly Column[];
  changed: boolean;
  usable: number;
}): string[] {
  const { options: o, leftOut } = s;
  const todo: string[] = [];
  const asks = (about: ImportQuestionTopic) => s.asked.some((q) => q.about === about);
  if (Object.keys(conflicts(s.columns)).length > 0) todo.push(t`Two columns are imported as the same field.`);
  if (s.changed) todo.push(t`Update the preview to see what your changes do.`);
  if (asks("NUMBERS") && !o.numbers && !leftOut.NUMBERS) todo.push(t`Say how numbers without + are written.`);
  if (asks("DATES") && !o.dateOrder && !leftOut.DATES) todo.push(t`Say whether dates start with the day or the month.`);
  if (asks("CONSENT") && !o.consent) todo.push(t`Say whether these people agreed to WhatsApp messages.`);
  if (evidenceMissing(o, asks("CONSENT"))) todo.push(t`Say what these people agreed to.`);
  if (s.usable === 0) todo.push(t`No row of this file can be imported yet.`);
  return todo;
}

/** Consent that the file does not prove by itself needs the text that people agreed to. */
export const evidenceMissing = (o: Options, asked: boolean) =>
  (o.consent === "ALL" || (o.consent === "COLUMNS" && asked)) && o.consentText.trim() === "";

/** Rows that were rejected for one reason. */
export type Reason = { text: string; rows: number; examples: Reject[] };

const quoted = /"(?:[^"\\]|\\.)*"/g;
const shownExamples = 3;

/** Rejected rows by reason, the most frequent first. What differs from row to row is left out of the reason. */
export function byReason(rejects: readonly Reject[]): Reason[] {
  const groups = new Map<string, { words: string[]; rejects: Reject[] }>();
  for (const r of rejects) {
    const text = r.reason.replace(/^"(?:[^"\\]|\\.)*" (?:is )?/, "").replace(quoted, "“…”");
    const words = (isColumn(r.field) ? `${r.field}: ${text}` : text).split(" ");
    const key = words.join(" ").replace(/\+?\d{2,}/g, "0");
    const group = groups.get(key);
    if (group) {
      group.words = group.words.map((w, i) => (w === words[i] ? w : `…${/[:;,]$/.exec(w)?.[0] ?? ""}`));
      group.rejects.push(r);
    } else groups.set(key, { words, rejects: [r] });
  }
  return [...groups.values()]
    .sort((a, b) => b.rejects.length - a.rejects.length)
    .map((g) => ({
      text: sentence(g.words.join(" ")),
      rows: g.rejects.length,
      examples: g.rejects.slice(0, shownExamples),
    }));
}

const isColumn = (field: string) => !["address", "name", "attributes", "row", ""].includes(field);

/** "Line 12: 0151 2345"; what broke the row itself stands in no cell. */
export const exampleOf = (r: Reject) =>
  r.field === "row" ? t`Line ${r.line}` : t`Line ${r.line}: ${r.value || t`(empty)`}`;

const codes =
  "AD AE AF AG AI AL AM AO AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BW BY BZ CA CC CD " +
  "CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD " +
  "GE GF GG GH GI GL GM GN GP GQ GR GT GU GW GY HK HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI " +
  "KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW " +
  "MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PR PS PT PW PY QA RE RO RS RU RW SA SB SC " +
  "SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG US UY UZ " +
  "VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW";

/** All countries that have phone numbers of their own, by name. */
export function countries(): { value: string; label: string }[] {
  return codes
    .split(" ")
    .map((value) => ({ value, label: `${country(value)} (${value})` }))
    .sort((a, b) => a.label.localeCompare(b.label, locale));
}

const longDay = new Intl.DateTimeFormat(locale, { dateStyle: "long", timeZone: "UTC" });

/** What an example of the file is by one of the answers; dates come as ISO dates. */
export const readingText = (q: Question, i: number): string => {
  const reading = q.readings[i];
  if (!q.example || !reading) return "";
  return t`${q.example} is ${q.about === "DATES" ? longDay.format(new Date(reading)) : reading}.`;
};
