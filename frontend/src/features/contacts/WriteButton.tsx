import { t } from "@lingui/core/macro";
import { Button } from "@mantine/core";
import { IconMessage } from "@tabler/icons-react";
import { useMutation } from "urql";
import { graphql } from "../../gql";
import { useGoAfter } from "../../lib/address";
import { settled } from "../../lib/errors";

const OpenDocument = graphql(`
  mutation ConversationOpen($input: ConversationOpenInput!) {
    conversationOpen(input: $input) {
      conversation {
        id
      }
      userErrors {
        field
        message
      }
    }
  }
`);

/** Opens the conversation with a contact, made where there is none, to write in it. */
export function WriteButton(props: { contact: string }) {
  const goAfter = useGoAfter();
  const [{ fetching }, open] = useMutation(OpenDocument);
  const write = async () => {
    const go = goAfter();
    const result = await open({ input: { contactId: props.contact } });
    const id = result.data?.conversationOpen.conversation?.id;
    if (settled(result) && id) go({ to: "/inbox/$id", params: { id }, search: { step: "write" } });
  };
  return <Button leftSection={<IconMessage size={17} />} loading={fetching} onClick={write}>{t`Write`}</Button>;
}
