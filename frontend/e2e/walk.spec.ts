import { get } from "node:http";
import { join } from "node:path";
import { expect, type Page, test } from "@playwright/test";
import { everyWay, inspect, signedIn, still, watch } from "./look";
import { addressOf, places } from "./places";

// Every page in light and dark, wide and on a phone: a test for each, with a
// bound of its own, over what the story left behind.
test.describe.configure({ mode: "parallel" });
test.use({ storageState: signedIn });

const pictures = join(import.meta.dirname, ".results/walk"); // of one run

type Packing = "gzip" | "br";

/** How many bytes of a file go over the line. */
function weightOf(file: string, as: Packing): Promise<number> {
  return new Promise((done, fail) => {
    const asked = get(file, { headers: { "accept-encoding": as } }, (answer) => {
      let bytes = 0;
      answer.on("data", (part: Buffer) => {
        bytes += part.length;
      });
      answer.on("end", () =>
        answer.statusCode === 200 ? done(bytes) : fail(new Error(`${file}: ${answer.statusCode}`)),
      );
      answer.on("error", fail);
    });
    asked.on("error", fail);
  });
}

/** Weighs what a page has brought, in kB as the server packs it; from the browser's cache it counts as well. */
async function weighs(on: Page, atMost: number, what: { of: RegExp; as: Packing }) {
  const files = await on.evaluate(() => performance.getEntriesByType("resource").map((f) => f.name));
  const counted = files.filter((f) => what.of.test(f));
  let kB = 0;
  for (const file of new Set(counted)) kB += (await weightOf(file, what.as)) / 1000;
  expect(kB, `kB of ${what.of}`).toBeGreaterThan(100); // else nothing was measured
  expect(kB, `kB of ${what.of}`).toBeLessThan(atMost);
}

test.describe("signed out", () => {
  test.use({ storageState: { cookies: [], origins: [] } });
  test("the sign-in page is light", async ({ page: on }) => {
    await on.goto("/");
    await expect(on.getByLabel("Password").first()).toBeVisible();
    await on.waitForLoadState("networkidle");
    // All that it takes, the typeface included, for a browser that takes nothing better than gzip.
    await weighs(on, 200, { of: /\.(js|css|woff2)$/, as: "gzip" });
  });
});

test("a page whose parts an upgrade replaced is loaded anew", async ({ page: on }) => {
  await on.goto("/contacts");
  await expect(on.getByRole("heading", { level: 1, name: "Contacts" })).toBeVisible();
  let asked = 0;
  await on.route(/\/assets\/TopicsPage-/, (route) => (asked++ ? route.continue() : route.fulfill({ status: 404 })));
  await on.getByRole("link", { name: "Topics" }).click();
  await expect(on.getByRole("heading", { level: 1, name: "Topics" })).toBeVisible();
  expect(asked).toBe(2);
});

/** Presses keys one right after another, however busy this machine is: those of a sequence belong together for a second. */
const type = (on: Page, keys: string) =>
  on.evaluate((all) => {
    for (const key of all) {
      const pressed = { key, code: `Key${key.toUpperCase()}`, bubbles: true, cancelable: true };
      (document.activeElement ?? document.body).dispatchEvent(new KeyboardEvent("keydown", pressed));
    }
  }, keys);

test("keys lead to pages, and what there are is listed", async ({ page: on }) => {
  await on.goto("/");
  await expect(on.getByRole("heading", { level: 1, name: "Dashboard" })).toBeVisible();
  await type(on, "gc");
  const heading = on.getByRole("heading", { level: 1, name: "Contacts" });
  await expect(heading).toBeFocused(); // a screen reader reads on there
  await on.keyboard.press("/");
  const field = on.getByRole("textbox", { name: "Search contacts" });
  await expect(field).toBeFocused();
  await on.keyboard.type("g?"); // a field's own
  await expect(field).toHaveValue("g?");
  await field.blur();
  await on.keyboard.press("?");
  const list = on.getByRole("dialog", { name: "Keyboard shortcuts" });
  await expect(list.getByText("Add a contact")).toBeVisible();
  await type(on, "gd"); // a dialog's own
  await expect(list).toBeVisible();
  await on.keyboard.press("Escape");
  await expect(list).toBeHidden();
});

