import { join } from "node:path";
import { type Browser, expect, type Page, test } from "@playwright/test";
import { approvedTemplate, ask, done, everyWay, watch } from "./look";
import { installation } from "./processes";

/**
 * Two people plan campaigns together. What they set holds for a whole workspace, so that this is not the installation of
 * the story.
 */
const engine = installation("planning", 24);
const pictures = join(import.meta.dirname, ".results/planning"); // of one run

test.describe.configure({ mode: "serial" });

let ada: Page;
let ben: Page;
const broken: string[] = [];

const newPage = async (browser: Browser, storageState?: string) => {
  const page = await (await browser.newContext({ baseURL: engine.url, storageState })).newPage();
  watch(page, broken);
  return page;
};

let segment = "";
let template = "";

test.beforeAll(async ({ browser }) => {
  await engine.start();
  ada = await newPage(browser, engine.session);
  ben = await newPage(browser);
  const invited = await done(
    ada,
    "operatorInvite",
    { email: "ben@shop.example", name: "Ben", role: "MARKETER" },
    "operator { id } link",
  );
  const token = invited.link.split("#")[1];
  await done(ben, "passwordSet", { token, password: "another long password" }, "email");
  await done(ben, "signIn", { email: "ben@shop.example", password: "another long password" }, "__typename");
  for (const address of ["+4915112345601", "+4915112345602", "+4915112345603"])
    await done(ada, "contactCreate", { address, consent: { note: "At the counter" } }, "contact { id }");
  segment = (await done(ada, "segmentCreate", { name: "Everybody", query: { all: [] } }, "segment { id }")).segment.id;
  template = await approvedTemplate(ada, { name: "Spring", body: "Spring is here." });
});

test.afterAll(async () => {
  await ada?.close();
  await ben?.close();
  await engine.end();
  expect(broken, "errors in the browser's console").toEqual([]);
});

/** A draft of Ben's that could be launched. */
async function draft(name: string) {
  const input = { name, segmentId: segment, templateId: template, quietHours: null };
  return (await done(ben, "campaignCreate", input, "campaign { id }")).campaign.id as string;
}

test("an admin asks for a second person", async () => {
  await ada.goto("/settings/limits");
  const card = ada.getByRole("switch", { name: "A campaign must be approved by a second person" });
  await card.press("Space");
  await expect(card).toBeChecked();
  await ada.getByLabel("Only for more contacts than").fill("2");
  await everyWay(ada, "approval-setting", pictures, true);
  await ada.getByRole("button", { name: "Save approval" }).click();
  await expect(ada.getByText("In force from now on")).toBeVisible();
});

