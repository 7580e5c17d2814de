import { createHmac } from "node:crypto";
import { join } from "node:path";
import { type Browser, expect, type Page, test } from "@playwright/test";
import { everyWay, inspect, picture, watch } from "./look";

// Accounts from the invitation to the way out, in a browser with a virtual
// authenticator. Passkeys need a name for an address, so that all is at localhost.
test.describe.configure({ mode: "serial" });
const home = `http://localhost:${process.env.E2E_PORT ?? "8097"}`;
test.use({ baseURL: home });

const pictures = join(import.meta.dirname, ".results/accounts");
const admin = { name: "Ada Admin", email: "ada@shop.example", password: "a long enough password" };
const vera = { name: "Vera Viewer", email: "vera@shop.example", password: "violet otters climb slowly" };

let ada: Page;
let page: Page;
const broken: string[] = [];

/** A browser of its own, as another person has one. */
async function opened(browser: Browser) {
  const fresh = await (await browser.newContext({ baseURL: home })).newPage();
  watch(fresh, broken);
  return fresh;
}

test.beforeAll(async ({ browser }) => {
  ada = await opened(browser);
  page = await opened(browser);
});
test.afterAll(async () => {
  await ada.close();
  await page.close();
  expect(broken, "errors in the browser's console").toEqual([]);
});

const title = (on: Page, name: string | RegExp) => expect(on.getByRole("heading", { level: 1, name })).toBeVisible();

async function signIn(on: Page, who: { email: string; password: string }) {
  await on.goto("/");
  await title(on, "Sign in");
  await on.getByLabel("Email address").fill(who.email);
  await on.getByRole("textbox", { name: "Password" }).fill(who.password);
  await on.getByRole("button", { name: "Sign in", exact: true }).click();
}

async function signOut(on: Page) {
  await on.getByRole("button", { name: /Account of/ }).click();
  await on.getByRole("menuitem", { name: "Sign out" }).click();
  await title(on, "Sign in");
}

