import { join } from "node:path";
import { expect, type Page, test } from "@playwright/test";
import { ask, everyWay, png, signedIn, watch } from "./look";

// A campaign that compares two wordings and holds some people out, from the wizard to the winner that goes to the rest.
test.describe.configure({ mode: "serial" });
test.use({ storageState: signedIn });

const pictures = join(import.meta.dirname, ".results/experiments"); // of one run

const broken: string[] = [];
test.beforeEach(async ({ page }) => {
  broken.length = 0;
  watch(page, broken);
});
test.afterEach(() => expect(broken, "errors in the browser's console").toEqual([]));

const wordings = { "Short and plain": "Kurz und knapp", "Long and warm": "Lang und herzlich" };

/** Puts a picture into the library and gives its address. */
async function picture(page: Page): Promise<string> {
  const query = `mutation($file: Upload!) { mediaUpload(input: { file: $file }) { media { url } userErrors { message } } }`;
  const answer = await page.request.post("/graphql", {
    multipart: {
      operations: JSON.stringify({ query, variables: { file: null } }),
      map: JSON.stringify({ file: ["variables.file"] }),
      file: png("offer.png"),
    },
  });
  const { data, errors } = await answer.json();
  expect(errors).toBeUndefined();
  expect(data.mediaUpload.userErrors).toEqual([]);
  return data.mediaUpload.media.url;
}

/** Makes two templates, each with a picture, a button that answers and a tracked link, in English and in German. */
async function templates(page: Page) {
  const url = await picture(page);
  const made: string[] = [];
  for (const [name, german] of Object.entries(wordings)) {
    const wording = async (language: string, body: string, more: string, shop: string) => {
      const { templateCreate } = await ask(
        page,
        "mutation($input: TemplateCreateInput!) { templateCreate(input: $input) { template { id } userErrors { message } } }",
        {
          input: {
            name,
            language,
            body,
            content: {
              header: { media: { kind: "IMAGE", url } },
              buttons: [
                { type: "QUICK_REPLY", title: more },
                { type: "URL", title: shop, url: "https://shop.example/offer", track: true },
              ],
            },
          },
        },
      );
      expect(templateCreate.userErrors).toEqual([]);
      made.push(templateCreate.template.id);
    };
    await wording(
      "en",
      `Hi {{name | there}}, this is our offer: ${name.toLowerCase()}.`,
      "Tell me more",
      "Open the shop",
    );
    await wording(
      "de",
      `Hallo {{name | du}}, das ist unser Angebot: ${german.toLowerCase()}.`,
      "Mehr dazu",
      "Zum Laden",
    );
  }
  for (const id of made) {
    const status = async () => {
      const of = "query($id: ID!) { node(id: $id) { ... on Template { approvalStatus } } }";
      return (await ask(page, of, { id })).node.approvalStatus;
    };
    await expect.poll(status).toBe("APPROVED");
  }
}

/** Adds to whom the campaign goes some who read German. */
async function audience(page: Page) {
  for (let i = 0; i < 20; i++) {
    const { contactCreate } = await ask(
      page,
      "mutation($input: ContactCreateInput!) { contactCreate(input: $input) { contact { id } userErrors { message } } }",
      {
        input: {
          address: `+4915155512${100 + i}`,
          name: `Leserin ${i}`,
          locale: "de-DE",
          consent: { note: "asked at the counter" },
        },
      },
    );
    expect(contactCreate.userErrors).toEqual([]);
  }
  const { segments } = await ask(page, `{ segments(search: "Pro outside", first: 1) { nodes { id } } }`);
  const { segmentCreate } = await ask(
    page,
    "mutation($input: SegmentCreateInput!) { segmentCreate(input: $input) { segment { id } userErrors { message } } }",
    {
      input: {
        name: "Readers of two languages",
        query: {
          any: [{ segment: segments.nodes[0].id }, { field: "name", op: "starts_with", value: "Leserin" }],
        },
      },
    },
  );
  expect(segmentCreate.userErrors).toEqual([]);
}

