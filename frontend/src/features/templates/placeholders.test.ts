import { expect, test } from "vitest";
import { fieldName, findPlaceholders, withFields } from "../../lib/placeholders";
import { freshPlaceholder, readPlaceholder, toggleMark, writePlaceholder } from "./placeholders";

test("placeholders are found where the server finds them", () => {
  expect(findPlaceholders("Hi {{name}}, {{ attributes.city | there }} {x} {{open")).toEqual([
    { from: 3, to: 11, source: "name" },
    { from: 13, to: 42, source: " attributes.city | there " },
  ]);
});

test.each([
  ["name", { name: "name" }],
  [" name | there ", { name: "name", fallback: "there" }],
  [
    "attributes.city | title | dear customer",
    { name: "attributes.city", filter: { name: "title" }, fallback: "dear customer" },
  ],
  ['attributes.due | date "2 Jan"', { name: "attributes.due", filter: { name: "date", format: "2 Jan" } }],
  ['name | default "a | b"', { name: "name", fallback: "a | b" }],
  ['name | "quoted"', { name: "name", fallback: "quoted" }],
  ["attributes.Loyalty points", { name: "attributes.Loyalty points" }],
])("a placeholder is read and written back as the same: %s", (source, read) => {
  expect(readPlaceholder(source)).toEqual(read);
  const again = findPlaceholders(writePlaceholder(read as never))[0]?.source ?? "";
  expect(readPlaceholder(again)).toEqual(read);
});

test.each([
  ["nme"],
  ["attributes."],
  ["name | upper | lower"],
  ["name | there | upper"],
  ['name | default "x'],
  ["name |"],
  ["name | date"],
])("what the form has no field for is edited as text: %s", (source) => expect(readPlaceholder(source)).toBeUndefined());

test("a fallback never breaks out of its placeholder, and is never taken for a filter", () => {
  for (const fallback of [
    "}} {{name",
    'say "hi"',
    "a | b",
    "upper case",
    "default",
    "date x",
    "back\\slash",
    " spaced\nout ",
  ]) {
    const text = writePlaceholder({ name: "name", fallback });
    const found = findPlaceholders(text);
    expect(found).toHaveLength(1);
    expect(found[0]?.to).toBe(text.length);
    const want = fallback.replace(/[{}]/g, "").replace(/\s+/g, " ").trim();
    expect(readPlaceholder(found[0]?.source ?? "")).toEqual({ name: "name", fallback: want });
  }
  expect(writePlaceholder({ name: "name", fallback: " " })).toBe("{{name}}");
});

test("fields are called as people call them", () => {
  const known = [{ key: "loyalty_points", name: "Loyalty points", coverage: 1 }];
  expect(fieldName("name", known)).toBe("Name");
  expect(fieldName("attributes.loyalty_points", known)).toBe("Loyalty points");
  expect(fieldName("attributes.city", known)).toBe("city");
});

test("numbers and dates are begun with as people read them", () => {
  const known = [
    { key: "points", type: "NUMBER", coverage: 1 },
    { key: "due", type: "DATE", coverage: 1 },
  ];
  const written = ["name", "region", "attributes.points", "attributes.due"].map((n) =>
    writePlaceholder(freshPlaceholder(n, known)),
  );
  expect(written).toEqual([
    "{{name | there}}",
    "{{region}}",
    "{{attributes.points | number}}",
    '{{attributes.due | date "2 January 2006"}}',
  ]);
});

/** The text after a mark was toggled, with what is selected then in brackets. */
function toggled(text: string, mark: string): string {
  const from = text.indexOf("[");
  const to = text.indexOf("]") - 1;
  const plain = text.replace(/[[\]]/g, "");
  const c = toggleMark(plain, from, to, mark);
  const after = plain.slice(0, c.from) + c.insert + plain.slice(c.to);
  return `${after.slice(0, c.select[0])}[${after.slice(c.select[0], c.select[1])}]${after.slice(c.select[1])}`;
}

test("a mark goes around what is selected and away again", () => {
  expect(toggled("a [b c] d", "*")).toBe("a *[b c]* d");
  expect(toggled("a *[b c]* d", "*")).toBe("a [b c] d");
  expect(toggled("a [*b c*] d", "*")).toBe("a [b c] d");
  expect(toggled("a [ b ]c", "_")).toBe("a  _[b]_ c");
  expect(toggled("a []", "~")).toBe("a ~[]~");
  expect(toggled("[one\n\ntwo]", "*")).toBe("[*one*\n\n*two*]");
  expect(toggled("[one\ntwo]", "```")).toBe("```[one\ntwo]```");
});

test("where nothing is filled in, a text names its fields", () => {
  const known = [{ key: "points", name: "Loyalty points", coverage: 1 }];
  expect(withFields("Hi {{name | there}}: {{ attributes.points | number }} of {{attributes.all}}", known)).toBe(
    "Hi ‹Name›: ‹Loyalty points› of ‹all›",
  );
  expect(withFields("no {{}} field", known)).toBe("no {{}} field");
});