/** What an app shows so many periods from now (RFC 6238). */
function code(seed: string, periods: number) {
  const bits = [...seed]
    .map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0"))
    .join("");
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((b) => Number.parseInt(b, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + periods));
  const mac = createHmac("sha1", key).update(counter).digest();
  const at = (mac[19] ?? 0) & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

const change = async (name: string, item: string) => {
  const entry = ada.getByRole("menuitem", { name: item });
  await expect(async () => {
    if (!(await entry.isVisible())) await ada.getByRole("button", { name: `Change ${name}` }).click();
    await expect(entry).toBeVisible({ timeout: 5_000 });
  }).toPass();
  await entry.click();
};

let seed = "";
let recovery: string[] = [];

test("an admin invites somebody, who chooses their own password", async () => {
  await ada.goto(process.env.E2E_LINK ?? "/"); // creates the admin where the story did not run before
  await expect(ada.getByRole("heading", { level: 1, name: /Welcome|Sign in/ })).toBeVisible();
  if (await ada.getByRole("heading", { level: 1, name: "Welcome" }).isVisible()) {
    await ada.getByLabel("Your name").fill(admin.name);
    await ada.getByLabel("Email address").fill(admin.email);
    await ada.getByRole("textbox", { name: "Password" }).fill(admin.password);
    await ada.getByRole("button", { name: "Create admin" }).click();
  } else await signIn(ada, admin);
  await title(ada, "Dashboard");
  await ada.goto("/settings/team");
  await ada.getByRole("button", { name: "Invite", exact: true }).click();
  await ada.getByLabel("Name", { exact: true }).fill(vera.name);
  await ada.getByLabel("Email address").fill(vera.email);
  await ada.getByRole("combobox", { name: "Role" }).click();
  await ada.getByRole("option", { name: /Viewer/ }).click();
  await ada.getByRole("dialog").getByRole("button", { name: "Invite" }).click();
  const link = (await ada.getByTestId("secret").innerText()).trim();
  await inspect(ada, "invitation");
  await ada.keyboard.press("Escape");
  await expect(ada.getByRole("row", { name: vera.name })).toContainText("Invited");

  await page.goto(link.replace("127.0.0.1", "localhost"));
  await title(page, `Welcome, ${vera.name}`);
  await picture(page, "invited", pictures);
  await page.getByRole("textbox", { name: "New password" }).fill("Password1234");
  await page.getByRole("button", { name: "Set password and sign in" }).click();
  await expect(page.getByText(/one of the most common/)).toBeVisible();
  await page.getByRole("textbox", { name: "New password" }).fill(vera.password);
  await page.getByRole("button", { name: "Set password and sign in" }).click();
  await title(page, "Dashboard");
  await page.goto(link.replace("127.0.0.1", "localhost"));
  await page.reload();
  await title(page, "This link no longer works");
  await page.getByRole("button", { name: "To the sign-in page" }).click();
  await title(page, "Dashboard");
});

test("the language that somebody chooses goes with them to another browser", async ({ browser }) => {
  await page.goto("/account");
  await page.getByLabel("Language").selectOption("Deutsch");
  await title(page, "Konto");
  await expect(page.locator("html")).toHaveAttribute("lang", "de");

  const other = await opened(browser);
  await signIn(other, vera);
  await title(other, "Übersicht");
  await other.goto("/account");
  await other.getByLabel("Sprache").selectOption("English");
  await title(other, "Account");
  await other.close();
  await page.goto("/account");
  await title(page, "Account");
  await page.getByLabel("Language").selectOption({ index: 0 });
  await expect(page.getByLabel("Language")).toHaveValue("");
});

test("an app shows codes, which are asked for from then on", async () => {
  await page.getByRole("button", { name: /Account of/ }).click();
  await page.getByRole("menuitem", { name: "Account" }).click();
  await title(page, "Account");
  for (const name of ["Vera Renamed", vera.name]) {
    await page.getByLabel("Name", { exact: true }).fill(name);
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await expect(page.getByText(`${name} · ${vera.email}`)).toBeVisible();
  }
  await page.getByRole("button", { name: "Set up an app" }).click();
  seed = (await page.getByTestId("totp-secret").innerText()).trim();
  await inspect(page, "setting up an app");
  const fill = (text: string) => page.getByLabel("Code", { exact: true }).fill(text);
  await fill("000000");
  await page.getByRole("button", { name: "Use this app" }).click();
  await expect(page.getByText(/not the code that the app shows/i)).toBeVisible();
  await fill(code(seed, 0));
  await page.getByRole("button", { name: "Use this app" }).click();
  recovery = (await page.getByTestId("secret").innerText()).trim().split("\n");
  expect(recovery).toHaveLength(10);
  await page.keyboard.press("Escape");
  await expect(page.getByText("In use")).toBeVisible();

  await signOut(page);
  await signIn(page, vera);
  await title(page, "One more step");
  await picture(page, "second-step", pictures);
  await page.getByLabel("Code", { exact: true }).fill("000000");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page.getByText(/this code is wrong/i)).toBeVisible();
  await page.getByLabel("Code", { exact: true }).fill(code(seed, 1));
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await title(page, "Dashboard");

  await signOut(page);
  await signIn(page, vera);
  await page.getByRole("button", { name: "Use a recovery code" }).click();
  await page.getByLabel("Recovery code").fill(recovery[0] ?? "");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await title(page, "Dashboard");
});

test("a passkey signs in without a password", async () => {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("WebAuthn.enable");
  await cdp.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  await page.goto("/account");
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByRole("dialog").getByRole("textbox", { name: "Name" }).fill("Vera’s laptop");
  await page.getByRole("button", { name: "Make passkey" }).click();
  await expect(page.getByText("Vera’s laptop")).toBeVisible();
  await picture(page, "account", pictures);
  await signOut(page);
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await title(page, "Account"); // where they were
});

/** Lets a sign-in be too old for what cannot be undone: the engine says so, once, as it does after an hour. */
async function tooOld(on: Page, operation: string) {
  let asked = false;
  await on.route("**/graphql", async (route) => {
    const body = route.request().postData() ?? "";
    if (asked || !body.includes(`"operationName":"${operation}"`)) return route.fallback();
    asked = true;
    const error = { message: "confirm who you are", extensions: { code: "CONFIRM" } };
    await route.fulfill({ json: { errors: [error], data: null } });
  });
}

test("a passkey confirms who somebody is", async () => {
  await page.goto("/account");
  await tooOld(page, "RecoveryCodesRenew");
  await page.getByRole("button", { name: "New codes" }).click();
  const dialog = page.getByRole("dialog", { name: "Confirm that it is you" });
  await expect(dialog.getByRole("textbox", { name: "Password" })).toBeVisible();
  await expect(dialog.getByRole("button", { name: "Confirm with a passkey" })).toBeFocused();
  await inspect(page, "confirming");
  await picture(page, "confirm", pictures);
  await dialog.getByRole("button", { name: "Confirm with a passkey" }).click();
  recovery = (await page.getByTestId("secret").innerText()).trim().split("\n");
  expect(recovery).toHaveLength(10);
  await page.keyboard.press("Escape");
  await page.unroute("**/graphql");
});

