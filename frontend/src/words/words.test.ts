// @vitest-environment node
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { compileMessage } from "@lingui/message-utils/compileMessage";
import { expect, test } from "vitest";
import { bareTextsOf, callsOf, entriesOf, sources, textsOf, translated } from "../../build/words.mjs";

const texts = [...(await textsOf()).values()];

/** The names of what is filled in, and the elements, in the order of their names. */
function holesOf(message: string): string[] {
  const names = new Set<string>();
  const walk = (of: unknown) => {
    if (typeof of === "string") for (const tag of of.match(/<\/?\d+\/?>/g) ?? []) names.add(tag);
    if (!Array.isArray(of)) return;
    for (const token of of) {
      if (!Array.isArray(token)) {
        walk(token);
        continue;
      }
      const [name, , cases] = token as [string, string?, Record<string, unknown>?];
      names.add(`{${name}}`);
      for (const text of Object.values(cases ?? {})) walk(text);
    }
  };
  walk(compileMessage(message));
  return [...names].sort();
}

test("every text that is shown is marked, so that it has its translations", async () => {
  const bare: string[] = [];
  for (const file of readdirSync(sources, { recursive: true, encoding: "utf8" })) {
    if (!/(?<!\.test)\.tsx?$/.test(file) || file.startsWith("gql")) continue;
    for (const found of await bareTextsOf(readFileSync(join(sources, file), "utf8"))) bare.push(`${file}:${found}`);
  }
  expect(bare, "write {t`…`} or <Trans>…</Trans>").toEqual([]);
}, 60_000);

test("texts are whole sentences and no pieces of some", () => {
  expect(texts.length).toBeGreaterThan(1000);
  expect(texts.filter(({ text }) => /^[\s,;.·]|\s$/.test(text))).toEqual([]);
});

for (const language of translated) {
  test(`no text is missing in ${language}`, () => {
    const known = new Map(entriesOf(language).map((e) => [`${e.msgctxt ?? ""}|${e.msgid}`, e.msgstr[0]]));
    const of = ({ context, text }: (typeof texts)[number]) => `${context ?? ""}|${text}`;
    const missing = texts.filter((m) => !known.get(of(m)));
    expect(
      missing.map(({ text, file }) => `${file}: ${text}`),
      `npm run words, then translate what is empty in src/words/${language}.po`,
    ).toEqual([]);
    expect(known.size, "npm run words leaves out what is no longer shown").toBe(texts.length);
  });

  test(`what is filled in is the same in ${language}`, () => {
    const different = entriesOf(language).filter(
      (e) => e.msgstr[0] && String(holesOf(e.msgstr[0])) !== String(holesOf(e.msgid)),
    );
    expect(different.map((e) => [e.msgid, e.msgstr[0]])).toEqual([]);
  });
}

test("the built pages have the translation of the meaning, where a word has two", async () => {
  const entries = entriesOf(translated[0] ?? "");
  const { NODE_ENV } = process.env;
  process.env.NODE_ENV = "production"; // where the macros leave out what they think is not needed
  try {
    for (const [i, e] of entries.entries()) {
      if (!e.msgctxt) continue;
      const meant = `{ message: ${JSON.stringify(e.msgid)}, context: ${JSON.stringify(e.msgctxt)} }`;
      const built = await callsOf(
        `import { t } from "@lingui/core/macro"; export const word = t(${meant});`,
        "word.ts",
      );
      expect(built?.code, meant).toContain(`(${i}, `);
    }
  } finally {
    process.env.NODE_ENV = NODE_ENV;
  }
});

test("what is counted has its plural", () => {
  const counted =
    "characters?|contacts|conversations|days|entries|hours|markets|messages|minutes|people|recipients|rows|seconds|times";
  const bare = new RegExp(`\\{\\w+\\} (?:(?!of |for )\\w+ )?(?:${counted})\\b`);
  // Numbers of which there are always several: limits, and what stands there only from two on.
  const several = [
    /of \{\w+\} characters/,
    /the \{days\} days before/,
    /\{0\} unread conversations/,
    /newest \{0\} content/,
    /\{mostDays\} days;/,
  ];
  const wrong = texts
    .map(({ text }) => text)
    .filter((text) => !text.includes(", plural,") && bare.test(text) && !several.some((s) => s.test(text)));
  expect(wrong, "use plural()").toEqual([]);
});