test("a picture, buttons and a tracked link in two languages, two variants and a holdout, from the wizard to the winner", async ({
  page,
}) => {
  await page.goto("/campaigns/new");
  await templates(page);
  await audience(page);
  await page.reload(); // of which the page read nothing yet
  await page.getByLabel("Name").fill("Which wording");
  await page.getByRole("combobox", { name: "Segment" }).click();
  await page.getByRole("option", { name: /Readers of two languages/ }).click();
  await page.getByRole("switch", { name: "Keep back a share to measure the effect" }).press("Space");
  await page.getByLabel("Holdout").fill("60");
  await page.getByRole("button", { name: "Next" }).click();
  await expect(page.getByText(/60 is out of range/)).toBeVisible();
  await page.getByLabel("Holdout").fill("10");
  await everyWay(page, "holdout", pictures, true);
  await page.getByRole("button", { name: "Next" }).click();

  await page.getByRole("switch", { name: "Compare variants" }).press("Space");
  await page.getByRole("button", { name: "Next" }).click();
  await expect(page.getByText("Choose a template for each variant")).toBeVisible();
  const choose = async (variant: string, name: string) => {
    const group = page.getByRole("group", { name: variant });
    await group.getByRole("combobox", { name: "Template" }).fill(name);
    await page.getByRole("option", { name: `${name} · English`, exact: true }).click();
    // What comes into the page moves what is below: a list that was open there would be out of sight, and close.
    await expect(group.getByText(`this is our offer: ${name.toLowerCase()}.`)).toBeVisible();
  };
  await choose("Variant A", "Short and plain");
  await expect(page.getByText("The variants are saved when each has its template.")).toBeVisible();
  await choose("Variant B", "Long and warm");
  await expect(page.getByText("The variants are saved when each has its template.")).toBeHidden();
  await expect(page.getByText("50% of the test")).toHaveCount(2);
  await page.getByLabel("Part of the audience").fill("40");
  await page.getByLabel("Send the best one after").fill("");
  await expect(page.getByText("You choose on the campaign's page")).toBeVisible();
  await page.getByRole("switch", { name: "A reply" }).press("Space");
  await page.getByLabel("A reply: value").fill("2.50");
  await page.getByRole("combobox", { name: "Compare by" }).click();
  await page.getByRole("option", { name: "Goal" }).click();
  await everyWay(page, "variants-wizard", pictures, true);
  await page.getByRole("button", { name: "Next" }).click();
  await page.getByRole("switch", { name: "Quiet hours" }).press("Space"); // off: this test runs at any hour
  await expect(page.getByTestId("save-state")).toHaveText("Saved");
  const editor = page.url();

  // What was saved is what a reload shows, and what the summary says.
  await page.getByRole("button", { name: "Close" }).click();
  await expect(page.getByText("With 40% of the audience, by “Goal”; you choose what goes to the rest")).toBeVisible();
  await expect(page.getByText("10% get nothing, to compare with")).toBeVisible();
  await expect(page.getByText("A reply within 1 day, worth $2.50")).toBeVisible();
  await everyWay(page, "variants-summary", pictures, true);
  await page.goto(editor.replace("step=schedule", "step=message"));
  await expect(page.getByLabel("Part of the audience")).toHaveValue("40%");
  await expect(page.getByRole("group", { name: "Variant B" }).getByRole("combobox")).toHaveValue(
    "Long and warm · English",
  );
  await page.goto(editor.replace("step=schedule", "step=review"));
  const test = page.getByRole("table", { name: "Variants" });
  await expect(test.getByRole("row")).toHaveText([/Test/, /Variant A\d/, /Variant B\d/, /Wait for the winner\d/]);
  await expect(page.getByText("Held out, to compare with")).toBeVisible();
  await expect(page.getByRole("row", { name: /^German \d/ })).toHaveText(/^German (1\d|20)$/); // some are held out
  await expect(page.getByTestId("preflight-cost")).toHaveText(/\d/);
  await everyWay(page, "variants-review", pictures, true);
  await page.getByRole("button", { name: /^Launch to/ }).click();

  await expect(page.getByRole("heading", { level: 1, name: "Which wording" })).toBeVisible();
  const table = page.getByRole("table", { name: "Variants" });
  await expect(page.getByText("Waiting for the winner of the test").first()).toBeVisible();
  await expect(page.getByTestId("what-next")).toHaveText(/^The other \d+ wait until you choose a variant\.$/);
  // The test's messages are all out, and reads are counted.
  await expect(table.getByText(/^of /)).toHaveCount(0);
  const cell = (row: number, column: number) => table.getByRole("row").nth(row).getByRole("cell").nth(column);
  await expect(cell(1, 2)).not.toHaveText(/^0/);
  await expect(cell(2, 2)).not.toHaveText(/^0/);
  await expect(page.getByTestId("verdict")).not.toHaveText("");
  await expect(page.getByTestId("lift")).toContainText("of those held out");
  await everyWay(page, "variants-waiting", pictures, true);

  const waiting = Number(/\d+/.exec(await page.getByTestId("what-next").innerText())?.[0]);
  const accepted = async () => Number((await page.getByTestId("count-accepted").innerText()).replaceAll(",", ""));
  const before = await accepted();
  await page.getByRole("button", { name: "Send B to the rest" }).click();
  const dialog = page.getByRole("dialog", { name: "Send B to the rest?" });
  await expect(dialog).toContainText(`The other ${waiting} get variant B.`);
  await dialog.getByRole("button", { name: "Send B" }).click();
  await expect(page.getByTestId("what-next")).toHaveText(/^An operator chose B for the rest of the audience on /);
  await expect(page.getByText("Completed", { exact: true })).toBeVisible();
  await expect.poll(accepted).toBeGreaterThan(before);
  await expect(page.getByRole("button", { name: "Send B to the rest" })).toBeHidden();
  // The sandbox's people open the link, and its price is told.
  await expect(page.getByTestId("count-clicked")).not.toHaveText("0");
  const links = page.getByRole("table", { name: "Links" });
  await expect(links).toContainText("https://shop.example/offer");
  for (const name of Object.keys(wordings))
    for (const language of ["English", "German"]) await expect(links).toContainText(`${name} · ${language}`);
  await expect(page.getByRole("heading", { name: "Buttons" })).toHaveCount(1);
  await expect(page.getByTestId("campaign-cost")).toHaveText(/[1-9]/);
  await everyWay(page, "variants-report", pictures, true);
});
