import { type ChildProcess, execFileSync } from "node:child_process";
import { createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, expect, type Page, test } from "@playwright/test";
import { ask, done } from "./look";
import { alone, ended, root, started } from "./processes";

// The two longest lists, scrolled as a person scrolls them with a wheel, on an installation of its own: how soon the
// first rows stand there, what moves then, how long frames take and what the page holds afterwards. The figures go
// into docs/benchmarks.md.
const people = Number(process.env.BENCH_CONTACTS ?? 1_000_000);
const reached = Number(process.env.BENCH_MESSAGES ?? 100_000);
const depth = Number(process.env.BENCH_ROWS ?? 10_000);
const port = process.env.BENCH_PORT ?? "8096";
const admin = { email: "ada@example.com", password: "correct horse battery staple" };
const url = `http://localhost:${port}`;
const whole = new Intl.NumberFormat("en-US");

let dir = "";
let server: ChildProcess | undefined;

test.beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "eventstream-bench-pages-"));
});

test.afterAll(async () => {
  if (server) await ended(server);
  rmSync(dir, { recursive: true, force: true });
});

/** A file of as many people; those whom the campaign reaches are on the plan "pro". */
async function fileOf(n: number): Promise<string> {
  const path = join(dir, "people.csv");
  const out = createWriteStream(path);
  out.write("phone,name,city,plan\n");
  const first = ["Anna", "Ben", "Clara", "David", "Elif", "Frida", "Goran", "Hanna"];
  const last = ["Müller", "Schmidt", "Yılmaz", "Fischer", "Weber", "Kowalski", "Nguyen"];
  const cities = ["Berlin", "Hamburg", "Köln", "Leipzig", "Bremen"];
  for (let i = 0; i < n; i++) {
    const phone = `+49151${String(10_000_000 + i)}`;
    const row = `${phone},${first[i % 8]} ${last[i % 7]} ${i},${cities[i % 5]},${i < reached ? "pro" : "free"}\n`;
    if (!out.write(row)) await new Promise((go) => out.once("drain", go));
  }
  await new Promise((go) => out.end(go));
  return path;
}

/** What an installation is told, and nothing that this machine is told. */
const told = () => ({
  ...alone,
  LISTEN_ADDR: `127.0.0.1:${port}`,
  DATA_DIR: join(dir, "data"),
  ADMIN_EMAIL: admin.email,
  ADMIN_PASSWORD: admin.password,
});

/** Fills the installation by the ways that people have: an import, and a campaign over the sandbox. */
async function fill(on: Page): Promise<string> {
  const signIn = "mutation($input: SignInInput!) { signIn(input: $input) { userErrors { message } } }";
  await ask(on, signIn, { input: admin });
  const make = (mutation: string, input: object, gives: string) => done(on, mutation, input, gives);
  const body = "Hello {{name | there}}, our autumn sale has begun.";
  const { template } = await make(
    "templateCreate",
    { name: "Autumn sale", category: "UTILITY", body },
    "template { id }",
  );
  const approved = "query($id: ID!) { node(id: $id) { ... on Template { approvalStatus } } }";
  await expect.poll(async () => (await ask(on, approved, { id: template.id })).node.approvalStatus).toBe("APPROVED");
  const query = { field: "attributes.plan", op: "eq", value: "pro" };
  const { campaign } = await make(
    "campaignCreate",
    { name: "Autumn sale", templateId: template.id, query, quietHours: null },
    "campaign { id }",
  );
  await make("campaignLaunch", { id: campaign.id }, "campaign { id }");
  const status = "query($id: ID!) { node(id: $id) { ... on Campaign { status counts { tried } } } }";
  await expect
    .poll(async () => (await ask(on, status, { id: campaign.id })).node.status, { timeout: 0 })
    .toBe("COMPLETED");
  expect((await ask(on, status, { id: campaign.id })).node.counts.tried).toBe(reached);
  return campaign.id;
}

type Figures = {
  lcp: number;
  shift: number;
  rows: number;
  seconds: number;
  frames: number[];
  tasks: number;
  inDocument: number;
  before: number;
  after: number;
};

