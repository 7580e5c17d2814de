/** A piece of a line as WhatsApp shows it. */
export type Inline =
  | string
  | { kind: "bold"; of: Inline[] }
  | { kind: "italic"; of: Inline[] }
  | { kind: "strike"; of: Inline[] }
  | { kind: "mono"; text: string }
  | { kind: "link"; text: string; href: string };

/** What a message consists of: text with line breaks, or lines that belong together. */
export type Block =
  | { kind: "text"; of: Inline[] }
  | { kind: "quote"; lines: Inline[][] }
  | { kind: "bullets"; items: Inline[][] }
  | { kind: "numbers"; start: number; items: Inline[][] };

const marks = { "*": "bold", _: "italic", "~": "strike" } as const;
type Mark = keyof typeof marks;

const wordAt = (s: string, i: number) => /[\p{L}\p{N}]/u.test(String.fromCodePoint(s.codePointAt(i) ?? 32));
const wordBefore = (s: string, i: number) => i > 0 && /[\p{L}\p{N}]$/u.test(s.slice(Math.max(0, i - 2), i));
const spaceAt = (s: string, i: number) => i >= s.length || /\s/.test(s.charAt(i));

const address = /(?:https?:\/\/|www\.)[^\s<>"“”\0]+/giy;

/** An address that begins at i, without the punctuation that ends a sentence. */
function linkAt(s: string, i: number): string | undefined {
  if (!/[hw]/i.test(s.charAt(i)) || wordBefore(s, i)) return undefined;
  address.lastIndex = i;
  const found = address.exec(s)?.[0].replace(/[*_~.,;:!?)\]}'’]+$/, "");
  return found && /\.\w/.test(found) ? found : undefined;
}

/** Where the mark that opens at i closes: not after a space, not before a letter, not on another line. */
function closing(s: string, i: number): number {
  const mark = s.charAt(i);
  if (wordBefore(s, i) || spaceAt(s, i + 1)) return -1;
  for (let j = i + 2; j < s.length && s[j] !== "\n"; j++) {
    if (s[j] === mark && !spaceAt(s, j - 1) && !wordAt(s, j + 1)) return j;
  }
  return -1;
}

/** A part of a text that has a look of its own. It begins at `from` and ends before `to`. */
type Span = { kind: Mark | "mono" | "link"; from: number; to: number; marks: number; of: Span[] };

/**
 * A message's text, and the same text with NULs in place of each piece of code. Code is shown as it is, over several
 * lines too, so nothing in it may be read as formatting.
 */
function outline(message: string) {
  const codes = new Map<number, Span>(); // by where each begins
  const text = message.replaceAll(hole, "\uFFFD").replace(/\r\n?/g, "\n");
  const plain = text.replace(/```[\s\S]+?```|`[^`\n]+`/g, (code, from: number) => {
    const signs = code.startsWith("```") ? 3 : 1;
    codes.set(from, { kind: "mono", from, to: from + code.length, marks: signs, of: [] });
    return hole.repeat(code.length);
  });
  return { text, plain, codes };
}
const hole = "\0";

/** The spans of a piece of the text, which begins at a place of it. */
function spansOf(s: string, at: number, codes: Map<number, Span>, open: readonly Mark[] = []): Span[] {
  const out: Span[] = [];
  const hopeless = new Set<string>(); // marks that no later one closes on this line: looked for once
  const add = (span: Span) => {
    out.push(span);
    return span.to - at - 1;
  };
  for (let i = 0; i < s.length; i++) {
    const c = s.charAt(i);
    const link = linkAt(s, i);
    const code = codes.get(at + i);
    if (c === "\n") hopeless.clear();
    if (code) i = add(code);
    else if (link) i = add({ kind: "link", from: at + i, to: at + i + link.length, marks: 0, of: [] });
    else if (c in marks && !open.includes(c as Mark) && !hopeless.has(c)) {
      const end = closing(s, i);
      const inside = [...open, c as Mark];
      if (end >= 0)
        i = add({
          kind: c as Mark,
          from: at + i,
          to: at + end + 1,
          marks: 1,
          of: spansOf(s.slice(i + 1, end), at + i + 1, codes, inside),
        });
      else if (!wordBefore(s, i) && !spaceAt(s, i + 1)) hopeless.add(c);
    }
  }
  return out;
}

