import { expect, type Page, test } from "@playwright/test";
import { done, watch } from "./look";
import { installation } from "./processes";

// More campaigns, segments and templates than a page of a list holds: each can be reached and chosen. They would be in
// the way of all others, so that this is not the installation of the story.
const engine = installation("lists", 28);
test.use({ baseURL: engine.url, storageState: engine.session });
const broken: string[] = [];
test.beforeAll(() => engine.start());
test.beforeEach(({ page }) => watch(page, broken));
test.afterAll(() => engine.end());
test.afterAll(() => expect(broken, "errors in the browser's console").toEqual([]));

const many = 110;

/** Makes many of something, "<name> 001" first. */
async function make(on: Page, mutation: string, name: string, input: object) {
  for (let n = 1; n <= many; n++) await done(on, mutation, { ...input, name: `${name} ${String(n).padStart(3, "0")}` });
}

/** Goes on through a list until its first thing is there, with those before it. */
async function reach(on: Page, name: string) {
  const link = (n: string) => on.getByRole("link", { name: `${name} ${n}`, exact: true });
  await expect(on.getByRole("table").getByRole("link").first()).toBeVisible();
  await expect(async () => {
    if (await link("001").isVisible()) return;
    await on.getByRole("button", { name: "Show more" }).click({ timeout: 5000 });
    await expect(link("001")).toBeVisible({ timeout: 2000 });
  }).toPass();
  await expect(link(String(many))).toBeVisible();
}

test("a list of campaigns, segments and templates goes on to its end", async ({ page }) => {
  await page.goto("/campaigns");
  const query = { field: "attributes.city", op: "eq", value: "Paris" };
  await make(page, "segmentCreate", "Shelf", { query });
  await make(page, "campaignCreate", "Row", { query });
  await make(page, "templateCreate", "Leaf", { body: "Hello {{name | there}}, this is for you." });
  for (const [path, name] of [
    ["/campaigns", "Row"],
    ["/segments", "Shelf"],
    ["/templates", "Leaf"],
  ] as const) {
    await page.goto(path);
    await reach(page, name);
  }

  // The first and the last of them can be chosen, and are still shown after the page was loaded anew.
  await page.goto("/campaigns/new");
  await page.getByLabel("Name", { exact: true }).fill("Everything is found");
  const choose = async (label: string, name: string, option: RegExp) => {
    const field = page.getByRole("combobox", { name: label, exact: true });
    await field.fill(name);
    await page.getByRole("option", { name: option }).click();
    await expect(field).toHaveValue(option);
  };
  await choose("Segment", `Shelf ${many}`, new RegExp(`^Shelf ${many}`));
  await choose("Segment", "Shelf 001", /^Shelf 001/);
  await page.reload();
  await expect(page.getByRole("combobox", { name: "Segment", exact: true })).toHaveValue(/^Shelf 001/);
  await page.getByRole("button", { name: "Next" }).click();
  await choose("Template", `Leaf ${many}`, new RegExp(`^Leaf ${many}`));
  await choose("Template", "Leaf 001", /^Leaf 001/);
  await expect(page.getByTestId("save-state")).toHaveText("Saved");
  await page.reload();
  await expect(page.getByRole("combobox", { name: "Template", exact: true })).toHaveValue(/^Leaf 001/);
});
