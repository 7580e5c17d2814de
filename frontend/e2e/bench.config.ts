import { defineConfig } from "@playwright/test";
import { launchOptions } from "./browser";

// What is no part of `make test`: `make bench-pages`. It measures, and nothing fails for being slow.
export default defineConfig({
  testDir: ".",
  testMatch: "bench.spec.ts",
  outputDir: ".bench",
  timeout: 0,
  expect: { timeout: 600_000 },
  reporter: [["list"]],
  use: { launchOptions },
});
