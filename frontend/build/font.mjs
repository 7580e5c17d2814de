// @ts-check
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import subsetFont from "subset-font";

const require = createRequire(import.meta.url);
const whole = require.resolve("@fontsource-variable/inter/files/inter-latin-wght-normal.woff2");
const faces = readFileSync(require.resolve("@fontsource-variable/inter/index.css"), "utf8");

/** Where the typeface of the first page lies. */
export const file = join(import.meta.dirname, "../src/app/inter.woff2");

/** The signs of the package's Latin file, as the style sheet names them. */
export const range = /inter-latin-wght-normal\.woff2[^}]*unicode-range: ([^;]*);/.exec(faces)?.[1] ?? "";

/** The lightest and the boldest that the pages use. */
export const weights = { min: 400, max: 700 };

// What the pages never ask for is left out: other shapes of letters, fractions, small capitals.
const features = ["kern", "mark", "mkmk", "ccmp", "locl", "calt", "tnum"];

/** Makes the typeface of the pages: the package's Latin file, without weights and features that nothing uses. */
export function font() {
  const signs = range.split(",").flatMap((part) => {
    const [from = 0, to = from] = part
      .trim()
      .slice(2)
      .split("-")
      .map((n) => Number.parseInt(n, 16));
    return Array.from({ length: to - from + 1 }, (_, i) => String.fromCodePoint(from + i));
  });
  return subsetFont(readFileSync(whole), signs.join(""), {
    targetFormat: "woff2",
    keepFeatures: features,
    variationAxes: { wght: weights },
  });
}

if (resolve(process.argv[1] ?? "") === fileURLToPath(import.meta.url)) writeFileSync(file, await font());
