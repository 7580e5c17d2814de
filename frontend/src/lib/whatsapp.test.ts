import { expect, test } from "vitest";
import { formats, type Inline, parse, plainText } from "./whatsapp";

/** The formatting as tags, to be read at a glance. */
function tags(message: string): string {
  const names = { bold: "b", italic: "i", strike: "s", mono: "m", link: "a" } as const;
  const read = (of: Inline[]): string =>
    of
      .map((p) =>
        typeof p === "string" ? p : `<${names[p.kind]}>${"of" in p ? read(p.of) : p.text}</${names[p.kind]}>`,
      )
      .join("");
  return parse(message)
    .map((b) =>
      b.kind === "text"
        ? read(b.of)
        : `[${b.kind === "numbers" ? b.start : b.kind}: ${(b.kind === "quote" ? b.lines : b.items).map(read).join(" / ")}]`,
    )
    .join("");
}

test.each([
  ["plain text", "plain text"],
  ["*bold* _italic_ ~strike~", "<b>bold</b> <i>italic</i> <s>strike</s>"],
  ["*_both_* and _*both*_", "<b><i>both</i></b> and <i><b>both</b></i>"],
  ["(*in brackets*), *before a comma*,", "(<b>in brackets</b>), <b>before a comma</b>,"],
  ["*Straße größer*", "<b>Straße größer</b>"],
  ["*🎉*", "<b>🎉</b>"],
])("marks around words format them: %s", (message, shown) => expect(tags(message)).toBe(shown));

test.each([
  ["5*3*2 and a_b_c"], // inside of words
  ["* not bold *"].map((s) => `x ${s}`), // spaces inside
  ["*over\nlines*"],
  ["**"],
  ["*open"],
  ["ö*a*"],
  ["*a*ö"],
])("what is no formatting stays as it was typed: %s", (message) => expect(tags(message)).toBe(message));

test("a mark that closes later than another opens leaves that one as it is", () => {
  expect(tags("*a _b* c_")).toBe("<b>a _b</b> c_");
  expect(tags("*a *b*")).toBe("<b>a *b</b>");
});

test("code is shown as it is, over lines as well", () => {
  expect(tags("```a *b*\n- c``` and `_d_` *e*")).toBe("<m>a *b*\n- c</m> and <m>_d_</m> <b>e</b>");
  expect(tags("*x `y` z* `w`")).toBe("<b>x <m>y</m> z</b> <m>w</m>");
  expect(tags("``` open")).toBe("``` open");
  expect(tags("- `a`\n`b`\n> `c`\n`d`")).toBe("[bullets: <m>a</m>]<m>b</m>[quote: <m>c</m>]<m>d</m>");
});

test("lists and quotes are lines that belong together", () => {
  expect(tags("Hello\n- *one*\n* two\nthen\n3. three\n4. four\n> quoted\n> _more_\nend")).toBe(
    "Hello[bullets: <b>one</b> / two]then[3: three / four][quote: quoted / <i>more</i>]end",
  );
  expect(tags("-none\n>none\n1.none")).toBe("-none\n>none\n1.none");
  expect(tags("a\n\nb\n")).toBe("a\n\nb\n");
});

test("addresses keep their signs, and lead to the web alone", () => {
  expect(tags("see https://x.example/a_b_c_d?q=*1*, please")).toBe(
    "see <a>https://x.example/a_b_c_d?q=*1</a>*, please",
  );
  expect(tags("_www.shop.example/_new_")).toBe("<i><a>www.shop.example/_new</a></i>");
  expect(parse("www.shop.example")).toEqual([
    { kind: "text", of: [{ kind: "link", text: "www.shop.example", href: "https://www.shop.example" }] },
  ]);
  expect(tags("www.shop.example`one`"), "code that follows one is code").toBe("<a>www.shop.example</a><m>one</m>");
  expect(tags("javascript:alert(1) data:x http://")).toBe("javascript:alert(1) data:x http://");
});

test("nothing in a text is read as HTML, and nothing breaks or hangs", () => {
  expect(tags("<b>*x*</b> \0 &amp;")).toBe("<b><b>x</b></b> \uFFFD &amp;");
  for (const piece of ["*a ", "_*~", "`", "```", "*", "> ", "- *", "_a_ *", "https://a.b/*"]) {
    const blocks = parse(piece.repeat(20_000));
    expect(blocks.length).toBeGreaterThan(0);
  }
});

test("a text on one line has no marks", () => {
  expect(plainText("*Sale*\n- _one_\n- `two`\n1. https://a.example")).toBe("Sale\n• one\n• two\n1. https://a.example");
});

test("a text that is being written keeps its marks, and the places of what they mark are known", () => {
  const text = "Hi\n- *two _words_* and ```a\n*b*```\n> `c` ~d~ *no";
  const found = formats(text).map(({ kind, from, to }) => [kind, text.slice(from, to)]);
  expect(found).toEqual([
    ["bold", "*two _words_*"],
    ["mark", "*"],
    ["italic", "_words_"],
    ["mark", "_"],
    ["mark", "_"],
    ["mark", "*"],
    ["mono", "```a\n*b*```"],
    ["mark", "```"],
    ["mark", "```"],
    ["mono", "`c`"],
    ["mark", "`"],
    ["mark", "`"],
    ["strike", "~d~"],
    ["mark", "~"],
    ["mark", "~"],
  ]);
});
