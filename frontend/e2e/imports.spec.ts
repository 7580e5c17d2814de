import { join } from "node:path";
import { expect, type Page, test } from "@playwright/test";
import { everyWay, signedIn, spaced, watch } from "./look";

// The import wizard with files as programs and people really write them, each by a test of its own. The people are
// made up, and each file has numbers of its own, so that no test finds what another one left.
test.describe.configure({ mode: "parallel" });
test.use({ storageState: signedIn });

const pictures = join(import.meta.dirname, ".results/imports"); // of one run

const broken: string[] = [];
test.beforeEach(async ({ page }) => {
  broken.length = 0;
  watch(page, broken);
  await page.goto("/contacts/import");
  await expect(page.getByRole("heading", { level: 1, name: "Import contacts" })).toBeVisible();
});
test.afterEach(() => expect(broken, "errors in the browser's console").toEqual([]));

/** Hands a file to the wizard's first step. */
async function upload(on: Page, name: string, lines: string[], country?: string) {
  await on.locator('input[type="file"]').setInputFiles({
    name,
    mimeType: "text/csv",
    buffer: Buffer.from(`${lines.join("\r\n")}\r\n`),
  });
  if (country) {
    await on.getByRole("combobox", { name: "Default country" }).fill(country);
    await on.getByRole("option", { name: new RegExp(`^${country}`) }).click();
  }
  await on.getByRole("button", { name: "Continue" }).click();
}

const recognized = (on: Page, as: string) => expect(on.getByTestId("recognized")).toContainText(as);
const figures = async (on: Page, expected: Record<string, string>) => {
  for (const [name, n] of Object.entries(expected)) await expect(on.getByTestId(name)).toHaveText(n);
};
const todo = (on: Page) => on.getByTestId("todo");
const makeIt = async (on: Page, contacts: string) => {
  await on.getByRole("button", { name: `Import ${contacts}` }).click();
  await expect(on.getByText("Import completed")).toBeVisible();
};
/** Whom the directory has by this search, with number. */
const found = async (on: Page, name: string, number: string) => {
  await on.goto(`/contacts?q=${encodeURIComponent(name)}`);
  await expect(on.getByRole("link", { name })).toBeVisible();
  await expect(on.getByText(spaced(number))).toBeVisible();
};

test("Google's export: of several phone columns each row's mobile number is taken", async ({ page }) => {
  await upload(
    page,
    "google-contacts.csv",
    [
      "First Name,Middle Name,Last Name,Nickname,Birthday,Notes,Organization Name,Organization Title,Labels," +
        "E-mail 1 - Label,E-mail 1 - Value,Phone 1 - Label,Phone 1 - Value,Phone 2 - Label,Phone 2 - Value," +
        "Address 1 - Formatted",
      "Gwendolyn,,Googlewood,,,,Made-up Ltd,,* myContacts,* ,gwen@example.com,Home,030 1234567,Mobile,0151 70000001,",
      "Gustav,,Googlemann,,,Likes tea,,,* myContacts,* ,gus@example.com,Mobile,+49 151 70000002,Work,030 7654321,",
      "Greta,,Googlesen,,,,,,* myContacts,,,,,* Mobile,0151 70000003 ::: 030 999999,",
      "Gero,,Nophone,,,,,,* myContacts,* ,gero@example.com,,,,,",
    ],
    "Germany",
  );
  await recognized(page, "Google Contacts export");
  await figures(page, { rows: "4", created: "3", rejected: "1" });
  await expect(page.getByText("The phone number is empty.")).toBeVisible();
  await expect(page.getByText("the number of a WhatsApp column first, then a mobile number")).toBeVisible();
  for (const column of ["Phone 1 - Value", "Phone 2 - Value"]) {
    await expect(page.getByRole("combobox", { name: `Import ${column} as` })).toHaveValue("Phone number");
  }
  await expect(page.getByRole("radio", { name: "Do not record consent" })).toBeChecked();
  await everyWay(page, "google", pictures, true);
  await makeIt(page, "3 contacts");
  await everyWay(page, "google-done", pictures, true);
  await found(page, "Gwendolyn Googlewood", "+4915170000001");
  await found(page, "Gustav Googlemann", "+4915170000002");
});

test("HubSpot's export: the mobile column fills in, and consent needs its text", async ({ page }) => {
  await upload(page, "hubspot-crm-exports-all-contacts.csv", [
    "Record ID,First Name,Last Name,Email,Phone Number,Mobile Phone Number,Country/Region,Lifecycle Stage,Unsubscribed",
    "90071,Hedda,Hubmann,hedda@example.com,,+49 151 71000001,Germany,customer,",
    "90072,Henk,Hubsen,henk@example.com,+49 30 7654321,0151 71000002,Germany,lead,",
    "90073,Hilde,Hubertz,hilde@example.com,,+49 151 71000003,Germany,lead,true",
  ]);
  await recognized(page, "HubSpot export");
  await figures(page, { rows: "3", created: "3", rejected: "0" });
  await expect(page.getByRole("combobox", { name: "Import Unsubscribed as" })).toHaveValue("Opt-out");
  await page.getByRole("radio", { name: "Yes, everyone who has not opted out" }).check();
  await expect(todo(page)).toContainText("Say what these people agreed to.");
  await expect(page.getByRole("button", { name: "Import 3 contacts" })).toBeDisabled();
  await page.getByLabel("What did they agree to, and where?").fill("“News on WhatsApp”, trade fair, May 2026");
  await everyWay(page, "hubspot", pictures, true);
  await makeIt(page, "3 contacts");
  await found(page, "Henk Hubsen", "+4915171000002");
  await expect(page.getByRole("main").getByText("Opted in")).toBeVisible();
  await found(page, "Hilde Hubertz", "+4915171000003");
  await expect(page.getByRole("main").getByText("Opted out")).toBeVisible();
});

