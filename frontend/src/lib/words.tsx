import { i18n } from "@lingui/core";
import type { CompiledMessage } from "@lingui/message-utils/compileMessage";
import { TransNoContext, type TransProps } from "@lingui/react/server";
import { Fragment } from "react";
import { type Language, language, locale } from "./language";

/**
 * The texts of the pages, in the language of the page. English is in the sources; of the others one catalogue is read,
 * before any module that has texts is loaded, so that a text may stand anywhere, outside of components as well.
 */
i18n.setMessagesCompiler((text) => [text]); // the build has compiled them: what is still a text has nothing to fill in
i18n.load(language, {});
i18n.activate(language, locale);

/** What the build makes of a marked text: its place in the catalogues, itself in English, and what is filled in. */
export const say = (place: number, english: string | CompiledMessage, values?: Record<string, unknown>) =>
  i18n._(String(place), values, { message: english as string });

const catalogues: Record<Exclude<Language, "en">, () => Promise<{ default: (string | CompiledMessage)[] }>> = {
  de: () => import("../words/de.po"),
  es: () => import("../words/es.po"),
};

/** Reads the catalogue of the page's language. */
export async function readWords() {
  document.documentElement.lang = language;
  if (language !== "en") i18n.load(language, Object.fromEntries((await catalogues[language]()).default.entries()));
}

/** A text with elements in it. What is filled in is never taken for an element, whatever somebody has called it. */
export function Trans(props: TransProps) {
  const values = Object.fromEntries(
    Object.entries(props.values ?? {}).map(([name, value]) => [
      name,
      typeof value === "string" && value.includes("<") ? <Fragment key={name}>{value}</Fragment> : value,
    ]),
  );
  return <TransNoContext {...props} values={values} lingui={{ i18n }} />;
}
