// @vitest-environment node
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

// Lingui puts a string into its sentence and reads the tags of the whole: of what somebody wrote, <b> would be lost.
test("a sentence with elements takes what somebody wrote as an element", () => {
  const root = join(import.meta.dirname, "..");
  const found: string[] = [];
  for (const file of readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".tsx"))) {
    const source = readFileSync(join(root, file), "utf8");
    for (const [sentence] of source.matchAll(/<Trans>.*?<\/Trans>/gs))
      for (const [value] of sentence.matchAll(/(?<![=\w$])\{\s*[a-z]\w*\s*(?:[.[]|\?|\|\|)[^}]*\}/g))
        found.push(`${file}: ${value}`);
  }
  expect(found).toEqual([]);
});