test("a broken quote costs its own row, and says so with its line", async ({ page }) => {
  await upload(page, "broken-quote.csv", [
    "phone,name",
    '+4915172000001,"Quentin Quoted',
    "+4915172000002,Quirin Quoteless",
    '+4915172000003,"Quincy" Quoter',
    "+4915172000004,Quilla Quoteless",
    "12,Quux Short",
  ]);
  await recognized(page, "CSV file");
  await figures(page, { rows: "5", created: "2", rejected: "3" });
  await expect(page.getByText("A quote is opened and never closed.")).toBeVisible();
  await expect(page.getByText("Line 2", { exact: true })).toBeVisible();
  await expect(page.getByText(/Text follows a closing quote/)).toBeVisible();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Download rejected rows" }).click(),
  ]);
  expect(download.suggestedFilename()).toBe("rejects.csv");
  await everyWay(page, "broken-quote", pictures, true);
  await makeIt(page, "2 contacts");
  await found(page, "Quilla Quoteless", "+4915172000004");
});

test("numbers that can be two are asked about before anything is imported", async ({ page }) => {
  await upload(
    page,
    "ambiguous.csv",
    ["phone,name", "33612345601,Amelie Ambig", "33612345602,Anton Ambig", "0151 73000001,Ada Clear"],
    "Germany",
  );
  const question = page.getByRole("radiogroup", { name: /How are numbers without \+ written/ });
  await expect(question).toBeVisible();
  await expect(page.getByText("33612345601 is +49 3361 2345601.")).toBeVisible();
  await expect(page.getByText("33612345601 is +33 6 12 34 56 01.")).toBeVisible();
  await expect(todo(page)).toContainText("Say how numbers without + are written.");
  await expect(page.getByRole("button", { name: "Import 1 contact" })).toBeDisabled();
  await everyWay(page, "numbers", pictures, true);
  await question.getByRole("radio", { name: /Leave out the rows/ }).check();
  await expect(page.getByRole("button", { name: "Import 1 contact" })).toBeEnabled();
  await question.getByRole("radio", { name: "With the country code", exact: true }).check();
  await figures(page, { created: "3", rejected: "0" });
  await expect(question.getByRole("radio", { name: "With the country code", exact: true })).toBeChecked();
  await makeIt(page, "3 contacts");
  await found(page, "Amelie Ambig", "+33612345601");
});

test("an e-mail list's yes is no consent until its text is given; its opt-outs are kept", async ({ page }) => {
  await upload(page, "newsletter.csv", [
    "Email,Phone,Name,Subscribed,Signed up",
    "s1@example.com,+4915174000001,Sanna Subscriber,yes,03/04/2025",
    "s2@example.com,+4915174000002,Sven Left,unsubscribed,05/06/2025",
  ]);
  const agreed = page.getByRole("radiogroup", { name: /Did these people agree to WhatsApp messages/ });
  await expect(page.getByText(/The column “Subscribed” does not say/)).toBeVisible();
  const dates = page.getByRole("radiogroup", { name: /start with the day or the month/ });
  await expect(page.getByText("03/04/2025 is April 3, 2025.")).toBeVisible();
  await expect(todo(page)).toContainText("Say whether these people agreed to WhatsApp messages.");
  await expect(page.getByRole("button", { name: "Import 2 contacts" })).toBeDisabled();
  await everyWay(page, "newsletter", pictures, true);
  await dates.getByRole("radio", { name: "Day first", exact: true }).check();
  await agreed.getByRole("radio", { name: "Yes, where the column “Subscribed” says so" }).check();
  await expect(todo(page)).toContainText("Say what these people agreed to.");
  await agreed.getByRole("radio", { name: "No, or I am not sure." }).check();
  await makeIt(page, "2 contacts");
  await found(page, "Sanna Subscriber", "+4915174000001");
  await expect(page.getByRole("main").getByText("Opted in")).toBeHidden();
  await found(page, "Sven Left", "+4915174000002");
  await expect(page.getByRole("main").getByText("Opted out")).toBeVisible();
});

