import { Button, Group, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useEffect, useRef } from "react";
import { useMutation } from "urql";
import { graphql } from "../../gql";
import { settled } from "../../lib/errors";
import { type Command, commandOf } from "./keys";

const AssignDocument = graphql(`
  mutation ConversationAssign($input: ConversationAssignInput!) {
    conversationAssign(input: $input) {
      conversation {
        id
        assignee {
          id
          name
        }
      }
      userErrors {
        message
      }
    }
  }
`);
const CloseDocument = graphql(`
  mutation ConversationClose($input: ConversationCloseInput!) {
    conversationClose(input: $input) {
      conversation {
        id
        status
        unread
      }
      userErrors {
        message
      }
    }
  }
`);

/** Runs what the keys of the inbox ask for; commands that are absent are somebody else's. */
export function useCommands(commands: Partial<Record<Command, () => void>>) {
  const current = useRef(commands);
  current.current = commands;
  useEffect(() => {
    const pressed = (e: KeyboardEvent) => {
      const command = commandOf(e);
      const run = command && current.current[command];
      if (!run) return;
      e.preventDefault(); // "/" and "r" are not typed into the field that takes the focus
      run();
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, []);
}

/** Tells what was done, with a way back. */
function undoable(message: string, undo: () => void) {
  const id = notifications.show({
    autoClose: 8000,
    message: (
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm">{message}</Text>
        <Button
          size="compact-sm"
          variant="light"
          onClick={() => {
            notifications.hide(id);
            undo();
          }}
        >
          Undo
        </Button>
      </Group>
    ),
  });
}

/** What is done to a conversation, by button or by key. */
export function useActions(id: string) {
  const [, setAssignee] = useMutation(AssignDocument);
  const [, setClosed] = useMutation(CloseDocument);
  const assign = async (assigneeId: string | null) => settled(await setAssignee({ input: { id, assigneeId } }));
  const reopen = async () => settled(await setClosed({ input: { id, reopen: true } }));
  const close = async () => {
    if (settled(await setClosed({ input: { id, reopen: false } }))) undoable("Conversation closed", reopen);
  };
  return { assign, close, reopen };
}