test("sessions are listed, and end at once where somebody says so", async ({ browser }) => {
  const other = await opened(browser);
  await signIn(other, vera);
  await other.getByRole("button", { name: "Use a recovery code" }).click();
  await other.getByLabel("Recovery code").fill(recovery[1] ?? "");
  await other.getByRole("button", { name: "Sign in", exact: true }).click();
  await title(other, "Dashboard"); // where something live is open
  await page.goto("/account");
  await expect(page.getByText("This device")).toHaveCount(1);
  await page.getByRole("button", { name: "Sign out everywhere else" }).click();
  await expect(page.getByRole("button", { name: "Sign out everywhere else" })).toBeHidden();
  await title(other, "Sign in");
  await other.close();

  await page.getByRole("textbox", { name: "Current password" }).fill("not the password");
  await page.getByRole("textbox", { name: "New password" }).fill("amber foxes sleep lightly");
  await page.getByRole("button", { name: "Change password" }).click();
  await expect(page.getByText("the password is wrong")).toBeVisible();
  await page.getByRole("textbox", { name: "Current password" }).fill(vera.password);
  await page.getByRole("button", { name: "Change password" }).click();
  await expect(page.getByText("Password changed.")).toBeVisible();
  vera.password = "amber foxes sleep lightly";
});

test("another role, and being shut out, reach an open page", async () => {
  await page.goto("/");
  await title(page, "Dashboard");
  await ada.reload(); // Vera has changed her name since, and what is older is not saved over it
  await change(vera.name, "Name and role…");
  await ada.getByRole("combobox", { name: "Role" }).click();
  await ada.getByRole("option", { name: /Marketer/ }).click();
  await ada.getByRole("button", { name: "Save", exact: true }).last().click();
  await expect(ada.getByRole("row", { name: vera.name })).toContainText("Marketer");
  await change(vera.name, "Deactivate…");
  await ada.getByRole("button", { name: "Deactivate", exact: true }).click();
  await expect(ada.getByRole("row", { name: vera.name })).toContainText("Deactivated");
  await title(page, "Sign in");
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await expect(page.getByText(/this passkey is not known here/i)).toBeVisible();
  await change(vera.name, "Reactivate");
  await expect(ada.getByRole("row", { name: vera.name })).not.toContainText("Deactivated");
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await title(page, "Dashboard");
});

test("who lost everything gets in again through an admin", async () => {
  await signOut(page);
  await page.getByRole("button", { name: "Forgot your password?" }).click();
  await expect(page.getByText(/Ask an admin/)).toBeVisible();
  await change(vera.name, "Reset password");
  const link = (await ada.getByTestId("secret").innerText()).trim();
  await ada.keyboard.press("Escape");
  await page.goto(link.replace("127.0.0.1", "localhost"));
  await page.reload();
  await title(page, "Choose a new password");
  vera.password = "seven green kettles sing";
  await page.getByRole("textbox", { name: "New password" }).fill(vera.password);
  await page.getByRole("button", { name: "Set new password" }).click();
  await title(page, "One more step"); // a new password does not pass it by
  await change(vera.name, "Reset two-step sign-in…");
  await ada.getByRole("button", { name: "Reset", exact: true }).click();
  await signIn(page, vera);
  await title(page, "Dashboard");
});

test("a role that asks for a second step gets it before anything else", async () => {
  await ada.getByRole("checkbox", { name: "Marketers" }).check();
  await ada.getByRole("button", { name: "Save", exact: true }).last().click();
  await expect(ada.getByText("In force from now on")).toBeVisible();
  await page.reload();
  await title(page, "One more step");
  await picture(page, "second-step-needed", pictures);
  await page.getByRole("button", { name: "Set up an app" }).click();
  seed = (await page.getByTestId("totp-secret").innerText()).trim();
  await page.getByLabel("Code", { exact: true }).fill(code(seed, 0));
  await page.getByRole("button", { name: "Use this app" }).click();
  await expect(page.getByTestId("secret")).toBeVisible();
  await page.keyboard.press("Escape");
  await title(page, "Dashboard");
  await ada.getByRole("checkbox", { name: "Marketers" }).uncheck();
  await ada.getByRole("button", { name: "Save", exact: true }).last().click();
});

