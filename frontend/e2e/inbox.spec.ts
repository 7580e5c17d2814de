import { join } from "node:path";
import { expect, type FileChooser, type Locator, type Page, test } from "@playwright/test";
import { approvedTemplate, ask, done, everyWay, png, watch } from "./look";
import { installation } from "./processes";

// The inbox as an application: panes, keys, drafts, and what a team does with conversations. How many are unread counts
// all of them, so that this is not the installation of the story.
test.describe.configure({ mode: "serial" });
const engine = installation("inbox", 26);
test.use({ baseURL: engine.url, storageState: engine.session });

const pictures = join(import.meta.dirname, ".results/inbox");
const broken: string[] = [];
test.beforeAll(() => engine.start());
test.beforeEach(({ page }) => watch(page, broken));
test.afterAll(() => engine.end());
test.afterAll(() => expect(broken, "errors in the browser's console").toEqual([]));

/** Writes to us as a contact would, through the sandbox. */
async function says(on: Page, from: string, body: string, profileName?: string) {
  await done(on, "sandboxInboundSend", { from, body, profileName });
}

const number = (n: number) => `+4915177700${String(n).padStart(3, "0")}`;
const rows = (on: Page) => on.getByRole("navigation", { name: "List of conversations" }).getByRole("link");
const row = (on: Page, name: string) => rows(on).filter({ hasText: name });
const field = (on: Page) => on.getByRole("textbox", { name: "Reply" });
const heading = (on: Page, name: string) => on.getByRole("heading", { level: 2, name });
const scrolled = (on: Page, selector: string) => on.locator(selector).evaluate((e) => e.scrollTop);

