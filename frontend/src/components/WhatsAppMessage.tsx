import { plural, t } from "@lingui/core/macro";
import {
  IconCopy,
  IconCornerUpLeft,
  IconExternalLink,
  IconFileText,
  IconForms,
  IconList,
  IconPhone,
  IconPhoto,
  IconPlayerPlayFilled,
  IconShoppingBag,
  type TablerIcon,
} from "@tabler/icons-react";
import { type ReactNode, useState } from "react";
import { graphql } from "../gql";
import type {
  TemplateButtonPartsFragment,
  TemplateButtonType,
  TemplateContentPartsFragment,
  TemplateMediaKind,
} from "../gql/graphql";
import { timeOnly } from "../lib/format";
import classes from "./WhatsAppMessage.module.css";
import { WhatsAppText } from "./WhatsAppText";

graphql(`
  fragment TemplateButtonParts on TemplateButton {
    type
    title
    url
    phone
    code
    id
    track
  }
`);

graphql(`
  fragment TemplateContentParts on TemplateContent {
    header {
      text
      media {
        kind
        url
      }
    }
    footer
    buttons {
      ...TemplateButtonParts
    }
    list {
      button
      items {
        title
        description
        id
      }
    }
    cards {
      title
      body
      media {
        kind
        url
      }
      buttons {
        ...TemplateButtonParts
      }
    }
    catalog {
      id
      title
      subtitle
      items {
        id
        section
      }
    }
    authentication {
      code
      button
      expiresInMinutes
    }
    flow {
      id
      button
      firstScreen
    }
  }
`);

type Shown = Partial<Omit<TemplateContentPartsFragment, "__typename">>;

const icons: Record<TemplateButtonType, TablerIcon> = {
  QUICK_REPLY: IconCornerUpLeft,
  URL: IconExternalLink,
  PHONE: IconPhone,
  COPY_CODE: IconCopy,
};
const placeholders: Record<TemplateMediaKind, TablerIcon> = {
  IMAGE: IconPhoto,
  VIDEO: IconPlayerPlayFilled,
  DOCUMENT: IconFileText,
};

/**
 * A message as WhatsApp shows it: header, text, footer and buttons, or cards side by side. It is a picture: nothing opens.
 * at: when it came; absent: now.
 */
export function WhatsAppMessage(props: { content?: Shown; at?: string; testId?: string; children: ReactNode }) {
  const c = props.content ?? {};
  const buttons = c.buttons ?? [];
  // WhatsApp shows three at most; of more it shows two, and the rest behind "See all options".
  const shown = buttons.length > 3 ? buttons.slice(0, 2) : buttons;
  return (
    <div className={classes.message}>
      <div className={classes.bubble}>
        {c.header?.media && <Medium kind={c.header.media.kind} url={c.header.media.url} />}
        {c.catalog && (
          <div className={classes.catalog}>
            <IconShoppingBag size={22} aria-hidden />
            <span>
              <strong dir="auto">{c.catalog.title || t`Products of your catalog`}</strong>
              {c.catalog.subtitle && <span dir="auto">{c.catalog.subtitle}</span>}
            </span>
          </div>
        )}
        <div className={classes.words}>
          {c.header?.text && (
            <strong className={classes.header} dir="auto">
              {c.header.text}
            </strong>
          )}
          <div data-testid={props.testId}>{props.children}</div>
          {c.footer && (
            <div className={classes.footer} dir="auto">
              {c.footer}
            </div>
          )}
          {c.authentication?.expiresInMinutes && (
            <div className={classes.footer}>
              {plural(c.authentication.expiresInMinutes, {
                one: "This code expires in # minute.",
                other: "This code expires in # minutes.",
              })}
            </div>
          )}
          <time className={classes.time} aria-hidden>
            {timeOnly(props.at ?? new Date().toISOString())}
          </time>
        </div>
        {shown.map((b, i) => (
          <Tap key={i} icon={icons[b.type]}>
            <bdi>{titleOf(b)}</bdi>
          </Tap>
        ))}
        {buttons.length > shown.length && <Tap icon={IconList}>{t`See all options`}</Tap>}
        {c.list && (
          <Tap icon={IconList}>
            <bdi>{c.list.button}</bdi>
          </Tap>
        )}
        {c.catalog && <Tap icon={IconShoppingBag}>{t`View items`}</Tap>}
        {c.authentication && (
          <Tap icon={IconCopy}>
            <bdi>{c.authentication.button}</bdi>
          </Tap>
        )}
        {c.flow && (
          <Tap icon={IconForms}>
            <bdi>{c.flow.button}</bdi>
          </Tap>
        )}
      </div>
      {c.list && (
        <ul className={classes.list} aria-label={t`Entries of the list`}>
          {c.list.items.map((item, i) => (
            <li key={i}>
              <strong dir="auto">{item.title}</strong>
              {item.description && <span dir="auto">{item.description}</span>}
            </li>
          ))}
        </ul>
      )}
      {(c.cards?.length ?? 0) > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
        <ul className={classes.cards} aria-label={t`Cards`} tabIndex={0}>
          {c.cards?.map((card, i) => (
            <li key={i}>
              <Medium kind={card.media.kind} url={card.media.url} />
              <div className={classes.words}>
                {card.title && (
                  <strong className={classes.header} dir="auto">
                    {card.title}
                  </strong>
                )}
                <WhatsAppText>{card.body}</WhatsAppText>
              </div>
              {card.buttons.map((b, j) => (
                <Tap key={j} icon={icons[b.type]}>
                  <bdi>{titleOf(b)}</bdi>
                </Tap>
              ))}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

const titleOf = (b: TemplateButtonPartsFragment) =>
  b.type === "COPY_CODE" ? t`Copy offer code` : b.title || t`Button`;

function Tap(props: { icon: TablerIcon; children: ReactNode }) {
  return (
    <div className={classes.tap}>
      <props.icon size={16} aria-hidden /> {props.children}
    </div>
  );
}

/** A picture, or what stands for it while there is none. */
export function Medium(props: { kind: TemplateMediaKind; url: string }) {
  const [failed, setFailed] = useState("");
  const Icon = placeholders[props.kind];
  const opens = props.url && failed !== props.url && !props.url.includes("{{");
  if (props.kind === "IMAGE" && opens)
    return <img className={classes.medium} src={props.url} alt="" onError={() => setFailed(props.url)} />;
  return (
    <div className={props.kind === "DOCUMENT" ? classes.document : classes.medium}>
      <Icon size={props.kind === "DOCUMENT" ? 22 : 34} aria-hidden />
      {props.kind === "DOCUMENT" && <span>{props.url.split("/").pop() || t`Document`}</span>}
    </div>
  );
}
