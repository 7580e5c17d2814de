import { t } from "@lingui/core/macro";
import { diffWordsWithSpace } from "diff";
import type { Button, Content } from "./content";

const button = (b: Button) => [b.title, b.url || b.phone || b.code].filter(Boolean).join(" · ");

/** All that a version says, as lines of text, so that two can be compared. */
export function written(body: string, content: Content): string {
  const lines: (string | false)[] = [];
  const { header } = content;
  if (content.shape === "message" && header)
    lines.push("text" in header ? t`Header: ${header.text}` : t`Header: ${header.media.url}`);
  lines.push(body);
  if (content.shape === "message") {
    lines.push(content.footer !== "" && t`Footer: ${content.footer}`);
    for (const b of content.buttons) lines.push(t`Button: ${button(b)}`);
  }
  if (content.shape === "cards")
    content.cards.forEach((card, i) => {
      const place = i + 1;
      lines.push(t`Card ${place}: ${card.media.url}`, card.title, card.body);
      for (const b of card.buttons) lines.push(t`Button: ${button(b)}`);
    });
  if (content.shape === "list") {
    lines.push(t`Button: ${content.list.button}`);
    for (const item of content.list.items) lines.push([item.title, item.description].filter(Boolean).join(" · "));
  }
  if (content.shape === "authentication") lines.push(content.authentication.code, content.authentication.button);
  if (content.shape === "catalog")
    lines.push(content.catalog.title, content.catalog.subtitle, ...content.catalog.items.map((i) => i.id));
  if (content.shape === "flow") lines.push(t`Button: ${content.flow.button}`, content.flow.id);
  return lines.filter(Boolean).join("\n");
}

export type Piece = { text: string; is: "same" | "added" | "removed" };

/** What was added to and removed from one text to become another, word by word. */
export const changes = (before: string, after: string): Piece[] =>
  diffWordsWithSpace(before, after).map((part) => ({
    text: part.value,
    is: part.added ? "added" : part.removed ? "removed" : "same",
  }));
