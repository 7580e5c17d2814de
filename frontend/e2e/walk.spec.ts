import { join } from "node:path";
import { expect, type Page, test } from "@playwright/test";
import { inspect, picture, signedIn, still, watch } from "./look";

// Every page in light and dark, wide and on a phone: a test for each, with a
// bound of its own, over what the story left behind.
test.describe.configure({ mode: "parallel" });
test.use({ storageState: signedIn });

const pictures = join(import.meta.dirname, ".results/walk"); // of one run
const wide = { width: 1360, height: 860 };
const phone = { width: 360, height: 740 };

type Place = string | ((on: Page) => Promise<string>);

/** The first thing on a list page. */
const firstOf = (list: Place, part: string) => async (on: Page) => {
  await on.goto(typeof list === "string" ? list : await list(on));
  const link = on.locator(`main a[href*="${part}"]`).first();
  await expect(link).toBeVisible();
  return (await link.getAttribute("href")) ?? "";
};

const campaign = firstOf("/campaigns?q=Alert", "/campaigns/Q");
const places: Record<string, Place> = {
  dashboard: "/",
  contacts: "/contacts",
  import: "/contacts/import",
  actions: "/contacts/actions",
  contact: firstOf("/contacts", "/contacts/Q"),
  segments: "/segments",
  segment: firstOf("/segments", "/segments/U"),
  "segment-new": "/segments/new",
  topics: "/topics",
  templates: "/templates",
  template: firstOf("/templates", "/templates/V"),
  "template-new": "/templates/new",
  campaigns: "/campaigns",
  campaign,
  "campaign-new": "/campaigns/new",
  message: firstOf(campaign, "/messages/"),
  inbox: "/inbox",
  thread: firstOf("/inbox", "/inbox/"),
  monitoring: "/monitoring",
  webhooks: "/monitoring/webhooks",
  decisions: "/monitoring/decisions",
  compliance: "/compliance",
  audit: "/compliance?status=audit",
  settings: "/settings",
  account: "/account",
};

for (const [name, place] of Object.entries(places)) {
  test(`${name} in light and dark, wide and on a phone`, async ({ page: on }) => {
    const broken: string[] = [];
    watch(on, broken);
    const path = typeof place === "string" ? place : await place(on);
    const toggle = on.getByRole("button", { name: "Switch between light and dark" });
    const fits = async () => {
      const over = await on.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      expect(over, `${path} scrolls sideways`).toBeLessThanOrEqual(0);
    };
    const scheme = (s: string) => expect(on.locator("html")).toHaveAttribute("data-mantine-color-scheme", s);
    /** Colours are all that the dark changes. */
    const wear = async (to: string) => {
      await toggle.click();
      await on.mouse.move(0, 0); // its tooltip would fade through every contrast
      await scheme(to);
      await still(on);
    };
    await on.setViewportSize(wide);
    await on.goto(path);
    await scheme("light");
    await expect(on.getByRole("heading", { level: 1 })).toBeVisible();
    await on.waitForLoadState("networkidle");
    await expect(on.getByText("This could not be loaded"), `${path} loads`).toHaveCount(0);
    await fits();
    await picture(on, `wide-${name}`, pictures);
    await wear("dark");
    await inspect(on, `${name}, wide and dark`, ["color-contrast"]);
    await on.screenshot({ path: join(pictures, `dark-${name}.png`) });
    await on.setViewportSize(phone);
    await still(on);
    await fits();
    await inspect(on, `${name}, narrow and dark`, ["color-contrast"]);
    await wear("light");
    await picture(on, `phone-${name}`, pictures);
    await fits();
    expect(broken, "errors in the browser's console").toEqual([]);
  });
}