test("a launch waits for the other one, who sends it back first", async () => {
  const id = await draft("Spring sale");
  await ben.goto(`/campaigns/${id}`);
  await ben.getByRole("button", { name: "Launch" }).click();
  await expect(ben.getByText("A second person has to approve this campaign before it starts.")).toBeVisible();
  await ben.getByRole("button", { name: "Ask for approval" }).click();
  await expect(ben.getByTestId("approval")).toContainText("Waiting for approval by Ada");
  await expect(ben.getByRole("button", { name: "Approve", exact: true })).toBeHidden();
  await everyWay(ben, "approval-asked", pictures, true);

  await ada.goto("/");
  await expect(ada.getByText("“Spring sale” waits for approval")).toBeVisible();
  await everyWay(ada, "approval-attention", pictures);
  await ada.getByRole("link", { name: "Open: “Spring sale” waits for approval" }).click();
  await expect(ada.getByTestId("approval")).toContainText("Ben asked");
  await ada.getByRole("button", { name: "Send back" }).click();
  await ada.getByLabel("What has to change").fill("The discount is missing.");
  await ada.getByRole("dialog").getByRole("button", { name: "Send back" }).click();
  await expect(ada.getByText("Sent back by Ada")).toBeVisible();
  // Ben sees it come, and asks anew.
  await expect(ben.getByText("The discount is missing.")).toBeVisible();
  await everyWay(ben, "approval-sent-back", pictures, true);
  await ben.getByRole("button", { name: "Launch" }).click();
  await ben.getByRole("button", { name: "Ask for approval" }).click();

  await ada.goto("/campaigns");
  await ada.getByRole("combobox", { name: "Status" }).click();
  await ada.getByRole("option", { name: "Waiting for approval" }).click();
  await expect(ada.getByRole("row")).toHaveCount(2); // with the heads
  await everyWay(ada, "approval-list", pictures);
  await ada.getByRole("link", { name: "Spring sale" }).click();
  await ada.getByRole("button", { name: "Approve", exact: true }).click();

  // What changes while Ada is asked is not what she looked at.
  await expect(ada.getByRole("button", { name: "Approve and send" })).toBeVisible();
  await done(ben, "campaignUpdate", { id, name: "Spring sale, 10 %" }, "campaign { id }");
  await expect(ada.getByRole("dialog")).toBeHidden();
  await done(ben, "campaignLaunch", { id }, "campaign { id }");
  await expect(ada.getByRole("heading", { level: 1, name: "Spring sale, 10 %" })).toBeVisible();
  await ada.getByRole("button", { name: "Approve", exact: true }).click();
  await ada.getByRole("button", { name: "Approve and send" }).click();
  await expect(ada.getByText("Approved by Ada")).toBeVisible();
  const status = async () =>
    (await ask(ben, "query($id: ID!) { node(id: $id) { ... on Campaign { status } } }", { id })).node.status;
  await expect.poll(status).toBe("COMPLETED");
});

test("labels sort campaigns, and what is over is archived", async () => {
  const id = await draft("Old news");
  await draft("Summer sale");
  await ben.goto(`/campaigns/${id}`);
  await ben.getByRole("button", { name: "Add labels" }).click();
  const field = ben.getByRole("combobox", { name: "Labels of this campaign" });
  await field.fill("News");
  await field.press("Enter");
  await field.fill("Spring 2027");
  await field.press("Enter");
  await ben.getByRole("button", { name: "Save labels" }).click();
  await expect(ben.getByRole("dialog")).toBeHidden();
  await expect(ben.getByText("Spring 2027")).toBeVisible();
  await everyWay(ben, "labels-campaign", pictures, true);

  // A copy has them too.
  await ben.getByRole("button", { name: "More" }).click();
  await ben.getByRole("menuitem", { name: "Duplicate" }).click();
  await expect(ben.getByRole("heading", { level: 1, name: "Copy of Old news" })).toBeVisible();
  await expect(ben.getByText("Spring 2027")).toBeVisible();

  await ben.goto("/campaigns");
  await expect(ben.getByRole("link", { name: "Summer sale" })).toBeVisible();
  await ben.getByRole("combobox", { name: "Label" }).click();
  await ben.getByRole("option", { name: "News" }).click();
  await expect(ben.getByRole("link", { name: "Summer sale" })).toBeHidden();
  await expect(ben.getByRole("link", { name: "Old news", exact: true })).toBeVisible();
  await everyWay(ben, "labels-list", pictures);

  await ben.getByRole("link", { name: "Old news", exact: true }).click();
  await ben.getByRole("button", { name: "More" }).click();
  await ben.getByRole("menuitem", { name: "Archive" }).click();
  await expect(ben.getByText("Lists leave it out")).toBeVisible();
  await expect(ben.getByRole("button", { name: "Launch" })).toBeHidden();
  await everyWay(ben, "archived", pictures, true);
  await ben.goto("/campaigns");
  await expect(ben.getByRole("link", { name: "Copy of Old news" })).toBeVisible();
  await expect(ben.getByRole("link", { name: "Old news", exact: true })).toBeHidden();
  await ben.getByRole("combobox", { name: "Status" }).click();
  await ben.getByRole("option", { name: "Archived" }).click();
  await expect(ben.getByRole("link", { name: "Copy of Old news" })).toBeHidden();
  await ben.getByRole("link", { name: "Old news", exact: true }).click();
  await ben.getByRole("button", { name: "Bring back" }).click();
  await expect(ben.getByRole("button", { name: "Launch" })).toBeVisible();
});

