// @vitest-environment node
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { file, font, range, weights } from "../../build/font.mjs";
import { sources } from "../../build/words.mjs";

test("the typeface is what is made of the package's", async () => {
  expect(Buffer.compare(readFileSync(file), await font()), "npm run font").toBe(0);
  const rule = /unicode-range:([^;]*);/.exec(readFileSync(join(sources, "app/font.css"), "utf8"))?.[1] ?? "";
  const parts = (list: string) => list.split(",").map((part) => part.trim());
  expect(parts(rule)).toEqual(parts(range));
}, 60_000);

test("no page is bolder or lighter than the typeface", () => {
  const used = new Set<number>();
  for (const name of readdirSync(sources, { recursive: true, encoding: "utf8" })) {
    if (!/(?<!\.test)\.(tsx?|css)$/.test(name) || name === "app/font.css") continue;
    const text = readFileSync(join(sources, name), "utf8");
    for (const [, weight] of text.matchAll(/(?:fw=\{?"?|font-weight: *|fontWeight: *"?)(\d+)/g))
      used.add(Number(weight));
  }
  expect(used.size).toBeGreaterThan(3);
  expect(Math.min(...used)).toBeGreaterThanOrEqual(weights.min);
  expect(Math.max(...used)).toBeLessThanOrEqual(weights.max);
});
