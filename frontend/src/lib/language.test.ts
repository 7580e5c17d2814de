import { afterEach, expect, test } from "vitest";
import { chooseLanguage, chosenLanguage, languageOf, localeOf } from "./language";

afterEach(() => localStorage.clear());

test("the pages speak what was chosen, else the first language of the browser that they know, else English", () => {
  expect([
    languageOf(null, ["de-AT", "en"]),
    languageOf("es", ["de-AT", "en"]),
    languageOf(null, ["fr", "es-MX", "en"]),
    languageOf(null, ["fr"]),
    languageOf(null, []),
  ]).toEqual(["de", "es", "es", "en", "en"]);
});

test("numbers and dates are written in the language of the pages as it is done where the reader is", () => {
  expect(["en", "de", "es"].map((l) => localeOf(["de-CH"], l as "en"))).toEqual(["en-CH", "de-CH", "es-CH"]);
  expect([["de-DE"], ["de"], ["en-GB", "en"], ["xx-1", "fr-CA"], []].map((b) => localeOf(b))).toEqual([
    "en-DE",
    "en-DE",
    "en-GB",
    "en-CA",
    "en-US",
  ]);
});

test("what was chosen is kept in the browser, and nothing else counts", () => {
  chooseLanguage("en");
  expect(chosenLanguage()).toBe("en");
  localStorage.setItem("language", "xx");
  expect(chosenLanguage()).toBeNull();
  chooseLanguage(null);
  expect(localStorage.length).toBe(0);
});
