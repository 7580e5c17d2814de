import { join } from "node:path";
import { expect, type Page, test } from "@playwright/test";
import { fits, inspect, signedIn, still, watch } from "./look";
import { addressOf, places } from "./places";

// Every page in the other languages, wide and on a phone, over what the story left behind.
test.describe.configure({ mode: "parallel" });

const pictures = join(import.meta.dirname, ".results/languages"); // of one run

/** Words of the pages that are words of neither language; what people and the server wrote has none of them. */
const english =
  /\b(Save|Cancel|Delete|Edit|Search|Add|Close|Settings|Contacts|Campaigns|Segments|Templates|Delivered|Failed|Sender|Audience|Schedule|Draft|Dashboard|Inbox|Opted|Refresh|Nothing|Show|Choose|Unknown|Number|Country|Language|Changed|Yesterday|ago)\b/;

/** What the page says by itself: not what is in it of contacts, messages and the server's own sentences. */
const said = (on: Page) =>
  on.evaluate(() => {
    const own = "button, label, th, nav, h1, h2, h3, legend, dt, [role=tab], .mantine-InputWrapper-description";
    const texts = [...document.querySelectorAll<HTMLElement>(own)].map((e) => e.innerText);
    const named = [...document.querySelectorAll("[aria-label], [placeholder]")].flatMap((e) => [
      e.getAttribute("aria-label") ?? "",
      e.getAttribute("placeholder") ?? "",
    ]);
    return [...texts, ...named];
  });

for (const [language, settings] of [
  ["de", "Einstellungen"],
  ["es", "Configuración"],
] as const) {
  test.describe(language, () => {
    test.use({ storageState: signedIn, locale: language });

    for (const [name, place] of Object.entries(places))
      test(`${name} in ${language}`, async ({ page: on }) => {
        const broken: string[] = [];
        watch(on, broken);
        await on.setViewportSize({ width: 1440, height: 900 });
        await on.goto(await addressOf(on, place));
        await expect(on.getByRole("heading", { level: 1 })).toBeVisible();
        await on.waitForLoadState("networkidle");
        await expect(on.locator("html")).toHaveAttribute("lang", language);
        await expect(on.getByRole("navigation").getByText(settings).first()).toBeVisible();
        await still(on);
        await inspect(on, name, ["html-has-lang", "html-lang-valid", "valid-lang", "button-name", "label"]);
        await fits(on, name);
        await on.screenshot({ path: join(pictures, `${language}-wide-${name}.png`) });
        const left = (await said(on)).filter((text) => english.test(text));
        await on.setViewportSize({ width: 390, height: 800 });
        await still(on);
        await fits(on, name);
        await on.screenshot({ path: join(pictures, `${language}-phone-${name}.png`) });
        expect(left, "English that is left").toEqual([]);
        expect(broken, "errors in the browser's console").toEqual([]);
      });
  });
}

test.describe("the language", () => {
  test.use({ storageState: { cookies: [], origins: [] }, locale: "es-MX" });

  test("is the browser's, and another one can be chosen before signing in", async ({ page: on }) => {
    await on.goto("/");
    await expect(on.getByRole("button", { name: "Iniciar sesión" })).toBeVisible();
    await on.getByLabel("Idioma").selectOption("Deutsch");
    await expect(on.getByRole("button", { name: "Anmelden", exact: true })).toBeVisible();
    await expect(on.locator("html")).toHaveAttribute("lang", "de");
    await on.reload();
    await expect(on.getByRole("button", { name: "Anmelden", exact: true })).toBeVisible();
    await on.getByLabel("Sprache").selectOption({ index: 0 });
    await expect(on.getByRole("button", { name: "Iniciar sesión" })).toBeVisible();
  });
});

test.describe("what the server says", () => {
  for (const [locale, button, label, refusal] of [
    [
      "de-DE",
      "Kontakt hinzufügen",
      "WhatsApp-Nummer",
      "„+49 unsinn“ ist keine Telefonnummer: Erwartet werden 7 bis 15 Ziffern mit Ländervorwahl",
    ],
    [
      "es-MX",
      "Agregar contacto",
      "Número de WhatsApp",
      "«+49 unsinn» no es un número de teléfono: se esperan de 7 a 15 cifras",
    ],
  ] as const)
    test.describe(locale, () => {
      test.use({ storageState: signedIn, locale });
      test(`is in the language of the page, with what was typed in it: ${locale}`, async ({ page: on }) => {
        await on.goto("/contacts");
        await on.getByRole("button", { name: button }).click();
        await on.getByRole("dialog").getByLabel(label).fill("+49 unsinn");
        await expect(on.getByRole("dialog").getByText(refusal)).toBeVisible();
      });
    });
});
