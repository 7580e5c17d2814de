import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, type Page, test } from "@playwright/test";
import { everyWay, signedIn, spaced, watch } from "./look";

// One person whom WhatsApp knows by a number, by an id, and by both.
test.describe.configure({ mode: "serial" });
test.use({ storageState: signedIn });

const pictures = join(import.meta.dirname, ".results/identity");
const broken: string[] = [];
test.beforeEach(({ page }) => watch(page, broken));
test.afterAll(() => expect(broken, "errors in the browser's console").toEqual([]));

const number = "+4915199900041";
const id = "DE.1000000000000041";

/** Writes to us on the settings page, as a contact would. */
async function writes(page: Page, from: string, userId: string, body: string) {
  await page.goto("/settings/developer");
  await page.getByLabel("From").fill(from);
  await page.getByLabel("WhatsApp ID").fill(userId);
  await page.getByLabel("Message", { exact: true }).fill(body);
  await page.getByRole("button", { name: "Simulate message" }).click();
  await expect(page.getByText("The message is in").first()).toBeVisible();
}

/** Opens the contact with an address, anew until the page shows what was written last: it is applied in the background. */
async function find(page: Page, address: string, shown: () => Promise<void>) {
  await expect(async () => {
    await page.goto("/contacts");
    await page.getByPlaceholder(/Search name/).fill(address);
    await page
      .getByRole("row")
      .filter({ hasText: spaced(address) })
      .getByRole("link")
      .first()
      .click({ timeout: 10_000 });
    await shown();
  }).toPass({ timeout: 120_000 });
}

test("who writes with an id alone is a contact without a number", async ({ page }) => {
  await writes(page, id, "", "Do you have it in red?");
  await find(page, id, () =>
    expect(page.getByText("WhatsApp does not show this person's number.")).toBeVisible({ timeout: 10_000 }),
  );
  await everyWay(page, "without-number", pictures);
});

test("a message with number and id makes one person of two contacts", async ({ page }) => {
  await writes(page, number, "", "Hello from my number");
  await writes(page, number, id, "It is me");
  const addresses = page.getByRole("list", { name: "Addresses" });
  await find(page, number, () => expect(addresses.getByRole("listitem")).toHaveCount(2, { timeout: 10_000 }));
  await expect(addresses.getByRole("listitem").first()).toContainText(`${number}NumberWritten to`);
  await expect(addresses).toContainText(id);
  await expect(page.getByText("Do you have it in red?").first()).toBeVisible();
  await everyWay(page, "both", pictures);
});

test("everything that is kept about them is downloaded and read", async ({ page }) => {
  await find(page, number, () => expect(page.getByText("It is me").first()).toBeVisible({ timeout: 10_000 }));
  await page.getByRole("button", { name: "More" }).click();
  const file = page.waitForEvent("download");
  await page.getByRole("menuitem", { name: "Download their data (JSON)" }).click();
  const kept = JSON.parse(readFileSync(await (await file).path(), "utf8"));
  expect(kept.data.addresses.map((a: { address: string }) => a.address)).toEqual(expect.arrayContaining([number, id]));
  expect(kept.data.messages.map((m: { text: string }) => m.text)).toEqual(
    expect.arrayContaining(["Do you have it in red?", "It is me"]),
  );
  await page.getByRole("button", { name: "More" }).click();
  const tab = page.context().waitForEvent("page");
  await page.getByRole("menuitem", { name: "Readable page" }).click();
  const readable = await tab;
  await expect(readable.getByRole("heading", { name: "What is kept about this person" })).toBeVisible();
  await expect(readable.getByText("Do you have it in red?")).toBeVisible();
  await readable.screenshot({ path: join(pictures, "readable-page.png"), fullPage: true });
  await readable.close();
});

test("a STOP from the id opts the number out", async ({ page }) => {
  await writes(page, id, "", "STOP");
  await find(page, number, () => expect(page.getByText("Opted out").first()).toBeVisible({ timeout: 10_000 }));
});

test("what is old is counted before it goes, and can be kept again", async ({ page }) => {
  await page.goto("/settings");
  await page.getByRole("link", { name: "Data retention" }).click();
  await page.getByRole("switch", { name: "Message texts and media" }).click();
  await page.getByLabel("Message texts and media: days").fill("400");
  await everyWay(page, "retention", pictures);
  await page.getByRole("button", { name: "Review what would be deleted" }).click();
  const review = page.getByRole("dialog", { name: "What would be deleted" });
  const texts = review.getByRole("row", { name: /Message texts and media 400 days/ });
  await expect(texts.getByRole("cell").last()).toHaveText("0");
  await page.screenshot({ path: join(pictures, "retention-review.png") });
  await review.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("In force from now on").first()).toBeVisible();
  await page.reload();
  await expect(page.getByLabel("Message texts and media: days")).toHaveValue("400 days");
  await page.getByRole("switch", { name: "Message texts and media" }).click();
  await page.getByRole("button", { name: "Review what would be deleted" }).click();
  await expect(review.getByText("everything is kept permanently")).toBeVisible();
  await review.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Kept permanently", { exact: true })).toHaveCount(5);
});