test("tests go to the team's numbers, and a campaign sends them a copy", async () => {
  await ben.goto("/settings/team");
  await expect(ben.getByRole("button", { name: "Invite", exact: true })).toBeHidden(); // no admin
  const card = ben.getByRole("combobox", { name: "Contact to add" });
  for (const number of ["5601", "5602"]) {
    await card.click();
    await card.fill(number);
    await ben.getByRole("option", { name: new RegExp(number.slice(-2)) }).click();
    await ben.getByRole("button", { name: "Add", exact: true }).click();
    await expect(
      ben.getByRole("row").filter({ hasText: new RegExp(`${number.slice(-2)}$|${number.slice(-2)}\\D`) }),
    ).toBeVisible();
  }
  await everyWay(ben, "team-numbers", pictures, true);

  await ben.goto(`/templates/${template}`);
  await ben.getByRole("button", { name: "Send a test" }).click();
  await expect(ben.getByRole("checkbox")).toHaveCount(2);
  await ben.getByLabel("Another number").fill("+4915112345603");
  await ben.screenshot({ path: join(pictures, "team-test.png"), animations: "disabled" });
  await ben.getByRole("button", { name: "Send to 3" }).click();
  await expect(ben.getByText("3 test messages are on their way")).toBeVisible();

  const id = await draft("Copied to the team");
  await ben.goto(`/campaigns/${id}/edit?step=schedule`);
  await ben.getByRole("switch", { name: "Send it to the team, too" }).press("Space");
  await expect(ben.getByTestId("save-state")).toHaveText("Saved");
  await ben.goto(`/campaigns/${id}`);
  await expect(ben.getByText("Gets a copy as it starts")).toBeVisible();

  await ben.goto("/settings/team");
  await ben.getByRole("button", { name: /^Remove .*02 from the team numbers$/ }).click();
  await expect(ben.getByRole("button", { name: /from the team numbers$/ })).toHaveCount(1);
});

test("each recipient's best hour is asked for in the editor, and told before the launch", async () => {
  // Somebody who was never written to: of the others the sandbox lets some opt out, or not be reached.
  const address = "+4915112345604";
  await done(
    ada,
    "contactCreate",
    { address, name: "Newcomer", consent: { note: "At the counter" } },
    "contact { id }",
  );
  const query = { field: "name", op: "eq", value: "Newcomer" };
  const id = await draft("Autumn sale");
  await done(ben, "campaignUpdate", { id, query }, "campaign { id }");
  await ben.goto(`/campaigns/${id}`);
  await expect(ben.getByText("No: as soon as it may go")).toBeVisible();
  await ben.getByRole("link", { name: "Edit: Pace and hours" }).click();
  const best = ben.getByRole("switch", { name: "At each recipient's best hour" });
  await expect(best).not.toBeChecked();
  await best.press("Space");
  await expect(ben.getByTestId("save-state")).toHaveText("Saved");
  await ben.reload();
  await expect(best).toBeChecked();
  await everyWay(ben, "best-hour-setting", pictures, true);
  await ben.getByRole("button", { name: "Review", exact: true }).click();
  // Neither they nor all contacts together have read enough to tell an hour.
  await expect(ben.getByTestId("preflight-zones")).toContainText("Europe/Berlin");
  const told = ben.getByTestId("preflight-hours");
  await expect(told.getByRole("row", { name: /^At once: too little was read.*1$/ })).toBeVisible();
  await everyWay(ben, "best-hour-review", pictures, true);
  await ben.getByRole("button", { name: "Close" }).click();
  await expect(ben.getByText("Each recipient gets it in the hour in which they usually read")).toBeVisible();
});