/** What stands between two places of the text, as pieces. */
function pieces(text: string, from: number, to: number, spans: Span[]): Inline[] {
  const out: Inline[] = [];
  let at = from;
  for (const span of spans) {
    if (span.from > at) out.push(text.slice(at, span.from));
    const [first, end] = [span.from + span.marks, span.to - span.marks];
    const inside = text.slice(first, end);
    if (span.kind === "mono") out.push({ kind: "mono", text: inside });
    else if (span.kind === "link")
      out.push({ kind: "link", text: inside, href: /^www/i.test(inside) ? `https://${inside}` : inside });
    else out.push({ kind: marks[span.kind], of: pieces(text, first, end, span.of) });
    at = span.to;
  }
  if (to > at) out.push(text.slice(at, to));
  return out;
}

/** Reads a message's text as WhatsApp's apps do. What is no formatting stays as it was typed; nothing is HTML. */
export const parse = (message: string): Block[] => read(message).blocks;

/** How WhatsApp shows a part of a text: its kind, or "mark" for the characters that cause it. */
export type Format = { kind: "bold" | "italic" | "strike" | "mono" | "mark"; from: number; to: number };

/** The formats of a text that is being written, which keeps its marks. A later one lies within an earlier one or after it. */
export function formats(text: string): Format[] {
  const flat = (spans: Span[]): Format[] =>
    spans.flatMap(({ kind, from, to, marks: n, of }) =>
      kind === "link"
        ? []
        : [
            { kind: kind === "mono" ? kind : marks[kind], from, to },
            { kind: "mark", from, to: from + n },
            ...flat(of),
            { kind: "mark", from: to - n, to },
          ],
    );
  return flat(read(text).spans);
}

function read(message: string): { blocks: Block[]; spans: Span[] } {
  const { text, plain, codes } = outline(message);
  const blocks: Block[] = [];
  const all: Span[] = [];
  const inline = (from: number, to: number): Inline[] => {
    const spans = spansOf(plain.slice(from, to), from, codes);
    for (const span of spans) all.push(span);
    return pieces(text, from, to, spans);
  };
  let begin = -1; // where the current lines of plain text begin; -1: there are none
  let at = 0;
  const flush = () => {
    if (begin >= 0) blocks.push({ kind: "text", of: inline(begin, at - 1) });
    begin = -1;
  };
  for (const line of plain.split("\n")) {
    const last = begin < 0 ? blocks.at(-1) : undefined;
    const end = at + line.length;
    const quote = /^> .*\S/.test(line);
    const bullet = /^[*-] .*\S/.test(line);
    const number = /^(\d{1,3})\. .*\S/.exec(line)?.[1];
    if (!quote && !bullet && number === undefined) {
      if (begin < 0) begin = at;
    } else {
      flush();
      const said = inline(at + (number?.length ?? 0) + 2, end);
      if (quote) {
        if (last?.kind === "quote") last.lines.push(said);
        else blocks.push({ kind: "quote", lines: [said] });
      } else if (bullet) {
        if (last?.kind === "bullets") last.items.push(said);
        else blocks.push({ kind: "bullets", items: [said] });
      } else if (last?.kind === "numbers") last.items.push(said);
      else blocks.push({ kind: "numbers", start: Number(number), items: [said] });
    }
    at = end + 1;
  }
  flush();
  return { blocks, spans: all };
}

/** The text without its marks, as a list shows it on one line. */
export function plainText(message: string): string {
  const read = (of: Inline[]): string =>
    of.map((p) => (typeof p === "string" ? p : "of" in p ? read(p.of) : p.text)).join("");
  return parse(message)
    .map((b) =>
      b.kind === "text"
        ? read(b.of)
        : (b.kind === "quote" ? b.lines : b.items)
            .map((l, i) => (b.kind === "bullets" ? "• " : b.kind === "numbers" ? `${b.start + i}. ` : "") + read(l))
            .join("\n"),
    )
    .join("\n");
}