test("operators sign in at the provider of their organisation", async ({ browser }) => {
  const olga = await opened(browser);
  await olga.goto("/campaigns?status=DRAFT");
  await title(olga, "Sign in");
  await inspect(olga, "sign-in with a provider");
  await picture(olga, "provider", pictures);
  await olga.getByRole("link", { name: "Sign in with Shop SSO" }).click();
  await olga.getByRole("link", { name: "Otto Stranger" }).click();
  await title(olga, "Sign in");
  await expect(olga.getByText(/None of your groups at Shop SSO may use this/)).toBeVisible();
  await olga.goto("/campaigns?status=DRAFT");
  await olga.getByRole("link", { name: "Sign in with Shop SSO" }).click();
  await olga.getByRole("link", { name: "Olga Provider" }).click();
  await title(olga, "Campaigns");
  expect(new URL(olga.url()).search).toContain("DRAFT");

  await olga.goto("/settings/team");
  await expect(olga.getByRole("row", { name: "Olga Provider" })).toContainText("Shop SSO");
  await tooOld(olga, "OperatorInvite");
  await olga.getByRole("button", { name: "Invite", exact: true }).click();
  await olga.getByLabel("Name", { exact: true }).fill("Ines Invited");
  await olga.getByLabel("Email address").fill("ines@shop.example");
  await olga.getByRole("dialog").getByRole("button", { name: "Invite" }).click();
  const dialog = olga.getByRole("dialog", { name: "Confirm that it is you" });
  await expect(dialog.getByRole("textbox", { name: "Password" })).toHaveCount(0);
  const popup = olga.waitForEvent("popup");
  await dialog.getByRole("button", { name: "Confirm with your sign-in provider" }).click();
  const window = await popup;
  const closed = window.waitForEvent("close");
  await window.getByRole("link", { name: "Olga Provider" }).click();
  await closed;
  await expect(olga.getByTestId("secret")).toBeVisible();
  await olga.unroute("**/graphql");
  await olga.close();
});

test("an admin sees whether the installation is as it must be", async () => {
  await ada.goto("/monitoring");
  await ada.getByRole("button", { name: "More", exact: true }).click();
  await ada.getByRole("menuitem", { name: "Health check" }).click();
  await title(ada, "Health check");
  await expect(ada.locator("[data-check=public_url]")).toContainText("its signature fits");
  await expect(ada.locator("[data-check=provider]")).toContainText("answers");
  await expect(ada.locator("[data-check=backup]")).toContainText("No backup is known");
  await everyWay(ada, "health-check", pictures, true);
});

test("machines get tokens with scopes, which belong to service accounts", async () => {
  await ada.goto("/settings/api");
  await ada.getByRole("button", { name: "New service account" }).click();
  await ada.getByRole("textbox", { name: "Name" }).fill("Shop sync");
  await ada.getByRole("dialog").getByRole("button", { name: "Create" }).click();
  await ada.getByRole("navigation", { name: "Settings" }).getByRole("link", { name: "Team" }).click();
  await expect(ada.getByRole("row", { name: "Shop sync" })).toContainText("Service account");
  await ada.goBack();
  await ada.getByRole("button", { name: "New token" }).click();
  await ada.getByRole("textbox", { name: "Name" }).fill("Nightly import");
  await ada.getByRole("combobox", { name: "Owner" }).click();
  await ada.getByRole("option", { name: "Shop sync" }).click();
  await ada.getByRole("checkbox", { name: /Change contacts/ }).check();
  await inspect(ada, "new token");
  await ada.getByRole("dialog").getByRole("button", { name: "Create" }).click();
  const secret = (await ada.getByTestId("secret").innerText()).trim();
  expect(secret).toMatch(/^ese_/);
  await ada.keyboard.press("Escape");
  const row = ada.getByRole("row", { name: "Nightly import" });
  await expect(row).toContainText("read, change contacts");
  const call = (query: string) =>
    ada.request.post("/graphql", { headers: { authorization: `Bearer ${secret}` }, data: { query } });
  expect(await (await call("{ contacts(first: 1) { nodes { id } } }")).json()).toHaveProperty("data.contacts");
  expect(JSON.stringify(await (await call("{ operators { id } }")).json())).toContain("FORBIDDEN");
  await row.getByRole("button", { name: "Revoke Nightly import" }).click();
  await ada.getByRole("button", { name: "Revoke", exact: true }).click();
  await expect(row).toContainText("Revoked");
  expect((await call("{ setup { needed } }")).status()).toBe(401);
  await picture(ada, "people", pictures);
});
