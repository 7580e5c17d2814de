import { join } from "node:path";
import { expect, test } from "@playwright/test";
import { everyWay, png, signedIn, watch } from "./look";

// Templates as marketers make them: a picture with buttons, in two languages, approved by the sandbox and launched.
test.describe.configure({ mode: "serial" });
test.use({ storageState: signedIn });

const pictures = join(import.meta.dirname, ".results/templates"); // of one run

const broken: string[] = [];
test.beforeEach(async ({ page }) => {
  broken.length = 0;
  watch(page, broken);
});
test.afterEach(() => expect(broken, "errors in the browser's console").toEqual([]));

test("a picture, a text and two buttons, checked while they are written", async ({ page }) => {
  await page.goto("/templates/new");
  await page.getByLabel("Name").fill("Studio sale");
  await page.getByRole("radiogroup", { name: "Header" }).getByText("Image").click();
  await page.getByRole("button", { name: "From the library" }).click();
  const chooser = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "Upload" }).click();
  await (await chooser).setFiles(png("sale.png"));
  await expect(page.getByText("sale.png")).toBeVisible();

  await page.locator(".cm-content").fill("Hi {{name | there}}, our studio sale has started.");
  await expect(page.getByTestId("bubble")).toContainText("our studio sale has started");
  await page.getByLabel("Footer").fill("Reply STOP to end");
  const add = async (what: string) => {
    await page.getByRole("button", { name: "Add a button" }).click();
    await page.getByRole("menuitem", { name: what }).click();
  };
  await add("Quick reply");
  await page.getByRole("textbox", { name: "Title" }).fill("Tell me more 🎉");
  await expect(page.getByText("WhatsApp takes no emojis on a button.")).toBeVisible();
  await page.getByRole("textbox", { name: "Title" }).fill("Tell me more");
  await expect(page.getByText("WhatsApp takes no emojis on a button.")).toBeHidden();
  await add("Open a page");
  await page.getByRole("textbox", { name: "Title" }).nth(1).fill("Open the shop");
  await page.getByRole("button", { name: "Submit for approval" }).click();
  await expect(page.getByText("The address of button 2 is missing")).toBeVisible();
  await page.getByRole("textbox", { name: "Address" }).fill("https://shop.example/{{attributes.city | all}}");
  await everyWay(page, "studio", pictures, true);
  await page.getByRole("button", { name: "Submit for approval" }).click();
  const row = page.getByRole("row").filter({ hasText: "Studio sale" });
  await expect(row.getByText("Approved")).toBeVisible();
});

test("a translation, which its contacts get", async ({ page }) => {
  await page.goto("/templates?q=Studio");
  await page.getByRole("link", { name: "Studio sale" }).click();
  await page.getByRole("link", { name: "Add a language" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Translate “Studio sale”" })).toBeVisible();
  await page.getByRole("combobox", { name: "Language" }).fill("German");
  await page.getByRole("option", { name: "German (de)" }).click();
  await page.locator(".cm-content").fill("Hallo {{name | du}}, unser Ausverkauf hat begonnen.");
  await page.getByRole("button", { name: "Submit for approval" }).click();
  const rows = page.getByRole("row").filter({ hasText: "Studio sale" });
  await expect(rows).toHaveCount(2);
  await expect(rows.getByText("Approved")).toHaveCount(2);
  await rows.filter({ hasText: "English" }).getByRole("link", { name: "Studio sale" }).click();
  await expect(page.getByRole("link", { name: "German" })).toBeVisible();
});

test("a tracked link, tapped by the sandbox's people and counted on the campaign's page", async ({ page }) => {
  await page.goto("/templates/new");
  await page.getByLabel("Name").fill("Tracked sale");
  await page.locator(".cm-content").fill("Hi {{name | there}}, our winter sale has started today.");
  await page.getByRole("button", { name: "Add a button" }).click();
  await page.getByRole("menuitem", { name: "Open a page" }).click();
  await page.getByRole("textbox", { name: "Title" }).fill("Open the shop");
  await page.getByRole("textbox", { name: "Address" }).fill("https://shop.example/{{name | all}}/sale");
  await expect(page.getByText("takes one placeholder, at its end")).toBeVisible();
  await page.getByRole("switch", { name: "Track clicks" }).press("Space");
  await expect(page.getByText("takes one placeholder, at its end")).toBeHidden();
  await everyWay(page, "tracked-button", pictures, true);
  await page.getByRole("button", { name: "Submit for approval" }).click();
  await expect(page.getByRole("row").filter({ hasText: "Tracked sale" }).getByText("Approved")).toBeVisible();

  await page.goto("/campaigns/new");
  await page.getByLabel("Name").fill("Winter links");
  await page.getByRole("combobox", { name: "Segment" }).click();
  await page.getByRole("option", { name: /Pro outside Mumbai/ }).click();
  await page.getByRole("button", { name: "Next" }).click();
  await page.getByRole("combobox", { name: "Template" }).fill("Tracked");
  await page.getByRole("option", { name: "Tracked sale" }).click();
  await expect(page.getByLabel("Count clicks")).toBeChecked();
  await page.getByLabel("Source (utm_source)").fill("whatsapp");
  await page.getByLabel("Campaign (utm_campaign)").fill("winter&sale");
  await page.getByRole("button", { name: "Next" }).click();
  await expect(page.getByText("letters, digits, spaces and").first()).toBeVisible();
  await page.getByLabel("Campaign (utm_campaign)").fill("winter");
  await everyWay(page, "links-wizard", pictures, true);
  await page.getByRole("button", { name: "Next" }).click();
  await page.getByRole("switch", { name: "Quiet hours" }).press("Space"); // off: this test runs at any hour
  await page.getByRole("button", { name: "Review", exact: true }).click();
  await page.getByRole("button", { name: /^Launch to/ }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Winter links" })).toBeVisible();

  const links = page.getByRole("table", { name: "Links" });
  await expect(links).toContainText("https://shop.example/‹Name›/sale?utm_source=whatsapp&utm_campaign=winter");
  await expect(page.getByTestId("count-clicked")).not.toHaveText("0");
  await expect(links.getByRole("row").nth(1).getByRole("cell").nth(2)).not.toHaveText("0");
  await expect(page.getByText("Completed", { exact: true })).toBeVisible();
  await everyWay(page, "links-campaign", pictures, true);
});