test("of a workbook the sheet is named, and another one can be chosen", async ({ page }) => {
  await page.locator('input[type="file"]').setInputFiles(join(import.meta.dirname, "two-sheets.xlsx"));
  await page.getByRole("button", { name: "Continue" }).click();
  await recognized(page, "Excel workbook, sheet “People”");
  await expect(page.getByText(/it has no country code/)).toBeVisible(); // digits without +, in no country
  await page.getByRole("combobox", { name: "Sheet" }).click();
  await page.getByRole("option", { name: "Suppliers" }).click();
  await recognized(page, "Excel workbook, sheet “Suppliers”");
  await figures(page, { rows: "1", created: "1", rejected: "0" });
  await everyWay(page, "workbook", pictures, true);
  await makeIt(page, "1 contact");
});

test("a file without readable numbers asks for the column", async ({ page }) => {
  await upload(page, "local.csv", [
    "Member,Reach me at,Town",
    "Lotte Local,0151 75000001,Bonn",
    "Lars Local,0151 75000002,Ulm",
  ]);
  await expect(page.getByText("No phone numbers were found in this file")).toBeVisible();
  await page.getByRole("combobox", { name: "Default country" }).fill("Germany");
  await page.getByRole("option", { name: "Germany (DE)" }).click();
  await page.getByRole("combobox", { name: "Which columns hold the phone numbers?" }).click();
  await page.getByRole("option", { name: "Reach me at (0151 75000001)" }).click();
  await page.keyboard.press("Escape");
  await everyWay(page, "which-column", pictures, true);
  await page.getByRole("combobox", { name: "Import Member as" }).click();
  await page.getByRole("option", { name: "Name", exact: true }).click();
  await page.getByRole("button", { name: "Continue" }).click();
  await figures(page, { rows: "2", created: "2", rejected: "0" });
  await makeIt(page, "2 contacts");
  await found(page, "Lotte Local", "+4915175000001");
});

test("Twilio's message log is history: nobody gets consent by it, a STOP keeps people out", async ({ page }) => {
  const sid = (n: number) => `SM${String(n).padStart(32, "7")}`;
  const day = (ago: number) => new Date(Date.now() - ago * 86_400_000).toISOString();
  const line = (
    from: string,
    to: string,
    body: string,
    status: string,
    ago: number,
    code: string,
    n: number,
    way: string,
  ) =>
    `${from},${to},"${body}",${status},${day(ago)},2010-04-01,1,${code},AC${"0".repeat(32)},${sid(n)},${way},-0.005,USD`;
  const ours = "whatsapp:+14155238886";
  await upload(page, "twilio-log.csv", [
    "From,To,Body,Status,SentDate,ApiVersion,NumSegments,ErrorCode,AccountSid,Sid,Direction,Price,PriceUnit",
    line("whatsapp:+4915170000071", ours, "STOP", "received", 2, "", 4, "inbound"),
    line(ours, "whatsapp:+4915170000072", "Your order is ready", "undelivered", 3, "63024", 3, "outbound-api"),
    line("whatsapp:+4915170000072", ours, "Thank you, see you", "received", 40, "", 2, "inbound"),
    line(ours, "whatsapp:+4915170000071", "New in our shop", "read", 41, "", 1, "outbound-api"),
    line(ours, "+4915170000073", "An SMS", "delivered", 41, "", 5, "outbound-api"),
  ]);
  await recognized(page, "Twilio message log");
  await figures(page, { rows: "5", created: "4", rejected: "1" });
  await expect(page.getByText("2 messages sent and 2 received, 2 contacts not known before, 1 opt-out.")).toBeVisible();
  await expect(page.getByRole("radio")).toHaveCount(0);
  await everyWay(page, "twilio", pictures, true);
  await makeIt(page, "4 messages");
  await expect(page.getByText("2 messages sent and 2 received")).toBeVisible();
  await everyWay(page, "twilio-done", pictures, true);
  await page.goto("/contacts?q=70000071");
  await page
    .getByRole("row", { name: spaced("+4915170000071") })
    .getByRole("link")
    .click();
  await expect(page.getByText("Opted out").first()).toBeVisible();
});

test("a preview outlives a reload and the browser's back button, with what was said of it", async ({ page }) => {
  await upload(
    page,
    "reload.csv",
    ["Person,A,B", "Rita Reload,0151 70000081,x", "Rolf Reload,0151 70000082,y"],
    "Germany",
  );
  await figures(page, { rows: "2", created: "2" });
  await page.getByRole("combobox", { name: "Import B as" }).click();
  await page.getByRole("option", { name: "Do not import" }).click();
  await page.getByRole("button", { name: "Update preview" }).click();
  await expect(page.getByRole("button", { name: "Update preview" })).toBeHidden();
  const address = page.url();
  await page.reload();
  await figures(page, { rows: "2", created: "2" });
  await expect(page.getByRole("combobox", { name: "Import B as" })).toHaveValue("Do not import");
  await page.goBack();
  await expect(page.getByText("Choose a file or drop it here")).toBeVisible();
  await page.goForward();
  await figures(page, { rows: "2", created: "2" });
  await page.goto("/contacts/import");
  await page.getByRole("link", { name: "reload.csv" }).click();
  expect(page.url()).toBe(address);
  await figures(page, { rows: "2", created: "2" });
});
