import { join } from "node:path";
import { expect, type Locator, type Page, test } from "@playwright/test";
import { ask, picture, signedIn, watch } from "./look";

// From the dashboard to a first delivered campaign, by the keyboard alone, in so many interactions: a control that is
// worked, or a text that is typed. Stops on the way with Tab are none.
const most = 15;
test.use({ storageState: signedIn });
const shots = join(import.meta.dirname, ".results");

/** People in whose country it is day now: nobody is written to in their night. */
function people(): string {
  const places = [
    ["Europe/Berlin", "+4915112349011", "+4915112349022"],
    ["Asia/Kolkata", "+919812345011", "+919812345022"],
    ["Asia/Tokyo", "+819012345011", "+819012345022"],
    ["Pacific/Auckland", "+64211234011", "+64211234022"],
    ["America/Sao_Paulo", "+5511987650110", "+5511987650220"],
  ] as const;
  const hour = (timeZone: string) =>
    Number(new Intl.DateTimeFormat("en", { timeZone, hour: "numeric", hourCycle: "h23" }).format());
  const [, one, other] = places.find(([zone]) => hour(zone) >= 10 && hour(zone) < 18) ?? places[0];
  return `phone,name,WhatsApp opt-in\n${one},Ann,yes\n${other},Bo,yes\n`;
}

class Hands {
  count = 0;
  private page: Page;
  constructor(page: Page) {
    this.page = page;
  }

  /** Goes on with Tab to a control, as somebody does who has no mouse. */
  async reach(to: Locator) {
    await expect(to).toBeVisible();
    const there = () => to.evaluate((e) => e === document.activeElement || e.contains(document.activeElement));
    for (let i = 0; i < 120 && !(await there()); i++) await this.page.keyboard.press("Tab");
    expect(await there(), `${to} is reached by the keyboard`).toBe(true);
  }
  async press(on: Locator, key = "Enter") {
    await expect(on).toBeEnabled();
    await this.reach(on);
    await this.page.keyboard.press(key);
    this.count++;
  }
  async type(into: Locator, text: string) {
    await this.reach(into);
    await this.page.keyboard.insertText(text);
    this.count++;
  }
}

test("a first campaign, by the keyboard alone, in few interactions", async ({ page }) => {
  const broken: string[] = [];
  watch(page, broken);
  const hands = new Hands(page);
  const button = (name: string | RegExp) => page.getByRole("button", { name });
  const next = page.getByRole("button", { name: "Next", exact: true });
  await page.goto("/");
  await expect(page.getByRole("heading", { level: 1, name: "Dashboard" })).toBeVisible();
  await page.keyboard.press("Control+k");
  const search = page.getByPlaceholder(/Search/);
  await expect(search).toBeFocused();
  await page.keyboard.insertText("Import contacts");
  await expect(page.getByRole("dialog").getByText("Import contacts").first()).toBeVisible();
  await page.keyboard.press("Enter");
  hands.count++;

  await expect(page.getByRole("heading", { level: 1, name: "Import contacts" })).toBeVisible();
  const chooser = page.waitForEvent("filechooser");
  await hands.press(page.locator(".mantine-Dropzone-root"));
  await (await chooser).setFiles({ name: "first people.csv", mimeType: "text/csv", buffer: Buffer.from(people()) });
  await hands.press(button("Continue"));
  await hands.press(button("Import 2 contacts"));
  await hands.press(button("Create a campaign"));

  await expect(page.getByRole("heading", { level: 1, name: "New campaign" })).toBeVisible();
  await expect(page.getByLabel("Name", { exact: true })).toHaveValue("first people");
  await hands.press(next);

  await hands.press(button("New template"));
  const drawer = page.getByRole("dialog", { name: "New template" });
  await expect(drawer.getByLabel("Name", { exact: true })).toHaveValue("first people");
  await hands.type(
    drawer.getByRole("textbox", { name: "Text", exact: true }),
    "Hello {{name | there}}, we open today.",
  );
  await expect(drawer.getByTestId("bubble")).toContainText("we open today");
  await picture(page, "template-drawer", shots);
  await hands.press(drawer.getByRole("button", { name: "Submit for approval" }));
  await expect(drawer).toBeHidden();
  await expect(page.getByRole("combobox", { name: "Template" })).toHaveValue(/^first people/);
  await hands.press(next);
  await hands.press(page.getByRole("button", { name: "Review", exact: true }));
  // WhatsApp decides meanwhile, and the page looks again by itself.
  await hands.press(button("Launch to 2 contacts"));

  await expect(page.getByText("Completed", { exact: true })).toBeVisible();
  await expect(page.getByTestId("count-delivered")).toHaveText("2");
  expect(hands.count).toBeLessThanOrEqual(most);
  expect(broken, "errors in the browser's console").toEqual([]);
});

test("who comes to write to a segment writes to that one, whatever campaign was unfinished", async ({ page }) => {
  const ids: Record<string, string> = {};
  await page.goto("/");
  for (const name of ["Unfinished audience", "Chosen audience", "Third audience"]) {
    const made = await ask(
      page,
      "mutation ($input: SegmentCreateInput!) { segmentCreate(input: $input) { segment { id } userErrors { message } } }",
      { input: { name, query: { field: "name", op: "starts_with", value: name } } },
    );
    expect(made.segmentCreate.userErrors).toEqual([]);
    ids[name] = made.segmentCreate.segment.id;
  }
  const name = page.getByLabel("Name", { exact: true });
  const segment = page.getByRole("combobox", { name: "Segment" });
  const choose = async (which: string) => {
    await segment.click();
    await segment.fill(which);
    await page.getByRole("option", { name: which }).click();
  };

  await page.goto("/campaigns/new");
  await name.fill("Left unfinished");
  await choose("Unfinished audience");
  await page.reload();
  await expect(name).toHaveValue("Left unfinished");
  await expect(segment).toHaveValue(/^Unfinished audience/);

  await page.goto(`/campaigns/new?segment=${ids["Chosen audience"]}`);
  await expect(segment).toHaveValue(/^Chosen audience/);
  await expect(name).toHaveValue("Chosen audience");
  await expect(page).toHaveURL(/\/campaigns\/new$/);

  await choose("Third audience");
  await page.reload();
  await expect(segment).toHaveValue(/^Third audience/);
  await page.getByRole("button", { name: "Next", exact: true }).click();
  await expect(page).toHaveURL(/\/campaigns\/[^/]+\/edit\?step=message/);
  const id = new URL(page.url()).pathname.split("/")[2];
  const read = await ask(page, "query ($id: ID!) { node(id: $id) { ... on Campaign { name segment { id } } } }", {
    id,
  });
  expect(read.node).toEqual({ name: "Chosen audience", segment: { id: ids["Third audience"] } });
});
