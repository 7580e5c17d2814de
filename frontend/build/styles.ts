import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import postcss from "postcss";
import type { Plugin, Rolldown } from "vite";

const later = "virtual:later.css";
const mark = "later-styles";

/**
 * Parts the styles of the component library: its whole sheet is imported first, and once more as `virtual:later.css` by
 * the pages. The first keeps what can be shown before the pages are there, the later one has what is shown then; styles
 * of components that nothing shows are in neither. A component's classes (m_ and a hash) stand in its scripts, letter by
 * letter, and a component that builds on another one brings that one's script along, so that its styles come after it in
 * both sheets.
 */
export function partedStyles(pages: string): Plugin {
  let root = "";
  let building = false;
  return {
    name: "parted-styles",
    configResolved(config) {
      root = config.root;
      building = config.command === "build";
    },
    resolveId: (id) => (id === later ? join(root, "later.css") : undefined),
    load(id) {
      if (id !== join(root, "later.css")) return;
      if (!building) return ""; // the first sheet is whole then
      const sheet = createRequire(join(root, "main.ts")).resolve("@mantine/core/styles.css");
      return `${readFileSync(sheet, "utf8")}\n.${mark}{display:block}`;
    },
    generateBundle(_options, bundle) {
      const chunks = Object.values(bundle).filter((f) => f.type === "chunk");
      const entry = chunks.find((c) => c.isEntry && c.facadeModuleId === join(root, "index.html"));
      const inside = chunks.find((c) => c.facadeModuleId === join(root, pages));
      if (!entry || !inside) throw new Error(`${pages} is no part of its own`);
      const first = classesOf(reached(entry, inside, bundle));
      const all = classesOf(chunks);
      const sheets = Object.values(bundle).filter((f) => f.type === "asset" && f.fileName.endsWith(".css"));
      for (const sheet of sheets as Rolldown.OutputAsset[]) {
        const css = String(sheet.source);
        if (!css.includes(".m_")) continue;
        const isFirst = entry.viteMetadata?.importedCss.has(sheet.fileName);
        const isLater = css.includes(`.${mark}`);
        const source = kept(css, (classes, ofPages) => {
          const inFirst = classes.every((c) => first.has(c));
          if (isFirst) return inFirst;
          return classes.every((c) => all.has(c)) && !(isLater && !ofPages && inFirst);
        });
        // Browsers keep a file for good by its name, which told what was in it before.
        const hash = createHash("sha256").update(source).digest("base64url").slice(0, 8);
        const fileName = sheet.fileName.replace(/-[\w-]{8}\.css$/, `-${hash}.css`);
        for (const chunk of chunks) {
          if (chunk.viteMetadata?.importedCss.delete(sheet.fileName)) chunk.viteMetadata.importedCss.add(fileName);
        }
        delete bundle[sheet.fileName];
        this.emitFile({ type: "asset", fileName, source });
      }
    },
  };
}

/** What is read from an entry on, but for what is behind one of the parts. */
function reached(from: Rolldown.OutputChunk, but: Rolldown.OutputChunk, bundle: Rolldown.OutputBundle) {
  const found = new Set<Rolldown.OutputChunk>();
  const follow = (chunk: Rolldown.OutputChunk) => {
    if (chunk === but || found.has(chunk)) return;
    found.add(chunk);
    for (const name of [...chunk.imports, ...chunk.dynamicImports]) {
      const next = bundle[name];
      if (next?.type === "chunk") follow(next);
    }
  };
  follow(from);
  return found;
}

const ofLibrary = /\bm_[0-9a-f]+\b/g;

const classesOf = (chunks: Iterable<Rolldown.OutputChunk>) =>
  new Set([...chunks].flatMap((c) => c.code.match(ofLibrary) ?? []));

/** A sheet with those selectors alone whose classes of the library are wanted. What follows the mark is of the pages. */
function kept(css: string, wanted: (classes: string[], ofPages: boolean) => boolean): string {
  const sheet = postcss.parse(css);
  let ofPages = false;
  sheet.walkRules((rule) => {
    if (rule.parent?.type === "atrule" && /keyframes$/.test((rule.parent as postcss.AtRule).name)) return;
    ofPages ||= rule.selector.includes(mark);
    const selectors = rule.selectors.filter((s) => wanted(s.match(ofLibrary) ?? [], ofPages));
    if (selectors.length === 0) rule.remove();
    else rule.selectors = selectors;
  });
  const left = new Set<string>();
  sheet.walkDecls(/^animation/, (d) => {
    for (const name of d.value.match(/[\w-]+/g) ?? []) left.add(name);
  });
  sheet.walkAtRules((at) => {
    if (at.nodes?.length === 0 || (/keyframes$/.test(at.name) && !left.has(at.params))) at.remove();
  });
  return sheet.toString();
}
