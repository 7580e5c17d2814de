import { join } from "node:path";
import { expect, type Page, test } from "@playwright/test";
import { fits, inspect, shoot, signedIn, still, watch } from "./look";
import { addressOf, places } from "./places";

// Every page in the other languages, wide and on a phone, over what the story left behind.
test.describe.configure({ mode: "parallel" });

const pictures = join(import.meta.dirname, ".results/languages"); // of one run

/** Pages that the walk does not need, with sentences of the server. */
const more = {
  live: "/settings/live",
  check: "/monitoring/check",
  keywords: "/settings/keywords",
  retention: "/settings/retention",
  reviews: "/compliance/reviews",
  suppressions: "/compliance/suppressions",
  "double-opt-ins": "/compliance/double-opt-ins",
};

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

/** Words of which nearly every English sentence has one, and no sentence of the others has any. */
const prose =
  /(?<![\w-])(the|and|of|is|are|were|have|this|that|with|they|them|their|which|been|not|for|you|your|from|by|to)(?![\w-])/i;

/** What the story wrote beside messages, and what is sent to those who write in English. */
const written = [
  "What they pay for",
  "Alert: not subscribed to the topic",
  "On the pro plan",
  "You are unsubscribed and will get no more messages from us. Reply START to subscribe again.",
  "You are subscribed. Reply STOP at any time to unsubscribe.",
  "Reply STOP to unsubscribe or START to subscribe.",
  "You have left “{topic}” and still get our other messages. Reply START {keyword} to come back, STOP to get nothing any more.",
  "You are subscribed to “{topic}”. Reply STOP {keyword} to leave it, STOP to get nothing any more.",
];

/** English sentences in the page, of the page itself or of the server; what people wrote is marked by its direction. */
const sentences = async (on: Page) => {
  const texts = await on.evaluate(() => {
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const all: string[] = [];
    for (let node = walk.nextNode(); node; node = walk.nextNode()) {
      const inside = node.parentElement;
      if (inside?.checkVisibility() && !inside.closest("script, style, code, pre, bdi, [dir=auto]"))
        all.push(node.textContent ?? "");
    }
    return all;
  });
  return texts.filter((text) => prose.test(written.reduce((left, one) => left.replaceAll(one, ""), text)));
};

for (const [language, settings] of [
  ["de", "Einstellungen"],
  ["es", "Configuración"],
] as const) {
  test.describe(language, () => {
    test.use({ storageState: signedIn, locale: language });

    for (const [name, place] of Object.entries({ ...places, ...more }))
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
        await shoot(on, join(pictures, `${language}-wide-${name}.png`));
        const left = [...(await said(on)).filter((text) => english.test(text)), ...(await sentences(on))];
        await on.setViewportSize({ width: 390, height: 800 });
        await still(on);
        await fits(on, name);
        await shoot(on, join(pictures, `${language}-phone-${name}.png`));
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
  for (const [language, label, button] of [
    ["de", "Nummer oder Kontakt", "Prüfen"],
    ["es", "Número o contacto", "Comprobar"],
  ] as const)
    test.describe(`of a number in ${language}`, () => {
      test.use({ storageState: signedIn, locale: language });
      test(`whether it may be written to, in ${language}`, async ({ page: on }) => {
        await on.goto("/compliance/check");
        await on.getByLabel(label).and(on.locator("input")).fill("+49 151 12345678");
        await on.getByRole("button", { name: button, exact: true }).click();
        await expect(on.locator("main").getByText("GDPR")).toHaveCount(0);
        await expect(
          on
            .locator("main")
            .getByText(/DSGVO|RGPD/)
            .first(),
        ).toBeVisible();
        expect(await sentences(on)).toEqual([]);
        await shoot(on, join(pictures, `${language}-wide-check-number.png`), { fullPage: true });
        await on.setViewportSize({ width: 390, height: 800 });
        await still(on);
        await fits(on, "check a number");
        await shoot(on, join(pictures, `${language}-phone-check-number.png`), { fullPage: true });
      });
    });
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
