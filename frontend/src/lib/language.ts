/** The languages that the pages speak, each by its own name. */
export const languages = { en: "English", de: "Deutsch", es: "Español" };
export type Language = keyof typeof languages;

const isLanguage = (tag: string): tag is Language => Object.hasOwn(languages, tag);

/** What was chosen, else the first of the browser's languages that the pages speak, else English. */
export function languageOf(chosen: string | null, browsers: readonly string[]): Language {
  const wanted = [...(chosen ? [chosen] : []), ...browsers].map((tag) => tag.toLowerCase().split("-")[0] ?? "");
  return wanted.find(isLanguage) ?? "en";
}

/**
 * How numbers, dates and times are written: in the language of the pages, as it is done where the reader is. "en-DE"
 * writes 26 Nov 2026, 18:54, and "en-US" Nov 26, 2026, 6:54 PM. A browser that names no region is taken to be where its
 * language is spoken most.
 */
export function localeOf(browsers: readonly string[], language: Language = "en"): string {
  for (const tag of browsers) {
    try {
      const region = new Intl.Locale(tag).maximize().region;
      if (region) return Intl.getCanonicalLocales(`${language}-${region}`)[0] ?? language;
    } catch {
      // not a language that is known: the next one
    }
  }
  return language === "en" ? "en-US" : language;
}

const key = "language";

/** What was chosen in this browser; null: nothing, so that the browser's own languages count. */
export function chosenLanguage(): Language | null {
  try {
    const kept = localStorage.getItem(key);
    return kept !== null && isLanguage(kept) ? kept : null;
  } catch {
    return null; // storage is closed to the page
  }
}

const browsers = typeof document === "undefined" ? ["en-US"] : navigator.languages;

/** The first of the browser's languages that the pages speak. */
export const browserLanguage = languageOf(null, browsers);
/** The language of this page, for as long as it is shown. */
export const language = languageOf(typeof document === "undefined" ? null : chosenLanguage(), browsers);
export const locale = localeOf(browsers, language);

/**
 * Chooses a language in this browser; null: the browser's own. The page is loaded anew where that changes it, for all
 * its texts are in one language.
 */
export function chooseLanguage(next: Language | null) {
  try {
    if (next) localStorage.setItem(key, next);
    else localStorage.removeItem(key);
  } catch {
    return; // storage is closed to the page: the browser's own language stays
  }
  if (languageOf(next, browsers) !== language) location.reload();
}
