import { join } from "node:path";
import { expect, test } from "@playwright/test";
import { ask, everyWay, signedIn, watch } from "./look";

// People who get no campaign at all, from the setting to what campaigns did beside them.
test.use({ storageState: signedIn });
const pictures = join(import.meta.dirname, ".results/holdout");

test("a standing holdout is set, and the dashboard tells what campaigns did beside it", async ({ page }) => {
  const broken: string[] = [];
  watch(page, broken);
  await page.goto("/settings/limits");
  const part = page.getByLabel("Control group (holdout)");
  const save = page.getByRole("button", { name: "Save limits" });
  await part.fill("60");
  await save.click();
  await expect(page.getByText(/60 is out of range/)).toBeVisible();
  await part.fill("20");
  await save.click();
  await expect(page.getByText("In force from now on")).toBeVisible();
  await page.reload();
  await expect(part).toHaveValue("20%");

  const { templates } = await ask(
    page,
    "{ templates(filter: { approvalStatus: APPROVED }, first: 50) { nodes { id category } } }",
  );
  const { campaignCreate } = await ask(
    page,
    "mutation($input: CampaignCreateInput!) { campaignCreate(input: $input) { campaign { id } userErrors { message } } }",
    {
      input: {
        name: "Beside a holdout",
        query: { all: [] },
        templateId: templates.nodes.find((t: { category: string }) => t.category === "MARKETING").id,
        quietHours: null, // this test runs at any hour
        frequencyCap: null,
      },
    },
  );
  expect(campaignCreate.userErrors).toEqual([]);
  const { id } = campaignCreate.campaign;
  await page.goto(`/campaigns/${id}/edit?step=review`);
  await expect(page.getByText("Held out of all marketing, to compare with")).toBeVisible();
  await page.getByRole("button", { name: /^Launch to/ }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Beside a holdout" })).toBeVisible();
  const taken = async () => {
    const of = "query($id: ID!) { node(id: $id) { ... on Campaign { startedAt skipReasons { reason count } } } }";
    const { node } = await ask(page, of, { id });
    return node.skipReasons.find((s: { reason: string }) => s.reason === "standing_holdout")?.count ?? 0;
  };
  await expect.poll(taken).toBeGreaterThan(0);

  await page.goto("/");
  await expect(page.getByTestId("standing-lift")).toContainText("of those held out of all of them");
  await everyWay(page, "dashboard", pictures, true);

  await page.goto("/settings/limits");
  await part.fill("");
  await save.click();
  await expect(page.getByText("In force from now on")).toBeVisible();
  expect(broken, "errors in the browser's console").toEqual([]);
});
