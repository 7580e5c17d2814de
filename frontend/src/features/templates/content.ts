import { t } from "@lingui/core/macro";
import type {
  TemplateButtonInput,
  TemplateButtonPartsFragment,
  TemplateButtonType,
  TemplateContentInput,
  TemplateContentPartsFragment,
  TemplateMediaKind,
} from "../../gql/graphql";

/** What a template is beside its text. Parts of other shapes are kept while somebody tries one after another. */
export type Shape = "message" | "cards" | "list" | "authentication" | "catalog" | "flow";

export type Media = { kind: TemplateMediaKind; url: string };
export type Button = {
  type: TemplateButtonType;
  title: string;
  url: string;
  phone: string;
  code: string;
  id: string;
  track: boolean;
};
export type Card = { title: string; body: string; media: Media; buttons: Button[] };
export type ListItem = { title: string; description: string; id: string };
export type Product = { id: string; section: string };

export type Content = {
  shape: Shape;
  header: { text: string } | { media: Media } | null;
  footer: string;
  buttons: Button[];
  cards: Card[];
  list: { button: string; items: ListItem[] };
  authentication: { code: string; button: string; expiresInMinutes: number | null };
  catalog: { id: string; title: string; subtitle: string; items: Product[] };
  flow: { id: string; button: string; firstScreen: string };
};

export const shapes: { value: Shape; label: string; description: string }[] = [
  { value: "message", label: t`Message`, description: t`Text with a header, a footer and buttons` },
  { value: "cards", label: t`Cards side by side`, description: t`2 to 10 pictures with text and buttons` },
  { value: "list", label: t`List to choose from`, description: t`For replies within 24 hours; needs no approval` },
  { value: "authentication", label: t`One-time code`, description: t`A code in WhatsApp's own words` },
  { value: "catalog", label: t`Products`, description: t`Of the catalog that your WhatsApp account has at Meta` },
  { value: "flow", label: t`Form`, description: t`Opens a WhatsApp Flow made at Meta` },
];

export const newButton = (type: TemplateButtonType): Button => ({
  type,
  title: "",
  url: "",
  phone: "",
  code: "",
  id: "",
  track: false,
});
export const newCard = (like?: Card): Card => ({
  title: "",
  body: "",
  media: { kind: like?.media.kind ?? "IMAGE", url: "" },
  buttons: like ? like.buttons.map((b) => ({ ...b, id: "" })) : [newButton("QUICK_REPLY")],
});

export const noContent: Content = {
  shape: "message",
  header: null,
  footer: "",
  buttons: [],
  cards: [newCard(), newCard()],
  list: { button: "", items: [{ title: "", description: "", id: "" }] },
  authentication: { code: "", button: t`Copy code`, expiresInMinutes: null },
  catalog: { id: "", title: "", subtitle: "", items: [] },
  flow: { id: "", button: "", firstScreen: "" },
};

const readButton = (b: TemplateButtonPartsFragment): Button => ({
  type: b.type,
  title: b.title,
  url: b.url ?? "",
  phone: b.phone ?? "",
  code: b.code ?? "",
  id: b.id ?? "",
  track: b.track,
});

