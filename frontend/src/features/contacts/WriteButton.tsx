import { Button } from "@mantine/core";
import { IconMessage } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { useMutation } from "urql";
import { graphql } from "../../gql";
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
  const navigate = useNavigate();
  const [{ fetching }, open] = useMutation(OpenDocument);
  const write = async () => {
    const result = await open({ input: { contactId: props.contact } });
    const id = result.data?.conversationOpen.conversation?.id;
    if (settled(result) && id) navigate({ to: "/inbox/$id", params: { id }, search: { step: "write" } });
  };
  return (
    <Button variant="default" leftSection={<IconMessage size={17} />} loading={fetching} onClick={write}>
      Write
    </Button>
  );
}
