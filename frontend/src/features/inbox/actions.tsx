import { t } from "@lingui/core/macro";
import { Button, Group, Text } from "@mantine/core";
import { useMutation } from "urql";
import { graphql } from "../../gql";
import { settled } from "../../lib/errors";
import { moment } from "../../lib/format";
import { notifications } from "../../lib/notifications";

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
const SnoozeDocument = graphql(`
  mutation ConversationSnooze($input: ConversationSnoozeInput!) {
    conversationSnooze(input: $input) {
      conversation {
        id
        status
        unread
        snoozedUntil
      }
      userErrors {
        field
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
        snoozedUntil
      }
      userErrors {
        message
      }
    }
  }
`);

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
        >{t`Undo`}</Button>
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
    if (settled(await setClosed({ input: { id, reopen: false } }))) undoable(t`Conversation closed`, reopen);
  };
  const [, setSnoozed] = useMutation(SnoozeDocument);
  const snooze = async (until: Date) => {
    if (settled(await setSnoozed({ input: { id, until: until.toISOString() } })))
      undoable(t`Snoozed until ${moment(until.toISOString())}`, reopen);
  };
  return { assign, close, reopen, snooze };
}
