// @ts-check
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { transformAsync } from "@babel/core";
import macros from "@lingui/babel-plugin-lingui-macro";
import { makeConfig } from "@lingui/conf";
import { compileMessage } from "@lingui/message-utils/compileMessage";
import PO from "pofile";

/** @typedef {{ text: string, context?: string }} Message */

const here = join(import.meta.dirname, "..");
export const sources = join(here, "src");
/** The languages that the English of the sources is translated into. */
export const translated = ["de", "es"];
/** @param {string} language */
export const fileOf = (language) => join(sources, "words", `${language}.po`);

// What the macros' calls go to.
const runtime = "virtual:words";
const linguiConfig = makeConfig(
  {
    locales: ["en", ...translated],
    sourceLocale: "en",
    runtimeConfigModule: { i18n: [runtime, "say"], Trans: [runtime, "Trans"] },
  },
  { skipValidation: true },
);

/** @param {string} text */
function compiledMessage(text) {
  const read = compileMessage(text);
  return read.length === 1 && typeof read[0] === "string" ? read[0] : read;
}

/** @param {Message} m */
const keyOf = (m) => `${m.context ?? ""}\u0004${m.text}`;
/** @type {Map<string, number> | undefined} */
let places;
/**
 * Where a text stands in the catalogues, by which it is asked for: they have all the same texts in the same order. A
 * text that they do not have yet is in English.
 * @param {Message} m
 */
function placeOf(m) {
  places ??= new Map(
    entriesOf(translated[0] ?? "").map((e, i) => [keyOf({ text: e.msgid, context: e.msgctxt ?? "" }), i]),
  );
  return places.get(keyOf(m)) ?? -1;
}

/**
 * Makes calls of the marked texts, and compiles each: English is in the sources, so that it needs no catalogue, and
 * nothing that reads messages is in the browser. `t`Save`` becomes say(12, "Save").
 * @param {string} code
 * @param {string} id
 * @param {(m: Message) => void} [found]
 */
export async function callsOf(code, id, found) {
  if (!/from "@lingui\/(core|react)\/macro"/.test(code)) return;
  /** @param {any} node @param {string} key */
  const property = (node, key) => node.properties.find((/** @type {any} */ p) => p.key?.name === key)?.value;
  /** @param {any} babel */
  const compiled = ({ types, template }) => ({
    visitor: {
      Program: {
        /** @param {any} program */
        exit: (program) =>
          program.traverse({
            /** @param {any} path */
            ObjectExpression(path) {
              const message = property(path.node, "message");
              const name = property(path.node, "id");
              if (!types.isStringLiteral(message) || !types.isStringLiteral(name)) return;
              const context = property(path.node, "context")?.value;
              const text = { text: message.value, ...(context && { context }) };
              found?.(text);
              if (found) return;
              const written = template.expression.ast(JSON.stringify(compiledMessage(message.value)));
              const place = types.valueToNode(placeOf(text));
              const values = property(path.node, "values");
              const { parent: call, parentPath } = path;
              if (types.isCallExpression(call) && call.callee.property?.name === "_") {
                parentPath.replaceWith(
                  types.callExpression(call.callee.object, [place, written, ...(values ? [values] : [])]),
                );
                return;
              }
              name.value = String(place.value ?? -1);
              path.node.properties.find((/** @type {any} */ p) => p.key?.name === "message").value = written;
            },
          }),
      },
    },
  });
  const out = await transformAsync(code, {
    filename: id,
    configFile: false,
    babelrc: false,
    sourceMaps: true,
    parserOpts: { plugins: ["typescript", "jsx"] },
    plugins: [[macros, { linguiConfig, extract: true, stripMessageField: false }], compiled],
  });
  return { code: out?.code ?? "", map: out?.map };
}

/** Every text of the sources that is shown, with the file that has it first. */
export async function textsOf() {
  /** @type {Map<string, Message & { file: string }>} */
  const all = new Map();
  const files = readdirSync(sources, { recursive: true, encoding: "utf8" }).sort();
  for (const file of files) {
    if (!/\.tsx?$/.test(file) || /\.test\.tsx?$/.test(file)) continue;
    const path = join(sources, file);
    await callsOf(readFileSync(path, "utf8"), path, (m) => {
      if (!all.has(keyOf(m))) all.set(keyOf(m), { ...m, file: relative(here, path) });
    });
  }
  return all;
}

// What is shown of an element: a text in one of these is marked as well.
const shown =
  /^(label|title|placeholder|description|suffix|alt|error|hint|none|legend|message|confirm|cancel|aria-(label|description|roledescription)|data-label|nothingFoundMessage|validationError)$/;

/**
 * What a source shows without having it translated: texts in elements and in their attributes.
 * @param {string} code
 */
