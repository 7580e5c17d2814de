import { readdirSync } from "node:fs";
import { join } from "node:path";
import { act } from "react";
import { createRoot } from "react-dom/client";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Gallery } from "./Gallery";

beforeEach(() => {
  (globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;
  vi.stubGlobal("scrollTo", () => {});
  vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: () => {}, removeEventListener: () => {} }));
  vi.stubGlobal(
    "ResizeObserver",
    class {
      observe() {}
      unobserve() {}
      disconnect() {}
    },
  );
});
afterEach(() => vi.unstubAllGlobals());

test("the gallery shows every component that pages share", async () => {
  const broken = vi.spyOn(console, "error");
  const at = document.createElement("div");
  const root = createRoot(at);
  await act(async () => root.render(<Gallery />));
  await vi.waitFor(() => expect(at.querySelectorAll("section").length).toBeGreaterThan(0), { timeout: 60_000 });
  await act(async () => vi.dynamicImportSettled());
  const files = readdirSync(join(import.meta.dirname, "../src/components")).filter((f) => /(?<!\.test)\.tsx$/.test(f));
  const shown = [...at.querySelectorAll("section")].map((s) => `${s.getAttribute("aria-label")}.tsx`);
  expect(shown.sort()).toEqual(files.sort());
  for (const s of at.querySelectorAll("section")) expect(s.textContent?.length, s.ariaLabel ?? "").toBeGreaterThan(20);
  expect(broken.mock.calls.map((c) => String(c[0]))).toEqual([]);
  await act(async () => root.unmount());
}, 120_000);
