import { join } from "node:path";
import AxeBuilder from "@axe-core/playwright";
import { type APIRequestContext, expect, type Page } from "@playwright/test";

/** Where the story leaves the session that the walk of all pages uses. */
export const signedIn = join(process.env.E2E_DATA_DIR ?? "", "signed-in.json");

const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";

/**
 * A picture to upload: one red pixel is enough. No other has the same bytes, since the library keeps equal files once,
 * by the name that came first.
 */
export const png = (name: string) => ({
  name,
  mimeType: "image/png",
  buffer: Buffer.concat([Buffer.from(pixel, "base64"), Buffer.from(name)]),
});

/** An address as the directory shows it: a number has spaces where people write some, an id is as it is. */
export const spaced = (address: string) =>
  address.startsWith("+") ? new RegExp(`\\${[...address].join("[ -]?")}`) : address;

/** Collects what a page reports as broken. */
export function watch(on: Page, broken: string[]) {
  on.on("pageerror", (e) => broken.push(e.message));
  on.on("console", (m) => {
    if (m.type() === "error") broken.push(m.text());
  });
}

/** Waits until transitions of the component library are over; spinners turn for ever. */
export async function still(on: Page) {
  await on.waitForFunction(async () => {
    // What was just asked for begins some frames later: a dialog is told to close, then fades.
    for (let frames = 0; frames < 5; frames++) await new Promise(requestAnimationFrame);
    return document
      .getAnimations()
      .every((a) => a.playState !== "running" || a.effect?.getComputedTiming().endTime === Number.POSITIVE_INFINITY);
  });
}

/** axe finds nothing serious. */
export async function inspect(on: Page, name: string, rules?: string[]) {
  // No frames here: the legacy mode spares a page of its own for each analysis.
  // A toast that fades in or out has any contrast.
  const axe = new AxeBuilder({ page: on })
    .setLegacyMode()
    .options({ resultTypes: ["violations"] })
    .exclude(".mantine-Notification-root");
  const { violations } = await (rules ? axe.withRules(rules) : axe).analyze();
  const serious = violations.filter((v) => v.impact === "serious" || v.impact === "critical");
  expect(
    serious.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(" | ")}`),
    `axe on ${name}`,
  ).toEqual([]);
}

const wide = { width: 1360, height: 860 };
const phone = { width: 360, height: 740 };

/** Nothing of the page lies beyond its right edge. */
export async function fits(on: Page, name: string) {
  // Asked again until it does: the page is laid out anew some frames after the window has changed.
  const over = () => on.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  await expect.poll(over, `${name} scrolls sideways`).toBeLessThanOrEqual(0);
}

/** Takes a picture for people, where some are wanted: `PICTURES=1 npm run e2e`. It costs as much as a small test. */
export async function shoot(on: Page, path: string, options: { fullPage?: boolean } = {}) {
  if (process.env.PICTURES) await on.screenshot({ path, ...options });
}

/** Looks at the page in light and dark, wide and on a phone, and leaves it light and wide. */
export async function everyWay(on: Page, name: string, at: string, whole = false) {
  /** Colours are all that the dark changes. */
  const wear = async (to: string) => {
    await on.getByRole("button", { name: "Switch between light and dark" }).click();
    await on.mouse.move(0, 0); // its tooltip would fade through every contrast
    await expect(on.locator("html")).toHaveAttribute("data-mantine-color-scheme", to);
    await still(on);
  };
  const take = (file: string) => shoot(on, join(at, `${file}-${name}.png`), { fullPage: whole });
  await on.setViewportSize(wide);
  await fits(on, name);
  await still(on);
  await inspect(on, `wide-${name}`);
  await take("wide");
  await wear("dark");
  await inspect(on, `${name}, wide and dark`, ["color-contrast"]);
  await take("dark");
  await on.setViewportSize(phone);
  await still(on);
  await fits(on, name);
  await inspect(on, `${name}, narrow and dark`, ["color-contrast"]);
  await take("phone-dark");
  await on.setViewportSize(wide); // a conversation has a phone's whole screen, without the header's buttons
  await wear("light");
  await on.setViewportSize(phone);
  await still(on);
  await inspect(on, `phone-${name}`);
  await take("phone");
  await fits(on, name);
  await on.setViewportSize(wide);
}

/** Inspects the page once it is still; the picture is for people. */
export async function picture(on: Page, name: string, at: string) {
  await still(on);
  await inspect(on, name);
  await on.evaluate(() => window.scrollTo(0, 0));
  // Without the toasts, which lie over half of a page.
  await on.screenshot({ path: join(at, `${name}.png`), style: ".mantine-Notifications-root { visibility: hidden }" });
}

/** A page, or whatever else asks in its name. */
type Asking = { request: APIRequestContext };

/** Asks the API as the page would, and gives its data. */
export async function ask(on: Asking, query: string, variables?: object) {
  const answer = await (await on.request.post("/graphql", { data: { query, variables } })).json();
  expect(answer.errors, query).toBeUndefined();
  return answer.data;
}

/** Has the API do something, finds that nothing was wrong with it, and gives these fields of what it answers. */
export async function done(on: Asking, mutation: string, input: object, fields = "") {
  const type = `${mutation.charAt(0).toUpperCase()}${mutation.slice(1)}Input!`;
  const query = `mutation($input: ${type}) { it: ${mutation}(input: $input) { ${fields} userErrors { message } } }`;
  const { it } = await ask(on, query, { input });
  expect(it.userErrors, mutation).toEqual([]);
  return it;
}

/** Nothing the sandbox sends fails by chance, as one message of a hundred does otherwise. */
export const allDelivered = (on: Asking) => done(on, "sandboxSettingsUpdate", { undeliveredRate: 0 });

/** Writes a template, waits until WhatsApp has approved it, and gives its id. */
export async function approvedTemplate(on: Asking, input: object): Promise<string> {
  const { id } = (await done(on, "templateCreate", input, "template { id }")).template;
  const of = "query($id: ID!) { node(id: $id) { ... on Template { approvalStatus } } }";
  await expect.poll(async () => (await ask(on, of, { id })).node.approvalStatus).toBe("APPROVED");
  return id;
}
