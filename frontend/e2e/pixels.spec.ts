import { type ChildProcess, execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Browser, type BrowserContext, expect, type Page, test } from "@playwright/test";
import { ask, still } from "./look";
import { addressOf, placesOf } from "./places";
import { alone, ended, root, started } from "./processes";

/**
 * Every page of an older commit beside the same page of what is here: one browser, one data set, one address. BASE names
 * the commit; without it, it is the last one where something is changed here, else the one before it. The report shows
 * those that differ. A difference is no fault; it is there to be looked at. PAGES names some of the pages, as places.ts
 * does, parted by commas.
 */
const port = Number(process.env.E2E_PORT ?? "8097") + 40;
const origin = `http://localhost:${port}`;
const admin = { name: "Ada Admin", email: "ada@shop.example", password: "a long enough password" };
const git = (...args: string[]) => execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim();

const wide = { width: 1360, height: 860 };
const phone = { width: 390, height: 844 };
const ways = [
  { name: "wide", viewport: wide, colorScheme: "light" },
  { name: "wide-dark", viewport: wide, colorScheme: "dark" },
  { name: "phone-dark", viewport: phone, colorScheme: "dark" },
  { name: "phone", viewport: phone, colorScheme: "light" },
] as const;

const some = process.env.PAGES ? process.env.PAGES.split(",") : undefined;
const inside = Object.entries(placesOf("/campaigns?status=COMPLETED", "/campaigns?status=DRAFT")).filter(
  ([name]) => some?.includes(name) ?? true,
);

let dir = "";
let server: ChildProcess | undefined;

test.beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "eventstream-pixels-"));
});

test.afterAll(async () => {
  if (server) await ended(server);
  rmSync(dir, { recursive: true, force: true });
  git("worktree", "prune");
});

/** Builds a commit apart, and gives its server. */
function built(commit: string): string {
  const at = join(dir, "old");
  git("worktree", "add", "--detach", at, commit);
  const run = (command: string, ...args: string[]) => execFileSync(command, args, { cwd: at, stdio: "inherit" });
  const lock = "package-lock.json";
  if (readFileSync(join(at, lock), "utf8") === readFileSync(join(root, lock), "utf8"))
    symlinkSync(join(root, "node_modules"), join(at, "node_modules"));
  else run("npm", "ci", "--no-audit", "--no-fund", "--loglevel=error");
  run("npm", "run", "--silent", "build", "--", "--logLevel", "error");
  run("go", "build", "-o", "bin/server", "./server");
  return join(at, "bin/server");
}

/** Starts a server over a directory of data. */
async function start(binary: string, data: string) {
  const env = {
    ...alone,
    LISTEN_ADDR: `127.0.0.1:${port}`,
    DATA_DIR: data,
    ADMIN_EMAIL: admin.email,
    ADMIN_PASSWORD: admin.password,
  };
  await started(binary, [], env, /Open\s+(\S+)/, (child) => {
    server = child;
  });
}

async function stop() {
  if (server) await ended(server);
  server = undefined;
}

/** Fills the installation: demo data, approved templates, and a draft. */
async function fill(on: Page) {
  const signIn = "mutation($input: SignInInput!) { signIn(input: $input) { userErrors { message } } }";
  await ask(on, signIn, { input: { email: admin.email, password: admin.password } });
  await ask(on, "mutation { sandboxSeed(input: { contacts: 2000 }) { userErrors { message } } }");
  const wait = { timeout: 600_000 };
  await expect
    .poll(async () => (await ask(on, "{ demoData { run { status } } }")).demoData.run.status, wait)
    .toBe("COMPLETED");
  const waiting = async () => {
    const { templates } = await ask(on, "{ templates(first: 50) { nodes { approvalStatus } } }");
    return templates.nodes.filter((t: { approvalStatus: string }) => t.approvalStatus !== "APPROVED").length;
  };
  await expect.poll(waiting, wait).toBe(0);
  const { templates, segments } = await ask(
    on,
    "{ templates(first: 1) { nodes { id } } segments(first: 1) { nodes { id } } }",
  );
  await ask(on, "mutation($input: CampaignCreateInput!) { campaignCreate(input: $input) { userErrors { message } } }", {
    input: { name: "Winter sale", templateId: templates.nodes[0].id, segmentId: segments.nodes[0].id },
  });
}

/** Takes pictures of a page in every way, and hands each on with its name. */
async function shown(on: Page, name: string, path: string, take: (name: string, picture: Buffer) => void) {
  await on.setViewportSize(wide);
  await on.emulateMedia({ colorScheme: "light" });
  await on.goto(path);
  await expect(on.getByRole("heading", { level: 1 })).toBeVisible();
  await on.waitForLoadState("networkidle");
  await on.evaluate(() => document.fonts.ready);
  for (const { name: way, viewport, colorScheme } of ways) {
    await on.setViewportSize(viewport);
    await on.emulateMedia({ colorScheme });
    await still(on);
    const picture = await on.screenshot({
      fullPage: true,
      animations: "disabled",
      style: ".mantine-Notifications-root { visibility: hidden }",
      mask: [on.locator("time"), on.locator("[data-moves]")], // what the server's clock says
    });
    take(`${name}-${way}`, picture);
  }
}

/** Takes pictures of every page. Addresses are found once: both installations have the same things. */
async function pictures(
  browser: Browser,
  session: Awaited<ReturnType<BrowserContext["storageState"]>>,
  now: Date,
  addresses: Map<string, string>,
  take: (name: string, picture: Buffer) => void,
) {
  const open = (storageState?: typeof session) =>
    browser.newContext({ baseURL: origin, storageState, reducedMotion: "reduce" });
  const stranger = await open();
  await shown(await stranger.newPage(), "sign-in", "/", take);
  await stranger.close();
  const context = await open(session);
  const page = await context.newPage();
  await page.clock.setFixedTime(now);
  for (const [name, place] of inside) {
    await page.setViewportSize(wide);
    const path = addresses.get(name) ?? (await addressOf(page, place));
    addresses.set(name, path);
    await test.step(name, () => shown(page, name, path, take));
  }
  await context.close();
}

test("every page is as it was, or is shown with what differs", async ({ browser }, info) => {
  const asked = process.env.BASE || (git("status", "--porcelain") ? "HEAD" : "HEAD~1");
  const base = git("rev-parse", "--verify", `${asked}^{commit}`);
  info.annotations.push({ type: "old", description: git("log", "-1", "--format=%h %s", base) });
  const old = await test.step(`build ${asked}`, () => built(base));
  const before = join(dir, "before");
  const after = join(dir, "after");

  await start(old, before);
  const context = await browser.newContext({ baseURL: origin });
  const page = await context.newPage();
  await test.step("fill it", () => fill(page));
  const session = await context.storageState();
  await context.close();
  await stop();
  execFileSync("cp", ["-a", before, after]); // with its owners: as root, Postgres is another user
  const now = new Date();

  const addresses = new Map<string, string>();
  await start(old, before);
  await test.step("the old pages", () =>
    pictures(browser, session, now, addresses, (name, picture) => {
      const file = info.snapshotPath(`${name}.png`);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, picture);
    }));
  await stop();

  await start(join(root, "bin/server"), after);
  await test.step("the new pages", () =>
    pictures(browser, session, now, addresses, (name, picture) => {
      expect.soft(picture, name).toMatchSnapshot(`${name}.png`, { threshold: 0.02, maxDiffPixels: 0 });
    }));
  await stop();
});
