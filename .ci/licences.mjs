// Reads bills of materials (CycloneDX, JSON) and fails when a component is under
// a licence that nobody has agreed to, or under none that was recognised.
import { readFileSync } from "node:fs";

const allowed = new Set([
  "0BSD", "Apache-2.0", "BlueOak-1.0.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT",
  "MPL-2.0", // files of theirs that we changed would have to be published: we change none
  "OFL-1.1", "PostgreSQL", "Unlicense",
  "BSD-Source-Code", // what the scanner takes the BSD-3-Clause text of golang.org/x for
]);

// Read by a person, because the scanner does not recognise the text.
const read = new Map([["github.com/tmthrgd/go-hex", "BSD-3-Clause"]]);

const licencesOf = (component) =>
  [...(component.licenses ?? []), ...(component.evidence?.licenses ?? [])].map(
    (l) => l.expression ?? l.license?.id ?? l.license?.name,
  );

// An expression is allowed when any side of an OR is, and all sides of an AND are.
const isAllowed = (expression) =>
  expression
    .replace(/[()]/g, "")
    .split(" OR ")
    .some((side) => side.split(" AND ").every((id) => allowed.has(id.trim())));

let refused = 0;
const counts = {};
for (const file of process.argv.slice(2)) {
  for (const component of JSON.parse(readFileSync(file, "utf8")).components ?? []) {
    const found = read.has(component.name) ? [read.get(component.name)] : licencesOf(component);
    const verdict = found.join(", ") || "none recognised";
    counts[verdict] = (counts[verdict] ?? 0) + 1;
    if (found.length === 0 || !found.every(isAllowed)) {
      console.error(`${file}: ${component.name} ${component.version}: ${verdict}`);
      refused++;
    }
  }
}
for (const [licence, n] of Object.entries(counts).sort((a, b) => b[1] - a[1])) console.log(`${n}\t${licence}`);
process.exit(refused === 0 ? 0 : 1);
