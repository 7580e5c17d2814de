import { join } from "node:path";
import AxeBuilder from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";

/** Where the story leaves the session that the walk of all pages uses. */
export const signedIn = join(process.env.E2E_DATA_DIR ?? "", "signed-in.json");

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
    const frame = () => new Promise(requestAnimationFrame);
    await frame(); // what was just asked for begins with the next one
    await frame();
    return document
      .getAnimations()
      .every((a) => a.playState !== "running" || a.effect?.getComputedTiming().endTime === Number.POSITIVE_INFINITY);
  });
}

/** axe finds nothing serious. */
export async function inspect(on: Page, name: string, rules?: string[]) {
  // No frames here: the legacy mode spares a page of its own for each analysis.
  const axe = new AxeBuilder({ page: on }).setLegacyMode().options({ resultTypes: ["violations"] });
  const { violations } = await (rules ? axe.withRules(rules) : axe).analyze();
  const serious = violations.filter((v) => v.impact === "serious" || v.impact === "critical");
  expect(
    serious.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(" | ")}`),
    `axe on ${name}`,
  ).toEqual([]);
}

/** Inspects the page once it is still; the picture is for people. */
export async function picture(on: Page, name: string, at: string) {
  await still(on);
  await inspect(on, name);
  await on.evaluate(() => window.scrollTo(0, 0));
  await on.screenshot({ path: join(at, `${name}.png`) });
}
