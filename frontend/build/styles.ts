import { PurgeCSS } from "purgecss";
import type { Plugin } from "vite";

/**
 * Leaves out the styles of components that no page uses. The library's classes (m_ and a hash) stand in the scripts of
 * its components, letter by letter; all other selectors stay.
 */
export function usedStyles(): Plugin {
  return {
    name: "used-styles",
    apply: "build",
    async generateBundle(_options, bundle) {
      const files = Object.values(bundle);
      const scripts = files.flatMap((f) => (f.type === "chunk" ? [{ raw: f.code, extension: "js" }] : []));
      for (const file of files) {
        if (file.type !== "asset" || !file.fileName.endsWith(".css")) continue;
        const [purged] = await new PurgeCSS().purge({
          content: scripts,
          css: [{ raw: String(file.source) }],
          safelist: { standard: [/^(?!m_)/] },
          fontFace: false,
          keyframes: false,
          variables: false,
        });
        if (purged) file.source = purged.css;
      }
    },
  };
}