export async function bareTextsOf(code) {
  /** @type {string[]} */
  const found = [];
  const text = /\p{L}{2}/u;
  /** @param {any} node @param {string} what */
  const add = (node, what) => found.push(`${node.loc.start.line}: ${what.trim().replace(/\s+/g, " ")}`);
  /** @param {any} path */
  const marked = (path) =>
    path.findParent((/** @type {any} */ p) => /^(Trans|Code|Kbd)$/.test(p.node.openingElement?.name.name ?? ""));
  await transformAsync(code, {
    configFile: false,
    babelrc: false,
    parserOpts: { plugins: ["typescript", "jsx"] },
    plugins: [
      () => ({
        visitor: {
          JSXText: (/** @type {any} */ path) => {
            if (text.test(path.node.value) && !marked(path)) add(path.node, path.node.value);
          },
          JSXAttribute: (/** @type {any} */ path) => {
            const { name, value } = path.node;
            const plain = value?.type === "StringLiteral" ? value.value : undefined;
            const filled = value?.type === "JSXExpressionContainer" && value.expression.type === "TemplateLiteral";
            const words = filled
              ? value.expression.quasis.map((/** @type {any} */ q) => q.value.cooked).join("")
              : (plain ?? "");
            if (shown.test(name.name) && text.test(words)) add(value, words);
          },
          ObjectProperty: (/** @type {any} */ path) => {
            const { key, value } = path.node;
            if (path.parentPath.parent.callee?.name === "t") return;
            if (
              value.type === "StringLiteral" &&
              shown.test(key.name ?? key.value) &&
              /\p{Lu}\p{Ll}|\p{L} \p{L}/u.test(value.value)
            )
              add(value, value.value);
          },
        },
      }),
    ],
  });
  return found;
}

/** @param {string} language */
export const entriesOf = (language) => PO.parse(readFileSync(fileOf(language), "utf8")).items;

/** @param {string} language the compiled messages, each in its place; 0: there is none yet */
const compiledOf = (language) => entriesOf(language).map((e) => (e.msgstr[0] ? compiledMessage(e.msgstr[0]) : 0));

/** Writes the catalogues anew: texts that are new have no translation yet, those that are gone are left out. */
export async function update() {
  const texts = await textsOf();
  for (const language of translated) {
    const known = new Map(
      entriesOf(language).map((e) => [keyOf({ text: e.msgid, context: e.msgctxt ?? "" }), e.msgstr]),
    );
    const po = new PO();
    po.headers = { Language: language, "Content-Type": "text/plain; charset=UTF-8" };
    for (const { text, context, file } of texts.values()) {
      const item = new PO.Item();
      item.msgid = text;
      if (context) item.msgctxt = context;
      item.references = [file];
      item.msgstr = known.get(keyOf({ text, context })) ?? [""];
      po.items.push(item);
    }
    writeFileSync(fileOf(language), `${po.toString().trimEnd()}\n`);
    const missing = po.items.filter((i) => !i.msgstr[0]).length;
    console.log(`${language}: ${po.items.length} texts, ${missing} not translated`);
  }
}

/** Vite's part: the calls in the sources, and a catalogue as a module of compiled messages. */
export function words() {
  return {
    name: "words",
    enforce: /** @type {const} */ ("pre"),
    /** @param {string} id */
    resolveId: (id) => (id === runtime ? join(sources, "lib/words.tsx") : undefined),
    /** @param {string} id */
    load(id) {
      const language = translated.find((l) => id === fileOf(l));
      if (!language) return;
      const json = JSON.stringify(JSON.stringify(compiledOf(language)));
      return { code: `export default JSON.parse(${json})`, map: null, moduleType: "js" };
    },
    /** @param {string} code @param {string} id */
    transform: (code, id) => (/\.tsx?$/.test(id) && !id.includes("node_modules") ? callsOf(code, id) : undefined),
  };
}

/**
 * Has the browser fetch a module, and what it needs, while the page's script is still read: its import waits for the
 * texts.
 * @param {string} entry
 */
export function early(entry) {
  return {
    name: "early",
    transformIndexHtml: {
      order: /** @type {const} */ ("post"),
      /** @param {string} html @param {any} context */
      handler(html, { bundle, path }) {
        if (!bundle || path !== "/index.html") return;
        /** @type {any[]} */
        const chunks = Object.values(bundle).filter((f) => f.type === "chunk");
        const first = chunks.find((c) => c.facadeModuleId === join(here, entry));
        if (!first) throw new Error(`${entry} is no part of its own`);
        return [first.fileName, ...first.imports]
          .filter((file) => !html.includes(file))
          .map((file) => ({
            tag: "link",
            attrs: { rel: "modulepreload", crossorigin: true, href: `/${file}` },
            injectTo: /** @type {const} */ ("head"),
          }));
      },
    },
  };
}

if (resolve(process.argv[1] ?? "") === fileURLToPath(import.meta.url)) await update();
