import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "vite";

const prefix = "virtual:document/";

/**
 * Makes each GraphQL document a module of its own, so that a page brings only those it asks with, and as a text, which
 * the browser reads: that is half of what the parsed document weighs. As they are generated, all documents are parsed in
 * one module, and a table of all their texts finds them: together more than React itself.
 */
export function documents(folder: string): Plugin {
  const generated = join(folder, "graphql.ts");
  const texts = join(folder, "persisted-documents.json");
  let all = new Map<string, string>();
  const read = () => {
    const constants = readFileSync(generated, "utf8").matchAll(
      /^export const (\w+) = (\{.*\}) as unknown as DocumentNode/gm,
    );
    const textOf: Record<string, string> = JSON.parse(readFileSync(texts, "utf8"));
    all = new Map(
      Array.from(constants, ([, name = "", value = ""]) => {
        const { hash } = JSON.parse(value).__meta__ ?? {}; // a fragment has none: it is in the texts that use it
        return [name, hash ? `read(${JSON.stringify(hash)}, ${JSON.stringify(textOf[hash])})` : "{}"];
      }),
    );
  };
  return {
    name: "documents",
    enforce: "pre",
    buildStart: read,
    watchChange: (id) => {
      if (id === generated) read();
    },
    resolveId: (id) => (id.startsWith(prefix) ? `\0${id}` : undefined),
    load(id) {
      if (!id.startsWith(`\0${prefix}`)) return;
      this.addWatchFile(generated);
      const name = id.slice(prefix.length + 1);
      const value = all.get(name);
      if (!value) throw new Error(`${generated} has no ${name}: run make generate`);
      return `import { read } from "/src/lib/document.ts"; export default ${value}`;
    },
    transform(code, id) {
      if (!/\.tsx?$/.test(id) || !code.includes("graphql(`")) return;
      const names = new Set<string>();
      const replaced = code.replace(/\bgraphql\(`([^`]*)`\)/g, (whole, text) => {
        const [, kind, operation] = /^\s*(?:#.*\n\s*)*(query|mutation|subscription|fragment)\s+(\w+)/.exec(text) ?? [];
        if (!operation) throw new Error(`${id}: a document without a name: ${text}`);
        const name =
          operation.charAt(0).toUpperCase() + operation.slice(1) + (kind === "fragment" ? "FragmentDoc" : "Document");
        names.add(name);
        return `${name}_${"\n".repeat(whole.split("\n").length - 1)}`; // lines stay where they are
      });
      const imports = [...names].map((name) => `import ${name}_ from "${prefix}${name}";`).join("");
      return { code: imports + replaced, map: null };
    },
  };
}
