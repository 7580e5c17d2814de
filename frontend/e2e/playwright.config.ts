import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "@playwright/test";
import { launchOptions } from "./browser";

const port = process.env.E2E_PORT ?? "8097";
const providerPort = Number(port) + 1000;
const root = join(import.meta.dirname, "../..");
// Each run starts from an empty data directory. The workers read this file
// too, so that the directory goes through the environment.
process.env.E2E_DATA_DIR ??= mkdtempSync(join(tmpdir(), "eventstream-e2e-"));

const readers = ["languages", "walk"];
const writers = ["imports", "templates", "experiments", "optouts", "identity", "start", "accounts"];

export default defineConfig({
  testDir: ".",
  outputDir: ".results",
  // The story is one test after another. Beside it runs what has an installation of its own, then what only reads what
  // the story left, and then what changes it. Those two never run beside each other: a list's first row, or how many are
  // unread, would be another one by chance. What comes later does not run where what it builds on has failed.
  workers: 2,
  projects: [
    { name: "story", testMatch: "story.spec.ts", teardown: "logs" },
    { name: "logs", testMatch: "logs.spec.ts" }, // when all that depends on the story is done
    { name: "live", testMatch: "live.spec.ts" },
    { name: "planning", testMatch: "planning.spec.ts" },
    { name: "inbox", testMatch: "inbox.spec.ts" },
    { name: "lists", testMatch: "lists.spec.ts" },
    ...readers.map((name) => ({ name, testMatch: `${name}.spec.ts`, dependencies: ["story"] })),
    ...writers.map((name) => ({ name, testMatch: `${name}.spec.ts`, dependencies: ["story", ...readers] })),
    // A standing holdout keeps people from every campaign: nobody else launches one by then.
    { name: "holdout", testMatch: "holdout.spec.ts", dependencies: ["story", ...writers] },
  ],
  // Bounds end what hangs. They say nothing about speed: a busy machine needs a multiple of the usual seconds.
  timeout: 600_000,
  expect: { timeout: 120_000 },
  reporter: [["list"]],
  use: {
    baseURL: `http://localhost:${port}`,
    viewport: { width: 1360, height: 860 },
    trace: { mode: "retain-on-failure", screenshots: false, sources: false }, // a film of each test costs a tenth of all
    screenshot: "only-on-failure",
    launchOptions,
  },
  webServer: [
    {
      command: `go run ./server/oidc/oidctest/provider 127.0.0.1:${providerPort}`,
      cwd: root,
      wait: { stdout: /listening/ },
      timeout: 300_000,
      gracefulShutdown: { signal: "SIGINT", timeout: 60_000 },
    },
    {
      command: `exec ${join(root, "bin/server")} 2>"$DATA_DIR/server.log"`, // which logs.spec.ts reads
      cwd: root,
      wait: { stdout: /Open\s+(?<E2E_LINK>\S+)/ }, // with the token that the first page takes
      timeout: 300_000,
      gracefulShutdown: { signal: "SIGINT", timeout: 60_000 },
      env: {
        LISTEN_ADDR: `127.0.0.1:${port}`,
        DATA_DIR: process.env.E2E_DATA_DIR,
        DATABASE_URL: "",
        TWILIO_ACCOUNT_SID: "",
        TWILIO_AUTH_TOKEN: "",
        ADMIN_EMAIL: "",
        ADMIN_PASSWORD: "",
        LOG_LEVEL: "debug",
        OIDC_ISSUER: `http://127.0.0.1:${providerPort}`,
        OIDC_CLIENT_ID: "engine",
        OIDC_CLIENT_SECRET: "the secret of the engine",
        OIDC_NAME: "Shop SSO",
        OIDC_ROLES: "admins=ADMIN,marketing=MARKETER",
      },
    },
  ],
});