test("people write, and each pane scrolls by itself", async ({ page }) => {
  await page.setViewportSize({ width: 1440, height: 700 });
  // The sandbox's people answer by chance, some of them with STOP; here everybody says only what the test says.
  await ask(page, "mutation { sandboxSettingsUpdate(input: { replyRate: 0 }) { userErrors { message } } }");
  for (let n = 1; n <= 20; n++) await says(page, number(n), `Question ${n}`, `Writer ${n}`);
  for (let n = 1; n <= 16; n++) await says(page, number(5), `Line ${n}`, "Writer 5");
  const arrived = async () => {
    const query = '{ conversations(filter: { search: "Writer" }, first: 50) { nodes { unread } } }';
    const { nodes } = (await ask(page, query)).conversations as { nodes: { unread: number }[] };
    return nodes.reduce((sum, c) => sum + c.unread, 0);
  };
  await expect.poll(arrived).toBe(36);
  await says(page, number(5), "The last line", "Writer 5");
  await expect.poll(arrived).toBe(37);
  await page.goto("/inbox");
  await expect(row(page, "The last line")).toBeVisible();
  const list = ".inbox-list .inbox-scroll";
  await page.locator(list).evaluate((e) => e.scrollTo({ top: 330 }));
  const writer = row(page, "Writer 8");
  await writer.click();
  await expect(heading(page, "Writer 8")).toBeVisible();
  await expect(writer).toHaveAttribute("aria-current", "page");
  expect(await scrolled(page, list), "choosing a row moves nothing").toBe(330);
  const over = await page.evaluate(() => document.documentElement.scrollHeight - document.documentElement.clientHeight);
  expect(over, "the page itself does not scroll").toBeLessThanOrEqual(0);

  await row(page, "The last line").click();
  await expect(heading(page, "Writer 5")).toBeVisible();
  const messages = page.getByRole("region", { name: "Messages" });
  await expect(messages.getByText("The last line"), "it opens at the newest").toBeInViewport();
  await expect(messages.getByText("Question 5")).not.toBeInViewport();
  await expect(field(page), "the composer is pinned").toBeInViewport();
  const card = page.getByRole("complementary", { name: "Contact" });
  await expect(card.getByText("Record opt-out")).toBeVisible();
  await expect(page.getByText("23 h left to reply")).toBeVisible();

  await page.locator(list).evaluate((e) => e.scrollTo({ top: 250 }));
  await card.getByRole("link", { name: "Open the contact" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Writer 5" })).toBeVisible();
  await page.goBack();
  await expect(heading(page, "Writer 5")).toBeVisible();
  await expect.poll(() => scrolled(page, list), { message: "the list stands where it was" }).toBe(250);
});

test("what is being written stays with its conversation, and Enter sends it", async ({ page }) => {
  await page.goto("/inbox?q=Writer");
  await row(page, "Writer 2").last().click();
  await field(page).fill("Half a ");
  await row(page, "Writer 3").last().click();
  await expect(field(page)).toHaveValue("");
  await row(page, "Writer 2").last().click();
  await expect(field(page)).toHaveValue("Half a ");
  await page.reload();
  await expect(field(page)).toHaveValue("Half a ");
  await field(page).press("End");
  await field(page).pressSequentially("sentence,");
  await field(page).press("Shift+Enter");
  await field(page).pressSequentially("and the rest.");
  await field(page).press("Enter");
  await expect(field(page)).toHaveValue("");
  const messages = page.getByRole("region", { name: "Messages" });
  await expect(messages.getByText("Half a sentence, and the rest.")).toBeInViewport();
  await expect(messages.getByRole("img", { name: /^(Delivered|Read)$/ })).toBeVisible();
  await expect(messages.getByText("Ada Admin"), "colleagues see who wrote").toBeVisible();
  await field(page).fill("Kept by nobody");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await expect(messages.getByText("Kept by nobody")).toBeVisible();
  await row(page, "Writer 3").last().click();
  await row(page, "Writer 2").last().click();
  await expect(field(page), "what was sent is no draft").toHaveValue("");
});

test("keys walk through the list, close with a way back, and never while somebody types", async ({ page }) => {
  await page.goto("/inbox?q=Writer");
  await expect(rows(page).first()).toBeVisible();
  await page.keyboard.press("j");
  await expect(rows(page).first()).toHaveAttribute("aria-current", "page");
  await page.keyboard.press("ArrowDown");
  await expect(rows(page).nth(1)).toHaveAttribute("aria-current", "page");
  await page.keyboard.press("k");
  await expect(rows(page).first()).toHaveAttribute("aria-current", "page");
  await expect(page.getByRole("button", { name: "Unassigned", exact: true })).toBeVisible();
  await page.keyboard.press("a");
  await expect(page.getByRole("button", { name: "Assigned to you" })).toBeVisible();
  await page.keyboard.press("e");
  await expect(page.getByRole("button", { name: "Reopen", exact: true })).toBeVisible();
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(page.getByRole("button", { name: "Close", exact: true })).toBeVisible();
  await page.keyboard.press("r");
  await expect(field(page)).toBeFocused();
  await page.keyboard.type("jake");
  await expect(field(page)).toHaveValue("jake");
  await expect(page.getByRole("button", { name: "Assigned to you" }), "no key was a command").toBeVisible();
  await field(page).fill("");
  await page.keyboard.press("Escape");
  await page.keyboard.press("/");
  await expect(page.getByLabel("Search conversations")).toBeFocused();
  await page.getByLabel("Search conversations").blur();
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toBeVisible();
});

test("a conversation that is read under Unread stays in its place until another is", async ({ page }) => {
  await page.goto("/inbox?status=unread&q=Writer");
  await expect(rows(page).nth(3)).toBeVisible();
  const name =
    (await rows(page)
      .nth(2)
      .getByText(/Writer/)
      .innerText()) ?? "";
  await rows(page).nth(2).click();
  await expect(heading(page, name)).toBeVisible();
  await expect(row(page, name).getByLabel(/unread/)).toHaveCount(0);
  await expect(rows(page).nth(2)).toHaveAttribute("aria-current", "page");
  await rows(page).nth(0).click();
  await expect(row(page, name)).toHaveCount(0);
});

test("a team shares a conversation: assigned, labelled, noted and snoozed", async ({ page }) => {
  await page.goto("/inbox?q=Writer");
  await row(page, "Writer 7").click();
  await expect(heading(page, "Writer 7")).toBeVisible();
  await page.getByRole("button", { name: "Unassigned", exact: true }).click();
  await page.getByRole("menuitem", { name: "Assign to me" }).click();
  await expect(page.getByRole("button", { name: "Assigned to you" })).toBeVisible();
  const lists = page.getByRole("radiogroup", { name: "Which conversations" });
  await lists.getByText("Unassigned").click();
  await row(page, "Writer 8").click(); // the one that is read stays on its list
  await expect(row(page, "Writer 7")).toHaveCount(0);
  await lists.getByText("Open").click();
  await row(page, "Writer 7").click();

  await page.getByRole("button", { name: "Labels", exact: true }).click();
  await page.getByRole("textbox", { name: "Find or make a label" }).fill("Sizes");
  await page.getByRole("button", { name: "Make “Sizes”" }).click();
  await expect(page.getByRole("checkbox", { name: "Sizes" })).toBeChecked();
  await page.keyboard.press("Escape");
  await expect(row(page, "Writer 7").getByText("Sizes")).toBeVisible();
  await page.getByRole("button", { name: "Only with a label" }).click();
  await page.getByRole("menuitem", { name: "Sizes" }).click();
  await expect(rows(page)).toHaveCount(1);
  await page.getByRole("button", { name: "Show all conversations" }).click();
  await expect(rows(page)).toHaveCount(20);

  await page.getByRole("radiogroup", { name: "What is written" }).getByText("Note").click();
  await page.getByRole("textbox", { name: "Note" }).fill("Ask the warehouse.");
  await page.getByRole("textbox", { name: "Note" }).press("Enter");
  const note = page.getByRole("article", { name: "Note" });
  await expect(note).toContainText("Note by Ada Admin");
  await expect(note).toContainText("Ask the warehouse.");
  const found = await ask(page, "{ messages(first: 20) { nodes { body } } }");
  expect(JSON.stringify(found), "a note is never sent").not.toContain("warehouse");
  await page.getByRole("radiogroup", { name: "What is written" }).getByText("Reply").click();

  await page.getByRole("button", { name: "Snooze" }).click();
  await page.getByRole("menuitem", { name: /In 1 hour/ }).click();
  await expect(page.getByText(/Snoozed until/).first()).toBeVisible();
  await page.getByRole("button", { name: "Other lists" }).click();
  await page.getByRole("menuitem", { name: "Snoozed" }).click();
  await expect(row(page, "Writer 7")).toBeVisible();
  await says(page, number(7), "I am back");
  await expect(page.getByRole("button", { name: "Close", exact: true }), "it opens at once").toBeVisible();
  await page.getByText("Open", { exact: true }).click();
  await expect(row(page, "Writer 7")).toContainText("I am back");
});

test("a picture that somebody sent is there, fetched through the server, and a document by its name", async ({
  page,
}) => {
  const query = "mutation ($i: SandboxInboundSendInput!) { sandboxInboundSend(input: $i) { userErrors { message } } }";
  const send = (body: string, ...more: string[]) => {
    const parameters = [
      { name: "NumMedia", value: "1" },
      ...more.map((value) => ({ name: "MediaContentType0", value })),
    ];
    return ask(page, query, { i: { from: number(6), body, parameters, profileName: "Writer 6" } });
  };
  await send("price-list.pdf", "application/pdf");
  await send("");
  await page.goto("/inbox?q=Writer");
  await row(page, "Writer 6").click();
  const picture = page.getByRole("img", { name: "Photo" });
  await expect(picture).toBeInViewport();
  await expect.poll(() => picture.evaluate((e: HTMLImageElement) => e.complete && e.naturalWidth)).toBe(640);
  expect(await picture.evaluate((e: HTMLImageElement) => new URL(e.src).pathname)).toMatch(
    /^\/downloads\/messages\/[^/]+\/media\/0$/,
  );
  await expect(page.getByRole("link", { name: "price-list.pdf" })).toBeVisible();
});

test("a canned reply is found by its name and filled in for the contact", async ({ page }) => {
  await page.goto("/inbox?q=Writer");
  await row(page, "Writer 9").click();
  await page.getByRole("button", { name: "Canned replies", exact: true }).click();
  await page.getByRole("button", { name: "Manage canned replies" }).click();
  const dialog = page.getByRole("dialog", { name: "Canned replies" });
  await dialog.getByRole("button", { name: "New reply" }).click();
  await dialog.getByLabel("Name").fill("opening hours");
  await dialog.getByLabel("Text").fill("Hi {{name | there}}, size {{attributes.shoe}} is back.");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByText(/“opening hours” is not a name of a reply/)).toBeVisible();
  await dialog.getByLabel("Name").fill("size");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByText("/size", { exact: true })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  await field(page).fill("");
  await field(page).pressSequentially("/si");
  await expect(page.getByRole("option", { name: /size/ })).toContainText("Hi Writer 9, size");
  await field(page).press("Enter");
  await expect(field(page)).toHaveValue("Hi Writer 9, size {{attributes.shoe}} is back.");
  await expect(page.getByText(/Fill in {{attributes.shoe}} before it is sent/)).toBeVisible();
  await expect(page.getByRole("button", { name: "Send", exact: true })).toBeDisabled();
  await field(page).fill("Hi Writer 9, size 42 is back.");
  await field(page).press("Enter");
  await expect(page.getByRole("region", { name: "Messages" }).getByText("size 42 is back")).toBeVisible();
});

test("a picture goes with a reply, and a document without a text", async ({ page }) => {
  await page.goto("/inbox?q=Writer");
  await row(page, "Writer 9").click();
  const attach = async (kind: string, file: Parameters<FileChooser["setFiles"]>[0]) => {
    await page.getByRole("button", { name: "Attach a file" }).click();
    await page.getByRole("menuitem", { name: kind }).click();
    const chooser = page.waitForEvent("filechooser");
    await page.getByRole("button", { name: "Upload" }).click();
    await (await chooser).setFiles(file);
  };
  await attach("Image", png("red shoes.png"));
  await expect(page.getByText("red shoes.png")).toBeVisible();
  await page.reload(); // what is not sent yet stays
  await expect(page.getByText("red shoes.png")).toBeVisible();
  await field(page).fill("These, in red");
  await everyWay(page, "attached", pictures, true);
  await field(page).press("Enter");
  const thread = page.getByRole("region", { name: "Messages" });
  await expect(thread.getByText("These, in red")).toBeVisible();
  await expect(thread.getByRole("img", { name: "red shoes.png" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Remove red shoes.png" })).toHaveCount(0);

  const pdf = { name: "sizes.pdf", mimeType: "application/pdf", buffer: Buffer.from("%PDF-1.4\n%%EOF\n") };
  await attach("Document", pdf);
  await field(page).fill("Our sizes");
  await expect(
    page.getByText("WhatsApp shows no text with a document: send it as a message of its own."),
  ).toBeVisible();
  await expect(page.getByRole("button", { name: "Send", exact: true })).toBeDisabled();
  await field(page).fill("");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await expect(thread.getByRole("link", { name: "sizes.pdf" })).toBeVisible();
});

test("how many wait stands in the navigation and in the tab, and an opt-out that was obeyed is none", async ({
  page,
}) => {
  await page.goto("/topics");
  const badge = page.getByRole("navigation", { name: "Pages" }).getByLabel(/unread$/);
  const waiting = async () => Number((await badge.innerText().catch(() => "0")).replace(",", ""));
  await expect(badge).toBeVisible();
  await expect.poll(() => page.title()).toMatch(/^\(\d+\) Topics/);
  const before = await waiting();
  await says(page, number(30), "Is anybody there?", "Waiting Walter");
  await expect.poll(waiting).toBe(before + 1);
  await says(page, number(31), "STOP", "Leaving Lena");
  await page.goto("/inbox?q=Leaving&status=closed");
  await expect(row(page, "Leaving Lena")).toBeVisible();
  expect(await waiting()).toBe(before + 1);
});

test("anybody is written to from their page, outside the window with a template as they will read it", async ({
  page,
}) => {
  const input = { address: number(40), name: "Never Wrote", consent: { note: "At the counter" } };
  const { id } = (await done(page, "contactCreate", input, "contact { id }")).contact;
  await approvedTemplate(page, { name: "Autumn sale", body: "Hi {{name}}, our autumn sale has started." });
  await page.goto(`/contacts/${id}`);
  await page.getByRole("button", { name: "Write", exact: true }).click();
  await expect(heading(page, "Never Wrote")).toBeVisible();
  const template = page.getByRole("combobox", { name: "Template" });
  await expect(template).toBeFocused();
  await expect(field(page)).toHaveCount(0);
  await template.click();
  await page.getByRole("option", { name: /Autumn sale/ }).click();
  await expect(page.getByRole("status", { name: "Preview" })).toHaveText(
    /^Hi Never Wrote, our autumn sale has started\./,
  );
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await expect(page.getByRole("region", { name: "Messages" }).getByText("our autumn sale has started")).toBeVisible();
});

test("what is written from the right is shown, and answered, from the right", async ({ page }) => {
  await says(page, number(41), "שלום, מתי אתם פותחים?", "Writer 41");
  await page.goto("/inbox?q=Writer 41");
  await row(page, "Writer 41").click();
  const direction = (at: Locator) => at.evaluate((e) => getComputedStyle(e).direction);
  const message = page.getByRole("region", { name: "Messages" }).getByText("מתי אתם פותחים");
  await expect(message).toBeVisible();
  expect(await direction(message)).toBe("rtl");
  expect(await direction(row(page, "Writer 41").getByText("מתי אתם פותחים"))).toBe("rtl");
  await field(page).fill("בתשע");
  expect(await direction(field(page))).toBe("rtl");
  await field(page).fill("At nine");
  expect(await direction(field(page))).toBe("ltr");
  await field(page).fill("");
});

test("on a phone one pane is shown at a time", async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto("/inbox?q=Writer");
  await rows(page).first().click();
  await expect(field(page)).toBeVisible();
  await expect(rows(page).first()).toBeHidden();
  await page.getByRole("button", { name: "Contact", exact: true }).click();
  const card = page.getByRole("complementary", { name: "Contact" });
  await expect(card).toBeVisible();
  await expect(field(page)).toBeHidden();
  await card.getByRole("button", { name: "Hide the contact" }).click();
  await page.getByRole("link", { name: "Back to the list" }).click();
  await expect(rows(page).first()).toBeVisible();
});

test("it looks well in light and dark, wide and on a phone", async ({ page }) => {
  await page.goto("/inbox?q=Writer");
  await row(page, "The last line").click();
  await expect(page.getByRole("complementary", { name: "Contact" }).getByText("Record opt-out")).toBeVisible();
  await everyWay(page, "thread", pictures);
});
