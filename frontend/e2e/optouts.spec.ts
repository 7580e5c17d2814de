import { join } from "node:path";
import { expect, type Page, test } from "@playwright/test";
import { approvedTemplate, ask, done, everyWay, inspect, signedIn, spaced, watch } from "./look";

// What people write when they want no more messages, and what becomes of it.
test.describe.configure({ mode: "serial" });
test.use({ storageState: signedIn });

const pictures = join(import.meta.dirname, ".results/optouts");
const broken: string[] = [];
test.beforeEach(({ page }) => watch(page, broken));
test.afterAll(() => expect(broken, "errors in the browser's console").toEqual([]));

/** Has the API make or change something, and gives its id. */
async function make(on: Page, name: string, field: string, input: object): Promise<string> {
  return (await done(on, name, input, `${field} { id }`))[field].id;
}

/** Writes to us as a contact would, through the sandbox. */
async function says(on: Page, from: string, body: string) {
  const query = "mutation ($i: SandboxInboundSendInput!) { sandboxInboundSend(input: $i) { sid } }";
  const { sandboxInboundSend: sent } = await ask(on, query, { i: { from, body } });
  expect(sent.sid).toEqual(expect.any(String));
}

const spanish =
  "Hola, no sé de dónde sacaron mi número, pero ya no quiero recibir más publicidad de ustedes, muchas gracias";
const german =
  "Guten Tag, ich habe neulich bestellt und bekomme seitdem jede Woche Werbung, woher habt ihr meine Nummer?";

