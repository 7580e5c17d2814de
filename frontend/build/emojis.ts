import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Plugin } from "vite";

const name = "virtual:emojis";
const components = 2; // skin tones and hair by themselves, which nobody writes

type Emoji = { unicode: string; label: string; tags?: string[]; group?: number };

/** All emojis with the words that find them, by group: a tenth of the data that they come from. */
export function emojis(): Plugin {
  return {
    name: "emojis",
    resolveId: (id) => (id === name ? `\0${name}` : undefined),
    load(id) {
      if (id !== `\0${name}`) return;
      const file = createRequire(import.meta.url).resolve("emojibase-data/en/compact.json");
      const groups: string[][] = [];
      for (const e of JSON.parse(readFileSync(file, "utf8")) as Emoji[]) {
        if (e.group === undefined || e.group === components) continue;
        const words = new Set(e.label.toLowerCase().split(/\W+/));
        const more = (e.tags ?? []).filter((t) => !words.has(t)).slice(0, 6);
        while (groups.length <= e.group) groups.push([]);
        groups[e.group]?.push([e.unicode, e.label, ...more].join("\t"));
      }
      return `export default ${JSON.stringify(groups.map((g) => g.join("\n")))}`;
    },
  };
}
