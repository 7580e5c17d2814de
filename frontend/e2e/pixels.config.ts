import { defineConfig } from "@playwright/test";
import { launchOptions } from "./browser";

// What is no part of `make test`: `make pixels`.
export default defineConfig({
  testDir: ".",
  testMatch: "pixels.spec.ts",
  outputDir: ".pixels/run",
  snapshotPathTemplate: ".pixels/old/{arg}{ext}",
  updateSnapshots: "none",
  timeout: 0,
  expect: { timeout: 120_000 },
  reporter: [["list"], ["html", { open: "never", outputFolder: ".pixels/report" }]],
  use: { launchOptions },
});
