import { type ChildProcess, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, type Locator, type Page, test } from "@playwright/test";
import { everyWay, inspect, watch } from "./look";
import { alone, ended, root, started } from "./processes";

/**
 * An installation goes live with a sandbox that plays Twilio as a process of its own. Going live ends what was made
 * while trying out, so that this is not the installation of the story.
 */
const base = Number(process.env.E2E_PORT ?? "8097");
const at = { carrier: `127.0.0.1:${base + 20}`, control: `127.0.0.1:${base + 21}`, engine: `127.0.0.1:${base + 22}` };
const engine = `http://localhost:${base + 22}`;
const admin = { name: "Ada Admin", email: "ada@shop.example", password: "a long enough password" };
const own = "+4915123456789";

test.describe.configure({ mode: "serial" });

let dir = "";
const running: ChildProcess[] = [];
let twilio = { url: "", account: "", token: "" };
let link = "";
let page: Page;
const broken: string[] = [];

/** Starts a process that ends with these tests, and gives the first match of its output. */
function run(command: string, args: string[], env: NodeJS.ProcessEnv, match: RegExp) {
  return started(command, args, env, match, (child) => running.push(child));
}

test.beforeAll(async ({ browser }) => {
  dir = mkdtempSync(join(tmpdir(), "eventstream-live-"));
  const carrier = join(dir, "carrier");
  execFileSync("go", ["build", "-o", carrier, "./server/twilio/sandbox/carrier"], { cwd: root });
  const told = await run(carrier, [join(dir, "twilio"), at.carrier, at.control], {}, /(http\S+) (AC\S+) (\S+)\n/);
  const [, url = "", account = "", token = ""] = told;
  twilio = { url, account, token };
  const env = {
    ...alone,
    LISTEN_ADDR: at.engine,
    DATA_DIR: join(dir, "engine"),
    ADMIN_EMAIL: "",
    ADMIN_PASSWORD: "",
    TWILIO_API_BASE_URL: twilio.url,
  };
  link = (await run(join(root, "bin/server"), [], env, /Open\s+(\S+)/))[1] ?? "";
  page = await (await browser.newContext({ baseURL: engine })).newPage();
  watch(page, broken);
});

test.afterAll(async () => {
  await page?.close();
  for (const child of running.reverse()) await ended(child);
  rmSync(dir, { recursive: true, force: true });
  // While the server starts again nobody answers; the page asks on.
  expect(broken.filter((text) => !/ERR_CONNECTION|WebSocket|Failed to (load|fetch)/.test(text))).toEqual([]);
});

const title = (name: string) => expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
const step = (key: string) => page.locator(`[data-step=${key}]`);
const stands = (key: string, state: string) => expect(step(key)).toHaveAttribute("data-state", state);
const dialog = () => page.getByRole("dialog");

/** Has everything read again until something is there: what Twilio has said counts for some seconds. */
const checkedUntil = (there: Locator) =>
  expect(async () => {
    await page.getByRole("button", { name: "Check again" }).click();
    await expect(there).toBeVisible({ timeout: 5000 });
  }).toPass();

/** A request to Twilio, as somebody makes in its console. */
async function atTwilio(path: string, body: unknown) {
  const response = await fetch(twilio.url + path, {
    method: "POST",
    headers: {
      Authorization: `Basic ${btoa(`${twilio.account}:${twilio.token}`)}`,
      "Content-Type": "application/json",
    },
    body: JSON.stringify(body),
  });
  expect(response.ok, await response.clone().text()).toBe(true);
  return (await response.json()) as { sid: string };
}

/** Somebody writes to the sender from a phone, until it comes here. */
const writes = (body: string) =>
  expect
    .poll(async () => {
      const form = new URLSearchParams({ from: own, body });
      return (await fetch(`http://${at.control}/write`, { method: "POST", body: form })).status;
    })
    .toBe(200);

test("the checklist leads there, and each step says what to do", async () => {
  await page.goto(link);
  await page.getByLabel("Your name").fill(admin.name);
  await page.getByLabel("Email address").fill(admin.email);
  await page.getByRole("textbox", { name: "Password" }).fill(admin.password);
  await page.getByRole("button", { name: "Create admin" }).click();
  await title("Dashboard");
  await page.getByRole("link", { name: "Go live with Twilio" }).click();
  await title("Going live");
  await stands("CREDENTIALS", "OPEN");
  await stands("SWITCH", "WAITING");
  await expect(page.getByText("The sandbox is live")).toBeVisible();
});