test("a sentence that may ask for an opt-out waits for a decision, and is decided", async ({ page }) => {
  await make(page, "contactCreate", "contact", {
    address: "+34612000001",
    attributes: { shop: "Madrid" },
    consent: { note: "Signed in the shop" },
  });
  await says(page, "+34612000001", spanish);
  await says(page, "+4915199900002", german);
  await page.goto("/compliance/reviews");
  const ana = page.getByRole("article", { name: "Message from +34 612 00 00 01" });
  await expect(ana.getByText(spanish)).toBeVisible();
  await everyWay(page, "reviews", pictures);
  await ana.getByRole("button", { name: "Opt out" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Opt out" }).click();
  await expect(ana).toHaveCount(0);
  await page.goto("/contacts");
  await page.getByPlaceholder(/Search name/).fill("+34612000001");
  await expect(page.getByText("Opted out").first()).toBeVisible();
});

test("the next campaign skips who was found to opt out, and the message says why", async ({ page }) => {
  const found = await ask(page, "{ templates(first: 50) { nodes { id approvalStatus } } }");
  const approved = found.templates.nodes.find((t: { approvalStatus: string }) => t.approvalStatus === "APPROVED");
  const segmentId = await make(page, "segmentCreate", "segment", {
    name: "Madrid",
    query: { field: "attributes.shop", op: "eq", value: "Madrid" },
  });
  const id = await make(page, "campaignCreate", "campaign", { name: "Hola", segmentId, templateId: approved.id });
  await make(page, "campaignLaunch", "campaign", { id });
  await page.goto(`/campaigns/${id}`);
  await expect(page.getByText("Completed", { exact: true })).toBeVisible();
  await expect(page.getByRole("row", { name: /Opted out 1/ })).toBeVisible();
  await page.keyboard.press("End"); // the messages are below all of the report
  await page.getByRole("link", { name: "Why?" }).first().click();
  await expect(page.getByRole("heading", { name: /^Message to ./, level: 1 })).toBeVisible();
  await expect(page.getByText("Not sent: they had opted out.")).toBeVisible();
  await expect(page.getByRole("listitem").filter({ hasText: "Not opted out" })).toContainText("publicidad");
  await everyWay(page, "skipped", pictures);
});

test("the conversation asks too, and leaves consent as it is", async ({ page }) => {
  await page.goto("/inbox");
  await page.getByText(spaced("+4915199900002")).first().click();
  const question = page.getByRole("alert").filter({ hasText: "Did they ask to stop?" });
  await expect(question).toBeVisible();
  await question.getByRole("button", { name: "Not an opt-out" }).click();
  await expect(question).toHaveCount(0);
});

test("a short request acts by itself", async ({ page }) => {
  await says(page, "+4915199900003", "keine Werbung mehr bitte");
  await page.goto("/contacts");
  await page.getByPlaceholder(/Search name/).fill("+4915199900003");
  await expect(page.getByText("Opted out").first()).toBeVisible();
});

test("consent is kept by purpose, with the version of the text that was shown", async ({ page }) => {
  const id = await make(page, "contactCreate", "contact", {
    address: "+4915199900004",
    name: "Lea",
    consent: { text: "Offers from us on WhatsApp", language: "en" },
  });
  await page.goto(`/contacts/${id}`);
  await expect(page.getByText(/“Offers from us on WhatsApp” \(text version \d+, en\)/)).toBeVisible();
  await page.getByRole("button", { name: "Record opt-in to utility messages" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByText("This is no consent to marketing")).toBeVisible();
  await dialog.getByLabel("Evidence").fill("at checkout");
  await dialog.getByRole("button", { name: "Record" }).click();
  await expect(dialog).toBeHidden();
  await expect(page.getByText("Opted in to utility messages by operator").first()).toBeVisible();
  await everyWay(page, "consents", pictures);
  await page.getByRole("button", { name: "Record opt-out of utility messages" }).click();
  await dialog.getByRole("button", { name: "Record" }).click();
  await expect(page.getByRole("row", { name: /Utility/ })).toContainText("Opted out");
  await expect(page.getByRole("row", { name: /Marketing Opted in/ })).toBeVisible();
});

test("a consent that is to be confirmed counts once they have said yes", async ({ page }) => {
  const question = "Do you agree to offers from us on WhatsApp? Please answer yes or no.";
  await approvedTemplate(page, { name: "Please confirm", category: "UTILITY", body: question });

  await page.goto("/contacts");
  await page.getByRole("button", { name: "Add contact" }).click();
  const adding = page.getByRole("dialog", { name: "Add a contact" });
  const asks = adding.getByRole("switch", { name: "Ask them on WhatsApp to confirm" });
  await adding.getByLabel("Consent").fill("Filled in the form on our page");
  await expect(adding.getByText("Nobody can be asked: double opt-in is off.")).toBeVisible();
  await expect(asks).toBeDisabled();
  await adding.getByRole("link", { name: "Turn it on in Settings" }).click();

  await expect(page).toHaveURL(/\/settings\/double-opt-in$/);
  const card = page.getByRole("region", { name: "Double opt-in" });
  await card.getByRole("switch", { name: "Offer double opt-in" }).press("Space");
  await card.getByRole("button", { name: "Save" }).click();
  await expect(card.getByText("Choose at least one template")).toBeVisible();
  await card.getByRole("combobox", { name: "Templates" }).click();
  await page.getByRole("option", { name: /^Please confirm \(English\)/ }).click();
  await page.keyboard.press("Escape");
  await expect(card.getByRole("list", { name: "Questions" })).toContainText("Approved");
  await card.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("In force from now on")).toBeVisible();
  await inspect(page, "double-opt-in"); // the walk looks at this page in every way
  await card.screenshot({ path: join(pictures, "double-opt-in.png") });

  await page.goto("/contacts");
  await page.getByRole("button", { name: "Add contact" }).click();
  await adding.getByLabel("WhatsApp number").fill("+49 151 99900040");
  await adding.getByLabel("Name").fill("Mia");
  await adding.getByLabel("Consent").fill("Filled in the form on our page");
  await expect(asks).toBeEnabled(); // once the page knows that people can be asked
  await asks.press("Space");
  await adding.getByRole("button", { name: "Add" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Mia" })).toBeVisible();
  const marketing = page.getByRole("row", { name: /^Marketing Unknown/ });
  await expect(marketing).toContainText("Waiting for confirmation");

  const id = new URL(page.url()).pathname.split("/").pop();
  const stands = async () => {
    const query = "query ($id: ID!) { contact(id: $id) { consentStatus optInRequest { status } } }";
    const { contact: c } = await ask(page, query, { id });
    return `${c.optInRequest.status} ${c.consentStatus}`;
  };
  await expect.poll(stands).toBe("ASKED UNKNOWN");
  await page.reload();
  await expect(marketing).toContainText("They were asked on WhatsApp.");
  await everyWay(page, "asked", pictures);
  await says(page, "+4915199900040", "yes");
  await expect.poll(stands).toBe("CONFIRMED OPTED_IN");
  await page.reload();
  await expect(page.getByRole("row", { name: /^Marketing Opted in/ })).toBeVisible();

  await page.goto("/compliance/double-opt-ins");
  const row = page.getByRole("row").filter({ has: page.getByRole("link", { name: "Mia" }) });
  await expect(row).toContainText("Confirmed");
  await everyWay(page, "double-opt-ins", pictures);
  await page.getByRole("link", { name: "Consent ledger" }).click();
  await expect(row).toContainText("Opted in");
  await expect(row).toContainText("Filled in the form on our page");
});

test("a phrase is tried, added, obeyed and taken back; binding ones stay", async ({ page }) => {
  await page.goto("/settings");
  await page.getByRole("link", { name: "Keywords" }).click();
  await expect(page).toHaveURL(/\/settings\/keywords$/);
  const message = page.getByLabel("Message to try");
  await message.fill("no me escriban nunca más");
  const answer = page.getByRole("status").filter({ hasText: "Rule" });
  await expect(answer).toContainText("Opts out");
  await expect(answer).toContainText("Se ha dado de baja");
  await message.fill("basta ornitorrinco");
  await expect(page.getByRole("status").filter({ hasText: "Nothing would happen" })).toBeVisible();
  await page.getByRole("combobox", { name: "Language" }).click();
  await page.getByRole("option", { name: "Español (es)" }).click();
  await expect(page).toHaveURL(/status=es/);
  await expect(page.getByLabel("“baja” is binding")).toBeVisible();
  await everyWay(page, "keywords", pictures);
  const help = page.getByRole("textbox", { name: "For help" });
  await help.fill("Escribe BAJA"); // not saved yet, and so not lost by what is done beside it
  await page.getByLabel("New phrase").fill("ornitorrinco");
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await expect(page.getByRole("row", { name: /ornitorrinco added/ })).toBeVisible();
  await expect(help).toHaveValue("Escribe BAJA");
  await says(page, "+34612000009", "Ornitorrinco, por favor");
  await page.goto("/contacts");
  await page.getByPlaceholder(/Search name/).fill("+34612000009");
  await expect(page.getByText("Opted out").first()).toBeVisible();
  await page.goto("/settings/keywords?status=es");
  await page.getByRole("button", { name: "Remove “ornitorrinco”" }).click();
  await expect(page.getByRole("row", { name: /ornitorrinco/ })).toHaveCount(0);
});

test("one of two reasons is lifted, and the check of the number tells what remains", async ({ page }) => {
  const number = "+4915199900009";
  for (const reason of ["OPERATOR", "COMPLAINT"]) {
    await make(page, "suppressionAdd", "suppression", { address: number, reason });
  }
  await page.goto("/compliance/suppressions");
  await page.getByLabel("Is this number suppressed?").fill(number);
  const rows = page.getByRole("row").filter({ has: page.getByRole("button", { name: "Lift" }) });
  await expect(rows).toHaveCount(2);
  await everyWay(page, "suppressions", pictures);
  await rows
    .filter({ has: page.getByRole("cell", { name: "Operator", exact: true }) })
    .getByRole("button")
    .click();
  const dialog = page.getByRole("dialog", { name: "Lift “operator”?" });
  await expect(dialog).toContainText("remains suppressed: complaint");
  await dialog.getByRole("button", { name: "Lift" }).click();
  await expect(page.getByText("Lifted. The number remains suppressed: complaint.")).toBeVisible();
  await expect(rows).toHaveCount(1);

  await page.getByRole("link", { name: "Check a number" }).click();
  await page.getByRole("combobox", { name: "Number or contact" }).fill("0151");
  await page.getByRole("button", { name: "Check", exact: true }).click();
  await expect(page.getByRole("alert").filter({ hasText: "country code" })).toBeVisible();
  await page.getByRole("combobox", { name: "Number or contact" }).fill(number);
  await page.getByRole("button", { name: "Check", exact: true }).click();
  const answer = page.getByRole("region", { name: "Answer" });
  await expect(answer).toContainText(`No marketing template may go to ${number}.`);
  await expect(answer.getByRole("listitem").filter({ hasText: "Not suppressed" })).toContainText("Complaint since");
  await expect(
    answer.getByRole("listitem").filter({ hasText: "Consent" }).getByRole("img", { name: "No" }),
  ).toBeVisible();
  await page.reload();
  await expect(answer, "its address asks again").toContainText(`No marketing template may go to ${number}.`);
  await everyWay(page, "check", pictures);
  await page.getByRole("combobox", { name: "Number or contact" }).fill("Lea");
  await page.getByRole("option", { name: "Lea · +4915199900004" }).click();
  await page.getByRole("button", { name: "Check", exact: true }).click();
  await expect(answer.getByRole("link", { name: "Lea" })).toBeVisible();
});

test("a list of suppressions comes in, and is given out", async ({ page }) => {
  await page.goto("/compliance/suppressions");
  await page.getByRole("button", { name: "Import" }).click();
  const dialog = page.getByRole("dialog", { name: "Import a suppression list" });
  await dialog.locator("input[type=file]").setInputFiles({
    name: "left.csv",
    mimeType: "text/csv",
    buffer: Buffer.from("phone,reason\n+4915199900031,complaint\n+4915199900032,\n12,blocked\n"),
  });
  await dialog.getByRole("button", { name: "Import" }).click();
  await expect(dialog.getByRole("status")).toContainText("2 suppressions added");
  await expect(dialog.getByRole("row").filter({ hasText: "12" })).toBeVisible();
  await inspect(page, "suppression-import");
  await page.screenshot({ path: join(pictures, "suppression-import.png") });
  await dialog.getByRole("button", { name: "Done" }).click();
  await page.getByLabel("Is this number suppressed?").fill("+4915199900032");
  await expect(page.getByRole("row")).toHaveCount(2); // with the header
  await expect(page.getByRole("cell", { name: "Opted out" })).toBeVisible();
  const list = page.waitForEvent("download");
  await page.getByRole("link", { name: "Export" }).click();
  expect((await list).suggestedFilename()).toBe("suppressions.csv");
});