/** What the API tells, as the editor keeps it. */
export function readContent(c: TemplateContentPartsFragment): Content {
  const media = c.header?.media;
  return {
    ...noContent,
    shape: c.cards.length
      ? "cards"
      : c.list
        ? "list"
        : c.authentication
          ? "authentication"
          : c.catalog
            ? "catalog"
            : c.flow
              ? "flow"
              : "message",
    header: media ? { media: { kind: media.kind, url: media.url } } : c.header ? { text: c.header.text ?? "" } : null,
    footer: c.footer ?? "",
    buttons: c.buttons.map(readButton),
    cards: c.cards.length
      ? c.cards.map((card) => ({
          title: card.title ?? "",
          body: card.body,
          media: { kind: card.media.kind, url: card.media.url },
          buttons: card.buttons.map(readButton),
        }))
      : noContent.cards,
    list: c.list
      ? {
          button: c.list.button,
          items: c.list.items.map((i) => ({ title: i.title, description: i.description ?? "", id: i.id ?? "" })),
        }
      : noContent.list,
    authentication: c.authentication
      ? {
          code: c.authentication.code,
          button: c.authentication.button,
          expiresInMinutes: c.authentication.expiresInMinutes ?? null,
        }
      : noContent.authentication,
    catalog: c.catalog
      ? {
          id: c.catalog.id ?? "",
          title: c.catalog.title ?? "",
          subtitle: c.catalog.subtitle ?? "",
          items: c.catalog.items.map((i) => ({ id: i.id, section: i.section ?? "" })),
        }
      : noContent.catalog,
    flow: c.flow ? { id: c.flow.id, button: c.flow.button, firstScreen: c.flow.firstScreen ?? "" } : noContent.flow,
  };
}

const given = (s: string) => s.trim() || null;

const writeButton = (b: Button): TemplateButtonInput => ({
  type: b.type,
  title: b.title,
  url: b.type === "URL" ? b.url : null,
  phone: b.type === "PHONE" ? b.phone : null,
  code: b.type === "COPY_CODE" ? b.code : null,
  id: b.type === "QUICK_REPLY" ? given(b.id) : null,
  track: b.type === "URL" ? b.track : null,
});

/** What goes to the API: the parts of the chosen shape alone. */
export function contentInput(c: Content): TemplateContentInput {
  switch (c.shape) {
    case "message":
      return { header: c.header, footer: given(c.footer), buttons: c.buttons.map(writeButton) };
    case "cards":
      return {
        cards: c.cards.map((card) => ({ ...card, title: given(card.title), buttons: card.buttons.map(writeButton) })),
      };
    case "list":
      return {
        list: {
          button: c.list.button,
          items: c.list.items.map((i) => ({ title: i.title, description: given(i.description), id: given(i.id) })),
        },
      };
    case "authentication":
      return { authentication: c.authentication };
    case "catalog":
      return {
        catalog: {
          id: given(c.catalog.id),
          title: given(c.catalog.title),
          subtitle: given(c.catalog.subtitle),
          items: c.catalog.items.map((i) => ({ id: i.id, section: given(i.section) })),
        },
      };
    case "flow":
      return { flow: { ...c.flow, firstScreen: given(c.flow.firstScreen) } };
  }
}

/** Why no further button of a type fits, null when one does. By Meta's rules for templates. */
export function buttonLimit(buttons: readonly Button[], type: TemplateButtonType): string | null {
  const of = buttons.filter((b) => b.type === type).length;
  if (buttons.length >= 10) return t`At most 10 buttons`;
  if (type === "URL" && of >= 2) return t`At most 2 with an address`;
  if (type === "PHONE" && of >= 1) return t`At most 1 with a number`;
  if (type === "COPY_CODE" && of >= 1) return t`At most 1 code`;
  return null;
}

/** A list with one of its entries moved. */
export function moved<T>(list: readonly T[], from: number, to: number): T[] {
  const next = [...list];
  const [item] = next.splice(from, 1);
  if (item !== undefined) next.splice(to, 0, item);
  return next;
}

/** A list with one of its entries changed. */
export const replaced = <T extends object>(list: readonly T[], at: number, changed: Partial<T>): T[] =>
  list.map((item, i) => (i === at ? { ...item, ...changed } : item));

/** Problems by their field; of what nobody has written yet only once somebody wanted to save. */
export function problemsByField(
  problems: readonly { field?: readonly string[] | null; message: string }[],
  all: boolean,
): Record<string, string> {
  const found: Record<string, string> = {};
  for (const p of problems) {
    const field = p.field?.join(".") ?? "";
    if (!all && (p.message.endsWith(" is missing") || field === "body")) continue;
    found[field] = found[field] ? `${found[field]}; ${p.message}` : p.message;
  }
  return found;
}
