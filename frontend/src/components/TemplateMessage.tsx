import { Skeleton } from "@mantine/core";
import { useQuery } from "urql";
import { graphql } from "../gql";
import type { TemplateWordsFragment } from "../gql/graphql";
import { real } from "../lib/node";
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

/** A template as it was written. */
export function TemplateMessage({ template: t }: { template: TemplateWordsFragment }) {
  return (
    <WhatsAppMessage content={t.content}>
      <WhatsAppText>{t.body}</WhatsAppText>
    </WhatsAppMessage>
  );
}

/** The same of one that is known by its id. */
export function TemplateMessageById(props: { id: string }) {
  const [{ data }] = useQuery({ query: TemplateMessageDocument, variables: { id: props.id } });
  const t = real(data?.node, "Template");
  return t?.id === props.id ? <TemplateMessage template={t} /> : <Skeleton h={80} maw={320} />;
}
