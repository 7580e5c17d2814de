import { readFileSync } from "node:fs";
import type { Plugin } from "vite";

const prefix = "virtual:document/";

/**
 * Makes each GraphQL document a module of its own, so that a page brings only those it asks with. As they are generated,
 * all documents are in one module, and a table of all their texts finds them: together more than React itself.
 */
export function documents(generated: string): Plugin {
  const constant = (name: string) => {
    const found = new RegExp(`^export const ${name} = (\\{.*\\}) as unknown as DocumentNode`, "m").exec(
      readFileSync(generated, "utf8"),
    );
    if (!found) throw new Error(`${generated} has no ${name}: run make generate`);
    return found[1];
  };
  return {
    name: "documents",
    enforce: "pre",
    resolveId: (id) => (id.startsWith(prefix) ? `\0${id}` : undefined),
    load: (id) =>
      id.startsWith(`\0${prefix}`) ? `export default ${constant(id.slice(prefix.length + 1))}` : undefined,
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