test("everything is found from everywhere", async ({ page: on }) => {
  await on.goto("/compliance");
  await expect(on.getByRole("heading", { level: 1 })).toBeVisible();
  await on.keyboard.press("Control+k");
  const field = on.getByRole("searchbox").or(on.getByRole("textbox", { name: "Search and go to" }));
  await field.fill("autumn sale");
  const found = on.getByRole("button", { name: /^Autumn sale/ }).first();
  await expect(found).toBeVisible();
  await still(on);
  await inspect(on, "the palette");
  await on.keyboard.press("ArrowDown");
  await on.keyboard.press("Enter");
  await expect(on.getByRole("heading", { level: 1, name: "Autumn sale" })).toBeVisible();
  await on.keyboard.press("Control+k");
  await field.fill("nothing is called so");
  await expect(on.getByText("Nothing found for “nothing is called so”")).toBeVisible();
});

test("a page that loses the server says so, and goes on by itself", async ({ page: on, context }) => {
  await on.goto("/segments");
  await expect(on.getByRole("heading", { level: 1, name: "Segments" })).toBeVisible();
  await on.waitForLoadState("networkidle");
  await context.setOffline(true);
  const banner = on.getByText("No connection to the server");
  await expect(banner).toBeVisible();
  await context.setOffline(false);
  await expect(banner).toBeHidden();
  await expect(on.getByRole("textbox", { name: "Search segments" })).toBeVisible();
});

test("what a page shows stands in its address, and is there again", async ({ page: on }) => {
  const field = (name: string) => on.getByRole("combobox", { name, exact: true });
  await on.goto("/compliance");
  await field("Source").click();
  await on.getByRole("option", { name: "Keyword" }).click();
  await expect(on).toHaveURL(/source=KEYWORD/);
  await on.reload();
  await expect(field("Source")).toHaveValue("Keyword");
  await on.goto("/compliance/suppressions?status=ERASED&q=4915112345678");
  await expect(field("Reason")).toHaveValue("Erased");
  await expect(on.getByLabel("Is this number suppressed?")).toHaveValue("4915112345678");
  await on.getByRole("link", { name: "Double opt-ins" }).click();
  await expect(on).toHaveURL(/double-opt-ins$/);
  await on.goBack();
  await expect(field("Reason")).toHaveValue("Erased");
  await on.goto("/compliance/double-opt-ins?status=nonsense");
  await expect(on.getByText(/^[\d,]+ double opt-ins?$/)).toBeVisible(); // it was asked for, and not by that
  await expect(field("Status")).toHaveValue("");
  await on.goto("/monitoring");
  await on.getByRole("radiogroup", { name: "Events shown" }).getByText("Inbound").click();
  await expect(on).toHaveURL(/status=inbound/);
  await on.goto("/segments/new");
  await on.getByRole("tab", { name: "JSON" }).click();
  await expect(on).toHaveURL(/view=json/);
  await on.reload();
  await expect(on.getByLabel("Query as JSON")).toBeVisible();
});

for (const [name, place] of Object.entries(places)) {
  test(`${name} in light and dark, wide and on a phone`, async ({ page: on }) => {
    const broken: string[] = [];
    watch(on, broken);
    const path = await addressOf(on, place);
    await on.goto(path);
    await expect(on.locator("html")).toHaveAttribute("data-mantine-color-scheme", "light");
    await expect(on.getByRole("heading", { level: 1 })).toBeVisible();
    await on.waitForLoadState("networkidle");
    await expect(on.getByText("This could not be loaded"), `${path} loads`).toHaveCount(0);
    const [navigation, page] = [on.getByRole("navigation", { name: "Pages" }), on.locator("main")];
    const [beside, own] = [await navigation.boundingBox(), await page.boundingBox()];
    expect(beside, "the navigation").toMatchObject({ x: 0, y: 56, width: 220 });
    expect(own, "the page, which has its padding beside it").toMatchObject({ x: 0, y: 0 });
    // Scripts and styles, as browsers get them.
    await weighs(on, 270, { of: /\.(js|css)$/, as: "br" });
    // Every browser that the pages are made for takes brotli; by gzip, as old proxies pack, they are this large.
    await weighs(on, 300, { of: /\.(js|css)$/, as: "gzip" });
    await everyWay(on, name, pictures);
    expect(broken, "errors in the browser's console").toEqual([]);
  });
}