test("credentials are checked before they are kept", async () => {
  const enter = async (token: string) => {
    await page.getByLabel("Account SID").fill(twilio.account);
    await page.getByLabel("Auth token").fill(token);
    await page.getByRole("button", { name: "Check and save" }).click();
  };
  await enter("0".repeat(32));
  await expect(step("CREDENTIALS").getByText("Twilio refuses the account")).toBeVisible();
  await enter(twilio.token);
  await stands("CREDENTIALS", "DONE");
  await page.getByRole("button", { name: "Change credentials" }).click();
  await page.getByRole("button", { name: "Cancel" }).click();
  await expect(page.getByLabel("Account SID")).toBeHidden();
  await page.getByRole("button", { name: "Forget the credentials" }).click();
  await dialog().getByRole("button", { name: "Forget the credentials" }).click();
  await stands("CREDENTIALS", "OPEN");
  await enter(twilio.token);
  await stands("CREDENTIALS", "DONE");
  await stands("ADDRESS", "DONE");
  await stands("DEMO_DATA", "DONE");
  await stands("SWITCH", "OPEN");
  await everyWay(page, "going live", dir);
});

test("going live is asked once more, and the server starts again", async () => {
  await step("SWITCH").getByRole("button", { name: "Go live…" }).click();
  await expect(dialog().getByText("There is no way back to the sandbox")).toBeVisible();
  await inspect(page, "the question of going live");
  await dialog().getByRole("button", { name: "Go live", exact: true }).click();
  await stands("SWITCH", "DONE");
  await expect(page.getByText("Twilio live", { exact: true })).toBeVisible();
});

test("senders are read from Twilio, and their old webhook is named and kept", async () => {
  const senders = step("SENDERS");
  await senders.getByRole("button", { name: /^Send from/ }).click();
  await stands("SENDERS", "FAILED");
  await senders.getByRole("button", { name: "Set the webhook…" }).click();
  await expect(dialog().getByText("https://old.example/hooks/whatsapp").first()).toBeVisible();
  await inspect(page, "the question of a webhook");
  await dialog().getByRole("button", { name: "Set the webhook", exact: true }).click();
  await stands("SENDERS", "DONE");
  await senders.getByRole("button", { name: "Restore the previous webhook…" }).click();
  await expect(dialog().getByText("https://old.example/hooks/whatsapp")).toBeVisible();
  await dialog().getByRole("button", { name: "Cancel" }).click();
});

test("templates of the account are imported", async () => {
  const notes = Array.from({ length: 10 }, (_, i) => `note ${i + 1}`);
  for (const name of notes)
    await atTwilio("/v1/Content", {
      friendly_name: name,
      language: "en",
      types: { "twilio/text": { body: "A note" } },
    });
  const made = await atTwilio("/v1/Content", {
    friendly_name: "parcel",
    language: "en",
    variables: { 1: "Ada", 2: "Tuesday" },
    types: { "twilio/text": { body: "Dear {{1}}, your parcel comes on {{2}}, see you." } },
  });
  await atTwilio(`/v1/Content/${made.sid}/ApprovalRequests/whatsapp`, { name: "parcel", category: "UTILITY" });
  await fetch(`http://${at.control}/approve`, { method: "POST", body: new URLSearchParams({ sid: made.sid }) });
  await atTwilio("/v1/Content", {
    friendly_name: "place",
    language: "en",
    types: { "twilio/location": { latitude: 52.5, longitude: 13.4, label: "Shop" } },
  });
  const templates = step("TEMPLATES");
  const place = templates.getByText("twilio/location is a type of content that cannot be sent from here");
  await checkedUntil(place);
  const first = templates.getByText("note 1", { exact: true });
  await expect(first).toBeHidden();
  await templates.getByRole("button", { name: "Show more" }).click();
  await expect(first).toBeVisible();
  await templates.getByLabel("Search templates").fill("parcel");
  await expect(place).toBeHidden();
  await templates.getByRole("button", { name: "Import parcel" }).click();
  await dialog().getByLabel("{{1}}, such as Ada").fill("name | you");
  await dialog().getByRole("button", { name: "Import", exact: true }).click();
  await stands("TEMPLATES", "DONE");
  await expect(templates.getByRole("link", { name: "Open parcel" })).toBeVisible();
});

test("a message to one's own number, and the answer to it, are seen", async () => {
  const own1 = step("TEST");
  await own1.getByLabel("Your own number").fill(own);
  await own1.getByRole("button", { name: "Send the test" }).click();
  await expect(own1.getByText("has not written yet")).toBeVisible();
  await writes("Hello");
  await expect(async () => {
    await own1.getByRole("button", { name: "Send the test" }).click();
    await expect(own1.getByText("no answer was seen yet")).toBeVisible({ timeout: 5000 });
  }).toPass();
  await writes("I can read it");
  await stands("TEST", "DONE");
  await everyWay(page, "going live, done", dir);
});