/** What is noted in the page, from its first moment. */
function note() {
  const noted = { lcp: 0, shift: 0, frames: [] as number[], tasks: 0, scrolls: false };
  Object.assign(window, { noted });
  new PerformanceObserver((list) => {
    for (const e of list.getEntries()) noted.lcp = e.startTime;
  }).observe({ type: "largest-contentful-paint", buffered: true });
  new PerformanceObserver((list) => {
    for (const e of list.getEntries() as (PerformanceEntry & { value: number; hadRecentInput: boolean })[])
      if (!e.hadRecentInput) noted.shift += e.value;
  }).observe({ type: "layout-shift", buffered: true });
  new PerformanceObserver((list) => {
    if (noted.scrolls) noted.tasks += list.getEntries().length;
  }).observe({ type: "longtask", buffered: true });
  let last = 0;
  const frame = (at: number) => {
    if (noted.scrolls && last) noted.frames.push(at - last);
    last = noted.scrolls ? at : 0;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}
declare const noted: { lcp: number; shift: number; frames: number[]; tasks: number; scrolls: boolean };

/** Opens a page anew and scrolls its list until it stands so deep. */
async function scrolled(browser: Browser, state: string, path: string): Promise<Figures> {
  const context = await browser.newContext({
    baseURL: url,
    storageState: state,
    locale: "en-US",
    viewport: { width: 1360, height: 860 },
  });
  const on = await context.newPage();
  await on.addInitScript(note);
  await on.goto(path);
  const row = on.locator("main tbody tr[aria-rowindex]");
  await expect(row.first()).toBeVisible();
  await on.waitForLoadState("networkidle");
  const heap = async () => {
    const cdp = await context.newCDPSession(on);
    await cdp.send("HeapProfiler.collectGarbage");
    const { usedSize } = await cdp.send("Runtime.getHeapUsage");
    await cdp.detach();
    return usedSize / 1e6;
  };
  const at = async () => Number((await row.last().getAttribute("aria-rowindex")) ?? 0) - 1;
  const lcp = await on.evaluate(() => noted.lcp); // scrolling ends it
  const before = await heap();
  await row.first().scrollIntoViewIfNeeded();
  await on.mouse.move(680, 600);
  await on.evaluate(() => {
    noted.scrolls = true;
  });
  const began = Date.now();
  const deepest = Math.min(depth, path.includes("contacts") ? people : reached);
  while ((await at()) < deepest) await on.mouse.wheel(0, 400);
  const seconds = (Date.now() - began) / 1000;
  await on.evaluate(() => {
    noted.scrolls = false;
  });
  const { shift, frames, tasks } = await on.evaluate(() => noted);
  const figures = {
    lcp,
    shift,
    rows: await at(),
    seconds,
    frames: frames.sort((a, b) => a - b),
    tasks,
    inDocument: await row.count(),
    before,
    after: await heap(),
  };
  await context.close();
  return figures;
}

/** The section of the report, in place of the one before. */
function write(lines: string[], version: string) {
  const file = join(root, "docs/benchmarks.md");
  const machine = `${cpus().length} cores (${cpus()[0]?.model.trim()}), Chromium ${version}, ${new Date().toISOString().slice(0, 10)}`;
  const section = `## Pages

${whole.format(people)} contacts and a campaign with ${whole.format(reached)} messages; each page is opened in a new browser beside the server, and its list is
scrolled with the wheel until row ${whole.format(depth)}. LCP is when the first rows stand there, a frame is the time from one that was drawn to the next
(16.7 ms where nothing is late), a long task is one of 50 ms or more, and layout shifts are summed over all of it, which is more than CLS counts. ${machine}, beside a load of ${loadavg()[0]?.toFixed(1)}.

| list | LCP, ms | layout shifts, summed | rows | took, s | frame p50, ms | p95 | longest | long tasks | rows in the document | JS heap before, MB | after |
|---|---|---|---|---|---|---|---|---|---|---|---|
${lines.join("\n")}
`;
  const old = readFileSync(file, "utf8").replace(/\n## Pages\n[\s\S]*?(?=\n## |$)/, "");
  writeFileSync(file, `${old.trimEnd()}\n\n${section}`);
}

test("a million contacts and the messages of a campaign, scrolled", async ({ browser }) => {
  const env = { ...process.env, ...told() };
  const consent = ["--consent", "all", "--consent-text", "Yes, write to me about offers."];
  execFileSync(join(root, "bin/server"), ["import", ...consent, await fileOf(people)], {
    env,
    cwd: root,
    stdio: "inherit",
  });
  await started(join(root, "bin/server"), ["run"], told(), /Open\s+(\S+)/, (child) => {
    server = child;
  });
  const context = await browser.newContext({ baseURL: url });
  const id = await fill(await context.newPage());
  const state = join(dir, "signed-in.json");
  await context.storageState({ path: state });
  await context.close();
  const lines: string[] = [];
  for (const [name, path] of [
    [`contacts, ${whole.format(people)}`, "/contacts"],
    [`messages of a campaign, ${whole.format(reached)}`, `/campaigns/${id}`],
  ] as const) {
    const f = await scrolled(browser, state, path);
    const part = (p: number) => f.frames[Math.min(f.frames.length - 1, Math.floor(f.frames.length * p))]?.toFixed(1);
    lines.push(
      `| ${[name, f.lcp.toFixed(0), f.shift.toFixed(3), whole.format(f.rows), f.seconds.toFixed(0), part(0.5), part(0.95), part(1), f.tasks, f.inDocument, f.before.toFixed(0), f.after.toFixed(0)].join(" | ")} |`,
    );
    console.log(lines.at(-1));
  }
  write(lines, browser.version());
});
