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

const address = /(?:https?:\/\/|www\.)[^\s<>"“”]+/giy;

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

/** Code keeps what stands in it as it is, over lines as well: it is taken out first and put back where it stood. */
const hole = "\0";

function inline(s: string, codes: string[], open: readonly Mark[] = []): Inline[] {
  const out: Inline[] = [];
  let text = "";
  const put = (piece: Inline) => {
    if (text) out.push(text);
    text = "";
    out.push(piece);
  };
  const hopeless = new Set<string>(); // marks that no later one closes on this line: looked for once
  for (let i = 0; i < s.length; i++) {
    const c = s.charAt(i);
    const link = linkAt(s, i);
    if (c === "\n") hopeless.clear();
    if (c === hole) put({ kind: "mono", text: codes.shift() ?? "" });
    else if (link) {
      put({ kind: "link", text: link, href: /^www/i.test(link) ? `https://${link}` : link });
      i += link.length - 1;
    } else if (c in marks && !open.includes(c as Mark) && !hopeless.has(c)) {
      const end = closing(s, i);
      if (end < 0) {
        if (!wordBefore(s, i) && !spaceAt(s, i + 1)) hopeless.add(c);
        text += c;
      } else {
        put({ kind: marks[c as Mark], of: inline(s.slice(i + 1, end), codes, [...open, c as Mark]) });
        i = end;
      }
    } else text += c;
  }
  if (text) out.push(text);
  return out;
}

/** Reads a message's text as WhatsApp's apps do. What is no formatting stays as it was typed; nothing is HTML. */
export function parse(message: string): Block[] {
  const codes: string[] = [];
  const keep = (_: string, code: string) => {
    codes.push(code);
    return hole;
  };
  const plain = message
    .replaceAll(hole, "")
    .replace(/\r\n?/g, "\n")
    .replace(/```([\s\S]+?)```|`([^`\n]+)`/g, (whole, block, one) => keep(whole, block ?? one));
  const blocks: Block[] = [];
  const lines: string[] = [];
  const flush = () => {
    if (lines.length > 0) blocks.push({ kind: "text", of: inline(lines.join("\n"), codes) });
    lines.length = 0;
  };
  for (const line of plain.split("\n")) {
    const last = lines.length === 0 ? blocks.at(-1) : undefined;
    const quote = /^> (.*\S.*)$/.exec(line)?.[1];
    const bullet = /^[*-] (.*\S.*)$/.exec(line)?.[1];
    const [, number, numbered] = /^(\d{1,3})\. (.*\S.*)$/.exec(line) ?? [];
    if (quote === undefined && bullet === undefined && numbered === undefined) {
      lines.push(line);
      continue;
    }
    flush(); // before its line is read: codes are put back in their order
    if (quote !== undefined) {
      const read = inline(quote, codes);
      if (last?.kind === "quote") last.lines.push(read);
      else blocks.push({ kind: "quote", lines: [read] });
    } else if (bullet !== undefined) {
      const read = inline(bullet, codes);
      if (last?.kind === "bullets") last.items.push(read);
      else blocks.push({ kind: "bullets", items: [read] });
    } else {
      const read = inline(numbered ?? "", codes);
      if (last?.kind === "numbers") last.items.push(read);
      else blocks.push({ kind: "numbers", start: Number(number), items: [read] });
    }
  }
  flush();
  return blocks;
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
