import { Skeleton } from "@mantine/core";
import { useQuery } from "urql";
import { graphql } from "../gql";
import { real } from "../lib/node";
import { WhatsAppMessage } from "./WhatsAppMessage";
import { WhatsAppText } from "./WhatsAppText";

const TemplateMessageDocument = graphql(`
  query TemplateMessage($id: ID!) {
    node(id: $id) {
      ... on Template {
        id
        body
        content {
          ...TemplateContentParts
        }
      }
    }
  }
`);

/** A saved template as it was written. */
export function TemplateMessage(props: { id: string }) {
  const [{ data }] = useQuery({ query: TemplateMessageDocument, variables: { id: props.id } });
  const t = real(data?.node, "Template");
  if (!t || t.id !== props.id) return <Skeleton h={80} maw={320} />;
  return (
    <WhatsAppMessage content={t.content}>
      <WhatsAppText>{t.body}</WhatsAppText>
    </WhatsAppMessage>
  );
}
