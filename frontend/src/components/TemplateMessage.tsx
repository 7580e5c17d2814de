import { Skeleton } from "@mantine/core";
import { useQuery } from "urql";
import { useAttributes } from "../features/attributes/useAttributes";
import { graphql } from "../gql";
import type { TemplateWordsFragment } from "../gql/graphql";
import { real } from "../lib/node";
import { withFields } from "../lib/placeholders";
import { WhatsAppMessage } from "./WhatsAppMessage";
import { WhatsAppText } from "./WhatsAppText";

graphql(`
  fragment TemplateWords on Template {
    body
    content {
      ...TemplateContentParts
    }
  }
`);

const TemplateMessageDocument = graphql(`
  query TemplateMessage($id: ID!) {
    node(id: $id) {
      ... on Template {
        id
        ...TemplateWords
      }
    }
  }
`);

/** A template with the names of what is filled in for each contact. */
export function TemplateMessage(props: { template: TemplateWordsFragment; at?: string }) {
  const { body, content } = props.template;
  const attributes = useAttributes();
  const named = (text: string) => withFields(text, attributes);
  const shown = content && {
    ...content,
    header: content.header && { ...content.header, text: content.header.text && named(content.header.text) },
    cards: content.cards.map((c) => ({ ...c, title: c.title && named(c.title), body: named(c.body) })),
  };
  return (
    <WhatsAppMessage content={shown} at={props.at}>
      <WhatsAppText>{named(body)}</WhatsAppText>
    </WhatsAppMessage>
  );
}

/** The same of one that is known by its id. */
export function TemplateMessageById(props: { id: string; at?: string }) {
  const [{ data }] = useQuery({ query: TemplateMessageDocument, variables: { id: props.id } });
  const t = real(data?.node, "Template");
  return t?.id === props.id ? <TemplateMessage template={t} at={props.at} /> : <Skeleton h={80} maw={320} />;
}
